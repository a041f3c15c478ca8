import { Button, Center, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { When } from '../../parts/figures';
import { Empty, Failed, Rows } from '../../parts/states';
import { PriceRows } from './pricerows';
import classes from './prices.module.css';
import { Search } from './search';

/** What every model costs that some list knows, and who says so. */
export function Prices({ q }: { q: string | undefined }) {
  const prices = useInfiniteQuery({
    queryKey: ['prices', 'list', q],
    queryFn: ({ signal, pageParam }) => ask(api.GET('/api/v1/prices', { params: { query: { q, cursor: pageParam, limit: 50 } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
  const pages = prices.data?.pages ?? [];
  const found = pages.flatMap((p) => p.prices ?? []);
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start">
        <Search q={q} label="Search by provider and model" />
        <Origins list={pages[0]?.origins ?? []} />
      </Group>
      {prices.isError && <Failed why={prices.error} again={() => void prices.refetch()} />}
      {prices.isPending && <Rows />}
      {prices.data && (
        <Paper withBorder>
          {found.length === 0 ? <Empty title="No list has such a model">The overrides can give it a price.</Empty> : (
            <div className={classes.frame} role="region" aria-label="Prices" tabIndex={0}>
              <Table className={classes.table} verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Model</Table.Th>
                    <Table.Th>When</Table.Th>
                    <Table.Th className="number">Input</Table.Th>
                    <Table.Th className="number">Output</Table.Th>
                    <Table.Th className="number">Cache read</Table.Th>
                    <Table.Th className="number">Cache write</Table.Th>
                    <Table.Th>Other</Table.Th>
                    <Table.Th>Source</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                {found.map((p) => <PriceRows key={`${p.provider}/${p.model}`} price={p} />)}
              </Table>
            </div>
          )}
          {prices.hasNextPage && (
            <Center p="sm">
              <Button variant="default" size="xs" loading={prices.isFetchingNextPage} onClick={() => void prices.fetchNextPage()}>Show more</Button>
            </Center>
          )}
        </Paper>
      )}
    </Stack>
  );
}

/** The lists in force, the one that goes before the others last. */
function Origins({ list }: { list: Schemas['Origin'][] }) {
  return list.length === 0 ? null : (
    <Text size="xs" c="dimmed" component="div" ta={{ sm: 'right' }}>
      {list.map((o, i) => (
        <div key={i}>
          {i === 0 ? 'Lists in force: ' : 'over it: '}{o.source}{o.version && ` ${o.version}`}{o.date && <>, <When at={o.date} /></>}
        </div>
      ))}
    </Text>
  );
}
