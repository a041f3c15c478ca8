import { Group, Paper, Stack, Table, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlugOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { some } from '../../format/numbers';
import { TextLink } from '../../parts/links';
import { Empty, Failed, Rows } from '../../parts/states';
import { Search } from './search';

/** The models of the configuration in force. */
export function Callable({ q }: { q: string | undefined }) {
  const models = useQuery({ queryKey: ['models'], queryFn: ({ signal }) => ask(api.GET('/api/v1/models', { signal })) });
  if (models.isError) {
    return <Failed why={models.error} again={() => void models.refetch()} />;
  }
  if (models.isPending) {
    return <Rows />;
  }
  const all = models.data.models ?? [];
  const words = (q ?? '').toLowerCase().split(/\s+/);
  const shown = all.filter((m) => words.every((w) => [m.name, ...(m.providers ?? []), ...(m.upstream ?? [])].some((t) => t.toLowerCase().includes(w))));
  const unpriced = all.filter((m) => m.price === 'unknown').length;
  if (all.length === 0) {
    return <Empty icon={IconPlugOff} title="The configuration has no models">Name some under llm.models of the configuration file; it is watched.</Empty>;
  }
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Search q={q} label="Search by name or provider" />
        <Text size="sm" c="dimmed">{some(all.length, 'model')}{unpriced > 0 && `, ${unpriced} without a price`}</Text>
      </Group>
      <Paper withBorder>
        <Table.ScrollContainer minWidth={680}>
          <Table verticalSpacing="xs" highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th><Table.Th>Provider</Table.Th><Table.Th>Known there as</Table.Th>
                <Table.Th className="number">Input</Table.Th><Table.Th className="number">Output</Table.Th><Table.Th>Price from</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{shown.map((m) => <Callee key={m.name} model={m} />)}</Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {shown.length === 0 && <Empty title="No model has these words" />}
      </Paper>
    </Stack>
  );
}

function Callee({ model: m }: { model: Schemas['Model'] }) {
  return (
    <Table.Tr>
      <Table.Td className="wrap-anywhere" fw={500}>{m.name}</Table.Td>
      <Table.Td>{(m.providers ?? []).join(', ')}</Table.Td>
      <Table.Td className="wrap-anywhere">{m.upstream?.join(', ') ?? <Text span inherit c="dimmed">the same</Text>}</Table.Td>
      <Costs model={m} />
    </Table.Tr>
  );
}

/** What input and output usually cost, and who says so; in words where there are no such prices. */
function Costs({ model: m }: { model: Schemas['Model'] }) {
  const rates = m.rates ?? [];
  const price = (kind: string) => {
    const rate = rates.find((r) => r.kind === kind);
    return <Table.Td className="number">{rate ? `$${rate.price_usd}` : '–'}</Table.Td>;
  };
  if (rates.length === 0) {
    return <Table.Td colSpan={3}><PriceOf model={m} /></Table.Td>;
  }
  return (
    <>
      {price('input')}
      {price('output')}
      <Table.Td><PriceOf model={m} /></Table.Td>
    </>
  );
}

function PriceOf({ model: m }: { model: Schemas['Model'] }) {
  const may = useMay();
  const provider = m.providers?.[0] ?? '';
  const sent = m.upstream?.[0] ?? m.name;
  switch (m.price) {
    case 'known': {
      const source = m.rates?.[0]?.origin.source ?? 'known';
      return may('listPrices') ? <TextLink to="/models" search={{ tab: 'prices', q: sent }} inherit>{source}</TextLink> : source;
    }
    case 'free':
      return 'free';
    case 'unknown':
      return (
        <Group gap="xs">
          <Text span inherit fw={500}><IconAlertTriangle size={15} color="var(--mantine-color-orange-6)" style={{ verticalAlign: '-2px' }} aria-hidden /> no price</Text>
          {may('setPriceOverrides') && <TextLink to="/models" search={{ tab: 'overrides', provider, model: sent }} size="sm">Set a price</TextLink>}
        </Group>
      );
    default:
      return <Text span inherit c="dimmed">depends on the name that is asked for</Text>;
  }
}
