import { Alert, Button, FileInput, Group, Modal, ScrollArea, Select, Stack, Switch, Table, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type Schemas } from '../../api/client';
import { count, some } from '../../format/numbers';
import { Failed } from '../../parts/states';
import { useTouched } from './list';

type Imported = Schemas['Imported'];
type Format = 'auto' | 'ndjson' | 'csv' | 'litellm';

const formats: { value: Format; label: string }[] = [
  { value: 'auto', label: 'As it looks' }, { value: 'litellm', label: 'LiteLLM' }, { value: 'ndjson', label: 'NDJSON' }, { value: 'csv', label: 'CSV' },
];

/** Takes over keys from a file, with the secrets that clients have. It is tried out first. */
export function Import({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Import keys" size="lg">
      <Steps close={close} />
    </Modal>
  );
}

function Steps({ close }: { close: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [format, setFormat] = useState<Format>('auto');
  const [skip, setSkip] = useState(false);
  const touched = useTouched();
  const run = useMutation({
    mutationFn: ({ dry }: { dry: boolean }) => send(file!, { format, dry_run: dry || undefined, skip_refused: skip || undefined }),
    onSuccess: (done) => !done.dry_run && touched(),
  });
  const seen = run.data;
  const done = seen && !seen.dry_run;
  // Whoever changes the question has not seen the answer yet.
  const anew = <T,>(set: (value: T) => void) => (value: T) => {
    set(value);
    run.reset();
  };
  return (
    <Stack gap="md">
      {!done && (
        <>
          <Text size="sm">Keys are taken over with the secrets that clients have, by their hash: nobody has to change anything. What is here already stays as it is.</Text>
          <FileInput label="File" placeholder="keys.ndjson or keys.csv" value={file} onChange={anew(setFile)} accept=".csv,.ndjson,.jsonl,.json,.txt" clearable required data-autofocus />
          <Group gap="md" align="flex-end">
            <Select label="Format" data={formats} value={format} onChange={(v) => v && anew(setFormat)(v)} allowDeselect={false} w={180} />
            <Switch label="Skip what cannot be taken over" size="sm" withThumbIndicator={false} mb={8} checked={skip} onChange={(e) => anew(setSkip)(e.currentTarget.checked)} />
          </Group>
        </>
      )}
      {run.isError && <Failed why={run.error} />}
      {seen && <Result of={seen} skip={skip} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={close}>{done ? 'Close' : 'Cancel'}</Button>
        {!done && <Button variant={seen ? 'default' : 'filled'} disabled={!file} loading={run.isPending && run.variables.dry} onClick={() => run.mutate({ dry: true })}>Try it out</Button>}
        {!done && seen && seen.created > 0 && (seen.refused === 0 || skip) && (
          <Button loading={run.isPending} onClick={() => run.mutate({ dry: false })}>Import {some(seen.created, 'key')}</Button>
        )}
      </Group>
    </Stack>
  );
}

async function send(file: File, query: { format: Format; dry_run?: boolean; skip_refused?: boolean }): Promise<Imported> {
  const answer = await ask(api.POST('/api/v1/keys:import', {
    params: { query },
    headers: { 'Content-Type': 'application/octet-stream' },
    // The file is sent as it is, without being read into the page.
    body: file.name, bodySerializer: () => file,
  }));
  if (!('created' in answer)) {
    throw new Error('The server answered with lines, which nobody asked for.');
  }
  return answer;
}

function Result({ of, skip }: { of: Imported; skip: boolean }) {
  const lines = of.lines ?? [];
  const blocked = of.refused > 0 && !skip;
  return (
    <>
      <Alert color={of.refused > 0 ? 'yellow' : 'toll'} variant="light" title={of.dry_run ? 'Nothing was changed yet' : 'Done'} role="status">
        <Text size="sm">
          {count(of.created)} {of.dry_run ? 'would be made' : 'made'}, {count(of.unchanged)} here already, {count(of.refused)} refused.
          {of.dry_run && blocked && ' As long as one is refused, nothing is imported: correct the file, or skip what cannot be taken over.'}
        </Text>
      </Alert>
      {lines.length > 0 && (
        <ScrollArea.Autosize mah={260} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': 'What there is to say about single lines' }}>
          <Table stickyHeader fz="sm">
            <Table.Thead>
              <Table.Tr><Table.Th className="number">Line</Table.Th><Table.Th>Name</Table.Th><Table.Th>Outcome</Table.Th><Table.Th>Why</Table.Th></Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {lines.map((l, i) => (
                <Table.Tr key={i}>
                  <Table.Td className="number">{l.line}</Table.Td>
                  <Table.Td className="wrap-anywhere">{l.name}</Table.Td>
                  <Table.Td>{l.outcome}</Table.Td>
                  <Table.Td className="wrap-anywhere">{l.message}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
    </>
  );
}
