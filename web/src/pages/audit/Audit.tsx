import { Button, Group, Stack, Text } from '@mantine/core';
import { IconSearchOff } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { FilterBar, TimeFilter } from '../../parts/filters';
import { Empty, Failed, PageHead, Rows } from '../../parts/states';
import { EventRow } from './event';
import { Export } from './export';
import { filters, type Asked } from './filters';
import { Verify } from './verify';
import classes from './audit.module.css';

const route = getRouteApi('/audit');

/** Who changed what, and who was refused to: newest first. */
export function Audit() {
  const may = useMay();
  const asked: Asked = route.useSearch();
  const navigate = route.useNavigate();
  const { outcome, ...others } = asked;
  const list = useInfiniteQuery({
    queryKey: ['audit', asked],
    queryFn: ({ pageParam, signal }) => ask(api.GET('/api/v1/audit', {
      params: { query: { ...others, outcome: outcome as 'done' | 'refused' | undefined, cursor: pageParam, limit: 50 } }, signal,
    })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
  const events = list.data?.pages.flatMap((p) => p.events ?? []) ?? [];
  const change = (by: Partial<Asked>) => void navigate({ search: (s) => ({ ...s, ...by }), resetScroll: false });
  return (
    <>
      <PageHead title="Audit" actions={<Group gap="xs">{may('verifyAudit') && <Verify />}{may('exportEvents') && <Export asked={asked} />}</Group>}>
        Every change and every refused one, chained by hashes.
      </PageHead>
      <Stack gap="sm">
        <FilterBar filters={filters} values={asked} onChange={change}>
          <TimeFilter key={`${asked.from}${asked.to}`} from={asked.from} to={asked.to} onChange={change} />
        </FilterBar>
        {list.isError && events.length === 0 ? <Failed why={list.error} again={() => void list.refetch()} /> : list.isPending ? <Rows rows={12} height={44} /> : (
          <>
            {events.length === 0 && <Empty icon={IconSearchOff} title="No event is like that">Nothing is ever taken out of the audit trail: try fewer filters.</Empty>}
            <ol className={classes.events} aria-label="Events">
              {events.map((e) => <EventRow key={e.id} event={e} />)}
            </ol>
            {events.length > 0 && (
              <Group justify="center" py="sm">
                {list.hasNextPage
                  ? <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Show older ones</Button>
                  : <Text size="sm" c="dimmed">The trail begins here.</Text>}
              </Group>
            )}
          </>
        )}
      </Stack>
    </>
  );
}
