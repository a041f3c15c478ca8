import { Alert, Badge, Button, Group, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ApiError, ask } from '../../api/client';
import { Failed } from '../../parts/states';
import { changes, type Change, type Doc } from './document';

interface Props {
  before: Doc;
  after: Doc;
  /** Of the list that the change was made to. */
  etag: string;
  onSaved: () => void;
}

/** What a change of the list does, before it is in force. */
export function Review({ before, after, etag, onSaved }: Props) {
  const cache = useQueryClient();
  const save = useMutation({
    mutationFn: () => ask(api.PUT('/api/v1/prices/overrides', { params: { header: { 'If-Match': etag } }, body: after })),
    onSuccess: () => {
      for (const of of ['prices', 'models', 'overview', 'audit']) {
        void cache.invalidateQueries({ queryKey: [of] });
      }
      notifications.show({ message: 'The prices hold from now on.' });
      onSaved();
    },
  });
  const list = changes(before, after);
  const stale = save.error instanceof ApiError && save.error.status === 412;
  return (
    <Stack gap="md">
      {list.length === 0 ? <Text size="sm">No price is different.</Text> : list.map((c) => <Changed key={`${c.provider}/${c.model}`} change={c} />)}
      <Text size="sm" c="dimmed">Holds for requests that are admitted from then on. What was charged is never repriced.</Text>
      {stale && (
        <Alert color="yellow" variant="light" role="alert" title="Somebody else changed it meanwhile">
          <Stack gap="xs" align="flex-start">
            <Text size="sm" c="var(--mantine-color-text)">Nothing was changed. Load the list anew, look at what is different, and do it again.</Text>
            <Button size="xs" variant="default" onClick={() => {
              void cache.invalidateQueries({ queryKey: ['prices', 'overrides'] });
              onSaved();
            }}>Load it anew</Button>
          </Stack>
        </Alert>
      )}
      {save.isError && !stale && <Failed why={save.error} />}
      <Group justify="flex-end">
        <Button loading={save.isPending} disabled={list.length === 0 || stale} onClick={() => save.mutate()}>Put in force</Button>
      </Group>
    </Stack>
  );
}

const colours = { added: 'toll', changed: 'gray', removed: 'red' } as const;

function Changed({ change: c }: { change: Change }) {
  return (
    <div>
      <Group gap="xs" mb={4}>
        <Badge color={colours[c.deed]} variant="light" radius="sm" tt="none">{c.deed}</Badge>
        <Text size="sm" fw={500} className="wrap-anywhere">{c.provider}{c.model && ` / ${c.model}`}</Text>
      </Group>
      <Table verticalSpacing={4} fz="sm" layout="fixed">
        <Table.Thead><Table.Tr><Table.Th>What</Table.Th><Table.Th>Before</Table.Th><Table.Th>After</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {c.lines.map((l) => (
            <Table.Tr key={l.name}>
              <Table.Td>{l.name}</Table.Td>
              <Table.Td className="wrap-anywhere">{l.before ?? <Text span inherit c="dimmed">as the lists have it</Text>}</Table.Td>
              <Table.Td className="wrap-anywhere">{l.after ?? <Text span inherit c="dimmed">as the lists have it</Text>}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
