import { Card, Stack, Table, Text } from '@mantine/core';
import { Lines } from '../credentials/masterkey';
import { Failed, Rows } from '../../parts/states';
import { keptFor } from './kept';
import { useHealth } from './server';

/** What is kept how long. */
export function Retention() {
  const health = useHealth();
  if (health.isError) {
    return <Failed why={health.error} again={() => void health.refetch()} />;
  }
  if (health.isPending) {
    return <Rows rows={5} height={36} />;
  }
  const kept = health.data.retention;
  const rows = [
    ['Records of requests', keptFor(kept.requests), 'Every request with its attempts, tokens and cost'],
    ['Sums by the hour', keptFor(kept.hours), 'What the charts of days are made of'],
    ['Sums by the day', 'for ever', 'Usage by key, model, provider and label'],
    ['Rows of the ledger', `${keptFor(kept.ledger)}, longer where an open window needs them`, 'What limits have counted'],
    ['Audit trail', 'for ever', 'Who changed what'],
  ];
  return (
    <Stack gap="lg" maw={860}>
      <Card withBorder p={0}>
        <Table verticalSpacing="sm" horizontalSpacing="md">
          <Table.Tbody>
            {rows.map(([what, how, about]) => (
              <Table.Tr key={what}>
                <Table.Td><Text size="sm" fw={600}>{what}</Text><Text size="xs" c="dimmed">{about}</Text></Table.Td>
                <Table.Td>{how}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Card>
      <Text size="sm" c="dimmed">The first two are set in the configuration, and read when tollgate starts:</Text>
      <Lines text={`tollgate:\n  retention: {requests: ${kept.requests}, hours: ${kept.hours}}`} label="Copy the configuration" />
    </Stack>
  );
}
