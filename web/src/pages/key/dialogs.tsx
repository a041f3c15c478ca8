import { List, Radio, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { api, ask } from '../../api/client';
import { ago } from '../../format/time';
import { Confirm } from '../../parts/confirm';
import { Edit } from './edit';
import { flights } from './flights';
import { match, useTold, type Key } from './queries';
import { Rotate } from './rotate';

/** What can be done with a key. */
export type Action = 'enable' | 'disable' | 'rotate' | 'edit' | 'revoke' | 'delete';

/** The dialog of an action; each begins anew when it is opened. */
export function Dialogs({ of: key, action, close }: { of: Key; action: Action | undefined; close: () => void }) {
  switch (action) {
    case 'enable':
      return <Enable of={key} close={close} />;
    case 'disable':
      return <Disable of={key} close={close} />;
    case 'rotate':
      return <Rotate of={key} close={close} />;
    case 'edit':
      return <Edit of={key} close={close} />;
    case 'revoke':
      return <Revoke of={key} close={close} />;
    case 'delete':
      return <Delete of={key} close={close} />;
    default:
      return null;
  }
}

interface Dialog {
  of: Key;
  close: () => void;
}

function Enable({ of: key, close }: Dialog) {
  const told = useTold();
  return (
    <Confirm
      opened onClose={close} title={`Enable ${key.name}`} action="Enable" reason
      onConfirm={async (reason) => {
        const done = await ask(api.POST('/api/v1/keys/{id}/enable', { params: { path: { id: key.id }, header: match(key) }, body: { reason } }));
        told(done.key);
      }}
    >
      <Text size="sm">Its secret, its limits and what they have counted are as they were. The next request with it is admitted if its limits have room.</Text>
    </Confirm>
  );
}

function Disable({ of: key, close }: Dialog) {
  const told = useTold();
  return (
    <Confirm
      opened onClose={close} title={`Disable ${key.name}`} action="Disable" reason
      onConfirm={async (reason) => {
        const done = await ask(api.POST('/api/v1/keys/{id}/disable', { params: { path: { id: key.id }, header: match(key) }, body: { reason } }));
        told(done.key);
      }}
    >
      <Stack gap="xs">
        <Text size="sm">
          Whoever uses the key notices at once: from the next request on the answer is 401 <code>key_disabled</code>. Requests under way finish. It can be enabled again at any time.
        </Text>
        <Users of={key} />
      </Stack>
    </Confirm>
  );
}

/** Who is hit: how lately the key was used, and who owns it by its labels. */
function Users({ of: key }: { of: Key }) {
  const labels = Object.entries(key.labels ?? {}).map(([name, value]) => `${name} ${value}`);
  return (
    <Text size="sm" c="dimmed" className="wrap-anywhere">
      {key.last_used_at ? `Last used ${ago(key.last_used_at)}` : 'Never used'}
      {labels.length > 0 && `; its labels are ${labels.join(', ')}`}. {flights(key)}
    </Text>
  );
}

function Revoke({ of: key, close }: Dialog) {
  const told = useTold();
  const again = key.status === 'revoked';
  const [mode, setMode] = useState<'drain' | 'cut'>(again ? 'cut' : 'drain');
  return (
    <Confirm
      opened onClose={close} danger title={again ? `Cut what ${key.name} has under way` : `Revoke ${key.name} for ever`} action={again ? 'Cut' : 'Revoke for ever'} reason
      onConfirm={async (reason) => {
        const done = await ask(api.POST('/api/v1/keys/{id}/revoke', { params: { path: { id: key.id }, header: match(key) }, body: { mode, reason } }));
        told(done.key);
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          {again
            ? 'The key is revoked already. Requests that were left to finish are ended now, and what they have delivered is charged.'
            : 'It cannot be undone: every further request is answered 401 key_revoked, and another key is needed. To stop a key for a while, disable it instead.'}
        </Text>
        {!again && (
          <Radio.Group label="Requests under way" description={flights(key)} value={mode} onChange={(value) => setMode(value === 'cut' ? 'cut' : 'drain')}>
            <Stack gap="xs" mt="xs">
              <Radio value="drain" label="Let them finish" description="Their answers arrive whole and are charged as always." />
              <Radio value="cut" label="End them now" description="For a secret that leaked: answers break off, and what was delivered is charged." />
            </Stack>
          </Radio.Group>
        )}
        <Users of={key} />
      </Stack>
    </Confirm>
  );
}

function Delete({ of: key, close }: Dialog) {
  const told = useTold();
  const navigate = useNavigate();
  return (
    <Confirm
      opened onClose={close} danger title={`Delete ${key.name} for ever`} action="Delete for ever" typed={key.name} reason
      onConfirm={async (reason) => {
        await ask(api.DELETE('/api/v1/keys/{id}', { params: { path: { id: key.id }, query: { reason: reason || undefined }, header: match(key) } }));
        told(undefined);
        await navigate({ to: '/keys' });
      }}
    >
      <Stack gap="xs">
        <Text size="sm">The key is gone from every list, and each request with it is refused from the next one on. It cannot be undone.</Text>
        <List size="sm">
          <List.Item>What it did stays readable under its id {key.id}: requests, usage, audit trail.</List.Item>
          <List.Item>What it spent stays in the ledger and in the shared limits that it drew from.</List.Item>
          <List.Item>Its own limits and their counters go with it; its name is free again.</List.Item>
        </List>
        <Users of={key} />
      </Stack>
    </Confirm>
  );
}
