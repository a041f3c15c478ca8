import { Badge, Code, Table, Text } from '@mantine/core';
import { past, until } from '../../format/countdown';
import { useTick, When } from '../../parts/figures';
import type { Key } from './queries';

/** The secrets of a key by what is told of them: their end, and how lately each was used. */
export function Secrets({ of: key }: { of: Key }) {
  useTick(1000);
  const secrets = key.secrets ?? [];
  if (secrets.length === 0) {
    return <Text size="sm" c="dimmed">Your role is not told about secrets.</Text>;
  }
  return (
    <Table.ScrollContainer minWidth={460} type="native" tabIndex={0} role="region" aria-label="Secrets">
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr><Table.Th>Secret</Table.Th><Table.Th>Created</Table.Th><Table.Th>Last used</Table.Th><Table.Th>Works until</Table.Th></Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {secrets.map((s, i) => (
            <Table.Tr key={s.id}>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Code>{s.last4 ? `…${s.last4}` : s.id}</Code> {secrets.length > 1 && i === 0 && <Badge size="xs" variant="default" tt="none" fw={500}>new</Badge>}
              </Table.Td>
              <Table.Td><When at={s.created_at} /></Table.Td>
              <Table.Td><When at={s.last_used_at} /></Table.Td>
              <Table.Td><End at={s.not_after} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function End({ at }: { at: string | null }) {
  if (!at) {
    return <Text span inherit c="dimmed">the key ends</Text>;
  }
  return past(at) ? <Text span inherit c="dimmed">ended <When at={at} /></Text> : <><When at={at} /> <Text span size="xs" c="dimmed">({until(at)})</Text></>;
}
