import { Badge, Button, Group, Stack, Text, Timeline } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { FieldDiff } from '../../parts/diff';
import { When } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import { Empty, Failed, Rows } from '../../parts/states';
import type { Key } from './queries';
import { Section } from './section';

/** Who did what to a key and its limits, the latest first. */
export function History({ of: key }: { of: Key }) {
  const found = useInfiniteQuery({
    queryKey: ['audit', 'key', key.id],
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET('/api/v1/audit', { params: { query: { related: key.id, limit: 25, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });
  const events = found.data?.pages.flatMap((page) => page.events ?? []) ?? [];
  return (
    <Section title="History" aside={<TextLink to="/audit" search={{ related: key.id }} size="sm">In the audit trail</TextLink>}>
      {found.isError && <Failed why={found.error} again={() => found.refetch()} />}
      {found.isPending && <Rows rows={6} height={64} />}
      {found.data && events.length === 0 && <Empty icon={IconHistory} title="Nothing is on record">{key.origin === 'file' ? 'Keys of a configuration file change with the file.' : 'Every change of the key will be listed here.'}</Empty>}
      <Timeline bulletSize={12} lineWidth={1} active={events.length}>
        {events.map((event) => <Happened key={event.id} event={event} />)}
      </Timeline>
      {found.hasNextPage && (
        <Button variant="default" mt="md" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>Earlier</Button>
      )}
    </Section>
  );
}

/** What was done, and what somebody was not let do. */
const deeds: Record<string, [done: string, tried: string]> = {
  'key.create': ['created the key', 'create the key'], 'key.import': ['took the key over', 'take the key over'], 'key.edit': ['edited the key', 'edit the key'],
  'key.disable': ['disabled the key', 'disable the key'], 'key.enable': ['enabled the key', 'enable the key'], 'key.rotate': ['rotated the secret', 'rotate the secret'],
  'key.revoke': ['revoked the key', 'revoke the key'], 'key.delete': ['deleted the key', 'delete the key'],
  'limit.adjust': ['corrected what a limit has spent', 'correct what a limit has spent'],
};

function deed({ action, outcome }: Schemas['Event']): string {
  const [done, tried] = deeds[action] ?? [action, action];
  return outcome === 'refused' ? `tried to ${tried}` : done;
}

function Happened({ event }: { event: Schemas['Event'] }) {
  const refused = event.outcome === 'refused';
  return (
    <Timeline.Item
      color={refused ? 'red' : undefined}
      title={
        <Group gap={6}>
          <Text size="sm"><b className="wrap-anywhere">{event.actor.name}</b> {deed(event)}</Text>
          {refused && <Badge size="sm" color="red" variant="light" tt="none">refused</Badge>}
          <Text size="xs" c="dimmed" component="span"><When at={event.at} /></Text>
        </Group>
      }
    >
      <Stack gap={6} mt={4}>
        {event.reason && <Text size="sm" className="wrap-anywhere">“{event.reason}”</Text>}
        {(event.diff?.length ?? 0) > 0 && <FieldDiff diff={event.diff} />}
      </Stack>
    </Timeline.Item>
  );
}
