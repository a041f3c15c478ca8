import { Alert, Autocomplete, Button, Group, List, Modal, Progress as Bar, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState, type ReactNode } from 'react';
import { parseLabel } from '../../format/labels';
import { some } from '../../format/numbers';
import { useReturnFocus } from '../../parts/focus';
import { act, each, meant, type Deed, type Progress } from './bulk';
import { useTouched, type Key } from './list';

const titles: Record<Deed['kind'], string> = {
  enable: 'Enable keys', disable: 'Disable keys', delete: 'Delete keys', label: 'Add a label', unlabel: 'Remove a label',
};
const actions: Record<Deed['kind'], string> = { enable: 'Enable', disable: 'Disable', delete: 'Delete', label: 'Add to', unlabel: 'Remove from' };

/** Asks once for many keys, does it to one after the other, and tells what did not work. */
export function BulkDialog({ kind, selected, close, clear }: { kind: Deed['kind']; selected: Key[]; close: () => void; clear: () => void }) {
  const { keys, left } = meant(selected, kind);
  const [told, setTold] = useState<Progress>({ done: 0, failed: [] });
  const stop = useRef<AbortController>(null);
  const touched = useTouched();
  useReturnFocus();
  const run = useMutation({
    mutationFn: (deed: Deed) => {
      stop.current = new AbortController();
      return each(keys, (key) => act(deed, key), setTold, stop.current.signal);
    },
    onSuccess: ({ done, failed }) => {
      if (failed.length === 0 && done === keys.length) {
        clear();
        close();
      }
    },
    onSettled: touched,
  });
  return (
    <Modal opened onClose={close} title={titles[kind]} centered closeOnClickOutside={!run.isPending} closeOnEscape={!run.isPending} withCloseButton={!run.isPending}>
      {run.isIdle ? (
        <Question kind={kind} keys={keys} left={left} close={close} go={(deed) => run.mutate(deed)} />
      ) : (
        <Course told={told} of={keys.length} running={run.isPending} stop={() => stop.current?.abort()} close={close} />
      )}
    </Modal>
  );
}

function Question({ kind, keys, left, close, go }: { kind: Deed['kind']; keys: Key[]; left: Key[]; close: () => void; go: (deed: Deed) => void }) {
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const [number, setNumber] = useState('');
  const label = parseLabel(text);
  const deed: Deed | undefined =
    kind === 'label' ? ('name' in label ? { kind, ...label } : undefined)
    : kind === 'unlabel' ? (text.trim() ? { kind, name: text.trim() } : undefined)
    : kind === 'delete' ? (number.trim() === String(keys.length) ? { kind, reason: reason.trim() || undefined } : undefined)
    : kind === 'disable' ? { kind, reason: reason.trim() || undefined } : { kind };
  return (
    <form onSubmit={(e) => {
      e.preventDefault();
      if (deed && keys.length > 0) {
        go(deed);
      }
    }}>
      <Stack gap="md">
        <Text size="sm">{says(kind, keys)}</Text>
        {keys.length > 0 && <Names of={keys} />}
        {left.length > 0 && <Text size="xs" c="dimmed">Left as they are: {left.slice(0, 5).map((k) => k.name).join(', ')}{left.length > 5 && ` and ${left.length - 5} more`} ({why(kind)}).</Text>}
        {kind === 'label' && <TextInput label="Label" placeholder="team=payments" value={text} onChange={(e) => setText(e.currentTarget.value)} error={text.includes('=') && 'wrong' in label && label.wrong} data-autofocus />}
        {kind === 'unlabel' && <Autocomplete label="Name of the label" data={[...new Set(keys.flatMap((k) => Object.keys(k.labels ?? {})))].sort()} value={text} onChange={setText} data-autofocus />}
        {(kind === 'disable' || kind === 'delete') && <TextInput label="Reason" description="Kept in the audit trail" value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} data-autofocus={kind === 'disable' || undefined} />}
        {kind === 'delete' && <TextInput label={`Type ${keys.length}, the number of keys, to go on`} value={number} onChange={(e) => setNumber(e.currentTarget.value)} inputMode="numeric" autoComplete="off" data-autofocus />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" color={kind === 'delete' ? 'red' : undefined} disabled={!deed || keys.length === 0}>{actions[kind]} {some(keys.length, 'key')}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function says(kind: Deed['kind'], keys: Key[]): ReactNode {
  if (keys.length === 0) {
    return 'There is nothing to do for what is selected.';
  }
  const who = some(keys.length, 'key');
  switch (kind) {
    case 'enable':
      return `${who} will work again from the next request on.`;
    case 'disable':
      return `Requests with ${who} are refused from the next one on, until they are enabled. Those under way finish.`;
    case 'delete':
      return `${who} will be deleted for ever. Whatever uses them is refused from the next request on; what they spent stays in the history.`;
    case 'label':
      return `${who} will carry the label, instead of the value that it had. Shared limits that select the label will hold for them.`;
    case 'unlabel':
      return `${who} will lose the label. Shared limits that select it will hold for them no more.`;
  }
}

function why(kind: Deed['kind']): string {
  return kind === 'enable' ? 'not disabled' : kind === 'disable' ? 'disabled or revoked, or declared in the file' : kind === 'delete' ? 'declared in the file' : 'revoked, or declared in the file';
}

function Names({ of }: { of: Key[] }) {
  return (
    <ScrollArea.Autosize mah={140} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': 'The keys' }}>
      <List size="sm" withPadding>
        {of.map((k) => <List.Item key={k.id} className="wrap-anywhere">{k.name}</List.Item>)}
      </List>
    </ScrollArea.Autosize>
  );
}

function Course({ told, of, running, stop, close }: { told: Progress; of: number; running: boolean; stop: () => void; close: () => void }) {
  return (
    <Stack gap="md">
      <Bar value={(told.done / of) * 100} color={told.failed.length > 0 ? 'red' : undefined} aria-label="Progress" animated={running} />
      <Text size="sm" aria-live="polite">{told.done - told.failed.length} of {some(of, 'key')} done{told.failed.length > 0 && `, ${told.failed.length} failed`}{!running && told.done < of && ', then stopped'}</Text>
      {told.failed.length > 0 && (
        <Alert color="red" variant="light" title="These keys are as they were">
          <ScrollArea.Autosize mah={220} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': 'What failed' }}>
            <Stack gap={4}>{told.failed.map(({ key, why: said }) => <Text key={key.id} size="sm" className="wrap-anywhere"><b>{key.name}</b>: {said}</Text>)}</Stack>
          </ScrollArea.Autosize>
        </Alert>
      )}
      <Group justify="flex-end">
        {running ? <Button variant="default" onClick={stop}>Stop</Button> : <Button onClick={close}>Close</Button>}
      </Group>
    </Stack>
  );
}
