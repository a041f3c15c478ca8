import { Grid, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { live } from '../../app/queries';
import { Failed, PageHead } from '../../parts/states';
import { Attention } from './attention';
import { Figures, FiguresPending } from './figures';
import { KeyCounts, Refusals, TopKeys } from './lists';
import { Start } from './start';
import { Timeline } from './timeline';

/** What is being spent by whom, and what needs attention. */
export function Overview() {
  const overview = useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/overview', { signal })),
    placeholderData: keepPreviousData,
    refetchInterval: live,
  });
  const o = overview.data;
  return (
    <>
      <PageHead title="Overview" actions={o && <KeyCounts keys={o.keys} />}>Days and months are those of UTC.</PageHead>
      <Stack gap="md">
        {overview.isError && !o && <Failed why={overview.error} again={() => void overview.refetch()} />}
        {overview.isError && o && <Text size="sm" c="red" role="status">What is shown is from before: tollgate does not answer at the moment.</Text>}
        {o && (isFresh(o) ? <Start keys={keysOf(o)} /> : <Figures overview={o} />)}
        {!o && overview.isPending && <FiguresPending />}
        {o && !isFresh(o) && <Timeline />}
        {o && !isFresh(o) && (
          <Grid gap="md" align="stretch">
            <Grid.Col span={{ base: 12, lg: 7 }}><Attention entries={o.attention ?? []} /></Grid.Col>
            <Grid.Col span={{ base: 12, lg: 5 }}>
              <Stack gap="md">
                <Refusals codes={o.refusals_today ?? []} at={o.at} />
                <TopKeys groups={o.top_keys ?? []} total={o.month} />
              </Stack>
            </Grid.Col>
          </Grid>
        )}
      </Stack>
    </>
  );
}

type Of = Schemas['Overview'];

function keysOf(o: Of): number {
  return o.keys.active + o.keys.disabled + o.keys.revoked + o.keys.expired;
}

/** Whether nothing was ever asked here, so that there is nothing to show but how to begin. */
function isFresh(o: Of): boolean {
  return o.month.requests === 0 && (o.days ?? []).every((d) => d.requests === 0);
}
