import { Anchor, Group, Paper, Skeleton, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { exact } from '../../format/money';
import { count, some } from '../../format/numbers';
import { TextLink } from '../../parts/links';
import { Sentences } from '../../parts/requests';
import { words } from '../models/rates';

/** What the exchange cost and how that comes, or which limit refused it, once that is on record. */
export function Cost({ id }: { id: string }) {
  const may = useMay()('explainRequest');
  const [inWords, setInWords] = useState(false);
  const why = useQuery({
    queryKey: ['requests', 'why', id],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/requests/{id}/why', { params: { path: { id } }, signal })),
    enabled: may,
    staleTime: Infinity,
    // An exchange is on record a moment after it has ended.
    retry: (times, e) => times < 20 && e instanceof ApiError && e.status === 404,
    retryDelay: 300,
  });
  if (!may) {
    return null;
  }
  const attempts = (why.data?.request.attempts ?? []).filter((a) => (a.lines ?? []).length > 0);
  return (
    <Paper withBorder p="md" component="section" aria-label="What it cost and why">
      <Group justify="space-between" mb="sm">
        <Title order={2}>What it cost and why</Title>
        {why.data && <Text fw={600}>{why.data.request.price === 'unknown' ? 'no price is known' : exact(why.data.request.cost_usd)}</Text>}
      </Group>
      {why.isPending && <Skeleton height={72} />}
      {why.isError && <Text size="sm" c="dimmed">This exchange is not on record: {why.error.message}</Text>}
      {attempts.map((a, i) => <Lines key={i} lines={a.lines ?? []} />)}
      {why.data && (
        <>
          {(attempts.length === 0 || inWords) && <Sentences sentences={why.data.sentences ?? []} />}
          <Group gap="md" mt="xs">
            {attempts.length > 0 && (
              <Anchor component="button" type="button" size="sm" aria-expanded={inWords} onClick={() => setInWords(!inWords)}>
                {inWords ? 'Hide the words' : 'In words'}
              </Anchor>
            )}
            <TextLink to="/requests" search={{ id }} size="sm">The whole record</TextLink>
          </Group>
        </>
      )}
    </Paper>
  );
}

function Lines({ lines }: { lines: Schemas['CostLine'][] }) {
  return (
    <Table fz="sm" verticalSpacing={4} mb="sm" withRowBorders={false}>
      <Table.Tbody>
        {lines.map((l, i) => (
          <Table.Tr key={i}>
            <Table.Td>{words(l.kind)}</Table.Td>
            <Table.Td className="number">{l.per === 'million' ? some(l.quantity, 'token') : count(l.quantity)}</Table.Td>
            <Table.Td className="number">× ${l.price_usd} per {l.per}{l.factor && ` × ${l.factor}`}</Table.Td>
            <Table.Td className="number">= {exact(l.cost_usd)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
