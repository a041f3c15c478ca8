import { Group, Stack, Table, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, ask, labelQuery } from '../../api/client';
import { live } from '../../app/queries';
import { used } from '../../format/limits';
import { percent } from '../../format/numbers';
import { amountOf, share, shortly, type Unit } from '../../format/usage';
import { When } from '../../parts/figures';
import { LimitBar } from '../../parts/limits';
import { TextLink } from '../../parts/links';
import { Empty, Failed, Rows } from '../../parts/states';
import { useKeysWith, type SharedLimit } from './queries';
import { labelsIn } from './sentence';
import { height } from '../../format/money';

const most = 10;

/** The keys that have a limit each for itself, with how it stands for them. */
export function Drawers({ of: limit }: { of: SharedLimit }) {
  const found = useKeysWith(labelsIn(limit.match), { limit: most, every: live });
  if (!found.data) {
    return found.isError ? <Failed why={found.error} again={() => found.refetch()} /> : <Rows rows={4} height={44} />;
  }
  const rows = (found.data.keys ?? []).map((key) => ({ key, mine: key.shared_limits?.find((l) => l.id === limit.id) }));
  if (rows.length === 0) {
    return <Nobody />;
  }
  return (
    <Stack gap="sm">
      {rows.sort((a, b) => (b.mine ? used(b.mine) : 0) - (a.mine ? used(a.mine) : 0)).map(({ key, mine }) => (
        <div key={key.id}>
          <Group justify="space-between" wrap="nowrap" mb={2}>
            <TextLink to="/keys/$id" params={{ id: key.id }} size="sm" className="wrap-anywhere">{key.name}</TextLink>
            <Text size="xs" c="dimmed" component="span">used <When at={key.last_used_at} /></Text>
          </Group>
          {mine && <LimitBar limit={{ ...mine, name: undefined, match: undefined }} compact />}
        </div>
      ))}
      {limit.keys > rows.length && <Text size="xs" c="dimmed">The {rows.length} that were used last.</Text>}
    </Stack>
  );
}

const units: Partial<Record<SharedLimit['kind'], Unit>> = { cost: 'cost', tokens: 'tokens', requests: 'requests' };

/** The keys that draw from a pool, those first that drew most in its window. */
export function Drawing({ from: limit }: { from: SharedLimit }) {
  const labels = labelsIn(limit.match);
  const unit = limit.window?.calendar || limit.window?.fixed ? units[limit.kind] : undefined;
  const keys = useKeysWith(labels, { limit: most, every: live });
  const drawn = useQuery({
    queryKey: ['usage', 'pool', limit.id, limit.starts_at, labels],
    queryFn: ({ signal }) =>
      ask(api.GET('/api/v1/usage', { params: { query: { from: limit.starts_at, group_by: ['key'], ...labelQuery(labels) } }, signal })),
    enabled: unit !== undefined && limit.starts_at !== undefined,
    refetchInterval: 5 * live,
    placeholderData: keepPreviousData,
  });
  if (!keys.data) {
    return keys.isError ? <Failed why={keys.error} again={() => keys.refetch()} /> : <Rows rows={4} height={36} />;
  }
  const groups = (drawn.data?.groups ?? []).filter((g) => g.group?.key);
  const amounts = new Map(groups.map((g) => [g.group?.key ?? '', unit ? amountOf(unit, g) : '0']));
  const top = [...groups].sort((a, b) => height(amounts.get(b.group?.key ?? '')) - height(amounts.get(a.group?.key ?? ''))).slice(0, most);
  const known = new Map((keys.data.keys ?? []).map((k) => [k.id, k]));
  const rows = unit && top.length > 0
    ? top.map((g) => ({ id: g.group?.key ?? '', name: g.name || g.group?.key || '' }))
    : [...known.values()].map((k) => ({ id: k.id, name: k.name }));
  if (rows.length === 0) {
    return <Nobody />;
  }
  const total = drawn.data && unit ? amountOf(unit, drawn.data.total) : '0';
  return (
    <>
      <Table verticalSpacing={6} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Key</Table.Th>
            {unit ? <><Table.Th className="number">This window</Table.Th><Table.Th className="number">Share</Table.Th></> : <Table.Th className="number">Last used</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ id, name }) => (
            <Table.Tr key={id}>
              <Table.Td className="wrap-anywhere"><TextLink to="/keys/$id" params={{ id }} size="sm">{name}</TextLink></Table.Td>
              {unit ? (
                <>
                  <Table.Td className="number">{shortly(unit, amounts.get(id) ?? '0')}</Table.Td>
                  <Table.Td className="number">{percent(share(amounts.get(id) ?? '0', total))}</Table.Td>
                </>
              ) : <Table.Td className="number"><When at={known.get(id)?.last_used_at} /></Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {unit && <Text size="xs" c="dimmed" mt={6}>By the request records of this window; the limit itself counts from the ledger.</Text>}
    </>
  );
}

function Nobody() {
  return (
    <Empty icon={IconKey} title="No key has these labels">
      The limit holds as soon as one does: give a key the labels when you create or edit it.
    </Empty>
  );
}
