import { Button, Code, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { api, ApiError, ask, type Schemas } from '../../api/client';
import { Confirm } from '../../parts/confirm';
import { Failed } from '../../parts/states';
import { InUse } from './places';

type Credential = Schemas['Credential'];

/** What is about to be done with a credential. */
export interface Deed {
  kind: 'rotate' | 'rename' | 'delete';
  credential: Credential;
}

export function Deeds({ deed, close }: { deed: Deed | undefined; close: () => void }) {
  const c = deed?.credential;
  return (
    <>
      <Modal opened={deed?.kind === 'rotate'} onClose={close} title={`Rotate ${c?.name}`} centered>
        {c && <Rotate credential={c} close={close} />}
      </Modal>
      <Modal opened={deed?.kind === 'rename'} onClose={close} title={`Rename ${c?.name}`} centered>
        {c && <Rename credential={c} close={close} />}
      </Modal>
      {c && <Delete credential={c} opened={deed.kind === 'delete'} close={close} />}
    </>
  );
}

function Rotate({ credential: c, close }: { credential: Credential; close: () => void }) {
  const [value, setValue] = useState('');
  return (
    <One
      close={close} action="Rotate" field="value" ready={value.trim() !== ''}
      send={() => ask(api.POST('/api/v1/credentials/{id}/rotate', { params: { path: { id: c.id }, header: { 'If-Match': c.etag } }, body: { value: value.trim() } }))}
    >
      {(error) => (
        <>
          <Text size="sm">From the next request on the new value is sent to {c.host}. Requests under way end with the old one, which ends with {c.last4}.</Text>
          <PasswordInput
            label="New value" description="It is sealed and never shown again." autoComplete="off" spellCheck={false} data-autofocus
            value={value} onChange={(e) => setValue(e.currentTarget.value)} error={error}
          />
        </>
      )}
    </One>
  );
}

function Rename({ credential: c, close }: { credential: Credential; close: () => void }) {
  const [name, setName] = useState(c.name);
  if (c.used_by.length > 0) {
    return <Stack><InUse name={c.name} places={c.used_by} deed="renamed" /><Group justify="flex-end"><Button variant="default" onClick={close}>Close</Button></Group></Stack>;
  }
  return (
    <One
      close={close} action="Rename" field="name" ready={name.trim() !== '' && name !== c.name}
      send={() => ask(api.PATCH('/api/v1/credentials/{id}', { params: { path: { id: c.id }, header: { 'If-Match': c.etag } }, body: { name: name.trim() } }))}
    >
      {(error) => (
        <>
          <Text size="sm">The configuration refers to credentials by their names. Nothing in it names this one at the moment.</Text>
          <TextInput label="Name" maxLength={128} data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} error={error} />
        </>
      )}
    </One>
  );
}

interface OneProps {
  close: () => void;
  action: string;
  /** The field that the dialog is about, whose error stands below it. */
  field: string;
  ready: boolean;
  send: () => Promise<unknown>;
  children: (error: string | undefined) => ReactNode;
}

/** A dialog with one field. */
function One({ close, action, field, ready, send, children }: OneProps) {
  const cache = useQueryClient();
  const sent = useMutation({
    mutationFn: send,
    onSuccess: close,
    onSettled: () => cache.invalidateQueries({ queryKey: ['credentials'] }),
  });
  const why = sent.error;
  const error = why instanceof ApiError ? why.fields[field] : undefined;
  return (
    <form onSubmit={(e) => {
      e.preventDefault();
      sent.mutate();
    }}>
      <Stack>
        {children(error)}
        {why && !error && (why instanceof ApiError && why.status === 412 ? (
          <Text size="sm" role="alert">Somebody else changed it meanwhile. It was loaded anew: close this, look at it, and try again.</Text>
        ) : <Failed why={why} />)}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" disabled={!ready} loading={sent.isPending}>{action}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Delete({ credential: c, opened, close }: { credential: Credential; opened: boolean; close: () => void }) {
  const cache = useQueryClient();
  if (c.used_by.length > 0) {
    return (
      <Modal opened={opened} onClose={close} title={`Delete ${c.name}`} centered>
        <Stack><InUse name={c.name} places={c.used_by} deed="deleted" /><Group justify="flex-end"><Button variant="default" onClick={close}>Close</Button></Group></Stack>
      </Modal>
    );
  }
  return (
    <Confirm
      opened={opened} onClose={close} title={`Delete ${c.name}`} action="Delete the credential" danger typed={c.name}
      onConfirm={async () => {
        await ask(api.DELETE('/api/v1/credentials/{id}', { params: { path: { id: c.id }, header: { 'If-Match': c.etag } } }));
        await cache.invalidateQueries({ queryKey: ['credentials'] });
      }}
    >
      The value that ends with <Code>{c.last4}</Code> is forgotten for good; at {c.provider} it stays valid until it is revoked there.
      Nothing in the configuration in force names it.
    </Confirm>
  );
}
