import { Card, Grid, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconHistory, IconMoodSmile } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { api, ask, type Schemas } from '../../api/client';
import { live } from '../../app/queries';
import { useMay } from '../../app/session';
import { codeWords } from '../../format/outcome';
import { When } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import { RequestTable } from '../../parts/requests';
import { Empty, Failed, Rows } from '../../parts/states';
import { Trial } from './trial';
import type { Key } from './queries';
import classes from './requests.module.css';

const route = getRouteApi('/keys/$id');

type Outcome = 'refused' | 'failed';

function useRequests(key: Key, limit: number, outcome?: Outcome) {
  return useQuery({
    queryKey: ['requests', 'key', key.id, outcome ?? 'all', limit],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/requests', { params: { query: { key: key.id, limit, outcome } }, signal })),
    refetchInterval: live,
    placeholderData: keepPreviousData,
  });
}

/** What the key did last, and beside it what it was refused last and why. */
export function Latest({ of: key }: { of: Key }) {
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8 }}><Listed of={key} most={8} /></Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}><Refusals of={key} /></Grid.Col>
    </Grid>
  );
}

function Listed({ of: key, most, outcome }: { of: Key; most: number; outcome?: Outcome }) {
  const may = useMay();
  const found = useRequests(key, most, outcome);
  if (!found.data) {
    return found.isError ? <Failed why={found.error} again={() => found.refetch()} /> : <Rows rows={most} height={36} />;
  }
  const requests = found.data.requests ?? [];
  return requests.length > 0 ? <RequestTable requests={requests} withoutKey /> : outcome ? (
    <Empty icon={IconMoodSmile} title={outcome === 'refused' ? 'Nothing was refused' : 'Nothing failed'}>As far as requests are kept on record.</Empty>
  ) : (
    <Empty icon={IconHistory} title="No request yet">
      Requests show up here a moment after they were sent with a secret of this key.
      {may('tryKey') && key.status === 'active' && <> <TextLink to="/try" search={{ key: key.id }} inherit underline="always">Send one</TextLink> to see.</>}
    </Empty>
  );
}

function Refusals({ of: key }: { of: Key }) {
  const found = useRequests(key, 5, 'refused');
  const refusals = found.data?.requests ?? [];
  return (
    <Card withBorder padding="md" h="100%">
      <Group justify="space-between" mb="xs">
        <Text fw={600} size="sm" component="h3">Refused last</Text>
        {refusals.length > 0 && <TextLink to="/requests" search={{ key: key.id, outcome: 'refused' }} size="xs">All refusals</TextLink>}
      </Group>
      {found.isError && !found.data && <Failed why={found.error} again={() => found.refetch()} />}
      {found.isPending && <Rows rows={4} height={40} />}
      {found.data && refusals.length === 0 && <Text size="sm" c="dimmed">Nothing was refused, as far as requests are kept.</Text>}
      <ul className={classes.refusals}>{refusals.map((r) => <Refused key={r.id} request={r} />)}</ul>
    </Card>
  );
}

function Refused({ request: r }: { request: Schemas['Request'] }) {
  return (
    <li>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <TextLink to="/requests" search={{ id: r.id }} size="sm" fw={500} c="inherit" truncate>{codeWords(r.code ?? 'refused')}</TextLink>
        <Text size="xs" c="dimmed" component="span"><When at={r.at} /></Text>
      </Group>
      <Text size="xs" c="dimmed" className="wrap-anywhere" lineClamp={2}>{r.message}</Text>
    </li>
  );
}

/** The requests of a key, and whether another one would pass. */
export function KeyRequests({ of: key }: { of: Key }) {
  const may = useMay();
  const { show } = route.useSearch();
  const navigate = route.useNavigate();
  const outcome = show === 'refused' || show === 'failed' ? show : undefined;
  return (
    <Grid gap="lg">
      <Grid.Col span={{ base: 12, lg: may('check') ? 8 : 12 }} order={{ base: 2, lg: 1 }}>
        {may('listRequests') ? (
          <Stack gap="sm">
            <Group justify="space-between">
              <SegmentedControl
                aria-label="Which requests" value={outcome ?? 'all'}
                data={[{ value: 'all', label: 'All' }, { value: 'refused', label: 'Refused' }, { value: 'failed', label: 'Failed' }]}
                onChange={(value) => void navigate({ search: (s) => ({ ...s, show: value === 'all' ? undefined : value }), replace: true })}
              />
              <TextLink to="/requests" search={{ key: key.id, outcome }} size="sm">Search and page through them</TextLink>
            </Group>
            <Listed of={key} most={25} outcome={outcome} />
          </Stack>
        ) : <Text size="sm" c="dimmed">Your role is not told about requests.</Text>}
      </Grid.Col>
      {may('check') && <Grid.Col span={{ base: 12, lg: 4 }} order={{ base: 1, lg: 2 }}><Trial of={key} /></Grid.Col>}
    </Grid>
  );
}
