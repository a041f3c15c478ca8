import { Button, Group, Popover, Stack, Switch, Text, TextInput, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { KeyStatus } from '../../parts/status';
import { replace, show, useTouched, type Key } from './list';

/** Switches a key off and on. Off asks for a reason first; the list shows it at once, and takes it back if it was refused. */
export function Toggle({ of }: { of: Key }) {
  const may = useMay();
  if (of.origin === 'file') {
    return (
      <Tooltip label="Declared in the configuration file: change it there">
        <span><KeyStatus status={of.status} /></span>
      </Tooltip>
    );
  }
  return of.status === 'revoked' || of.status === 'expired' || !may(of.status === 'active' ? 'disableKey' : 'enableKey')
    ? <KeyStatus status={of.status} /> : <Switching of={of} />;
}

function Switching({ of }: { of: Key }) {
  const [asking, setAsking] = useState(false);
  const change = useSwitch(of);
  const on = of.status === 'active';
  return (
    <Popover opened={asking} onChange={setAsking} width={300} withArrow trapFocus position="bottom-start" shadow="md" returnFocus>
      <Popover.Target>
        <Switch
          checked={on} size="sm" withThumbIndicator={false} aria-label={`${of.name} works`} label={on ? 'active' : 'disabled'} title={of.reason}
          onChange={() => (on ? setAsking(true) : change.mutate({ on: true }))}
        />
      </Popover.Target>
      <Popover.Dropdown>
        {asking && <Off name={of.name} close={() => setAsking(false)} off={(reason) => change.mutate({ on: false, reason })} />}
      </Popover.Dropdown>
    </Popover>
  );
}

function Off({ name, close, off }: { name: string; close: () => void; off: (reason: string | undefined) => void }) {
  const [reason, setReason] = useState('');
  return (
    <form onSubmit={(e) => {
      e.preventDefault();
      close();
      off(reason.trim() || undefined);
    }}>
      <Stack gap="xs">
        <Text size="sm" className="wrap-anywhere">Requests with {name} are refused from the next one on. Those under way finish.</Text>
        <TextInput label="Reason" placeholder="Optional, kept in the audit trail" value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} size="xs" data-autofocus />
        <Group gap="xs" justify="flex-end">
          <Button size="compact-sm" variant="default" onClick={close}>Cancel</Button>
          <Button size="compact-sm" type="submit">Disable</Button>
        </Group>
      </Stack>
    </form>
  );
}

function useSwitch(of: Key) {
  const cache = useQueryClient();
  const touched = useTouched();
  return useMutation({
    mutationFn: async ({ on, reason }: { on: boolean; reason?: string }) => {
      const params = { path: { id: of.id } };
      return on ? ask(api.POST('/api/v1/keys/{id}/enable', { params, body: {} })) : ask(api.POST('/api/v1/keys/{id}/disable', { params, body: { reason } }));
    },
    onMutate: async ({ on, reason }) => {
      // An answer that is on its way would show the key as it was.
      await cache.cancelQueries({ queryKey: ['keys', 'page'] });
      replace(cache, of.id, (k) => ({ ...k, status: on ? 'active' : 'disabled', reason }));
    },
    onSuccess: ({ key }) => show(cache, key),
    onError: (why, { on }) => {
      replace(cache, of.id, () => of);
      notifications.show({ color: 'red', title: `${of.name} could not be ${on ? 'enabled' : 'disabled'}`, message: why.message, autoClose: 10_000 });
    },
    onSettled: touched,
  });
}
