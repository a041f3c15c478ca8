import { Code, Paper, Table, Text, Title } from '@mantine/core';
import { meaningOf } from './headers';

/** All headers of the answer, those of tollgate with what they mean. */
export function Headers({ list }: { list: [string, string][] }) {
  // What tollgate says comes first; the rest is about the connection.
  const ordered = [...list].sort(([a], [b]) => Number(meaningOf(a) === undefined) - Number(meaningOf(b) === undefined));
  return (
    <Paper withBorder p="md" component="section" aria-label="Headers">
      <Title order={2} mb="sm">Headers</Title>
      <Table fz="sm" verticalSpacing={4} layout="fixed">
        <Table.Tbody>
          {ordered.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={500} w="38%" style={{ verticalAlign: 'top' }}>
                <Code bg="none" p={0} className="wrap-anywhere">{name}</Code>
                {meaningOf(name) && <Text size="xs" c="dimmed">{meaningOf(name)}</Text>}
              </Table.Th>
              <Table.Td className="wrap-anywhere" style={{ verticalAlign: 'top' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
