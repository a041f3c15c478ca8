import { Alert, Button, Checkbox, Code, Group, Modal, Radio, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, once, type Schemas } from '../../api/client';
import { absolute, ago } from '../../format/time';
import { useReturnFocus } from '../../parts/focus';
import { SecretOnce } from '../../parts/secret';
import { Failed } from '../../parts/states';
import { match, stale, useKey, useTold, type Key } from './queries';
import { Secrets } from './secrets';
import { Stale } from './stale';

const graces = [
  { value: '0s', label: 'None', seconds: 0 },
  { value: '1h', label: '1 hour', seconds: 3600 },
  { value: '24h', label: '24 hours', seconds: 86_400 },
  { value: '168h', label: '7 days', seconds: 604_800 },
];

/** Gives a key a new secret, while the old one goes on for a while. */
export function Rotate({ of: key, close }: { of: Key; close: () => void }) {
  const [made, setMade] = useState<Schemas['KeyCreated']>();
  useReturnFocus();
  return (
    <Modal opened onClose={close} size="lg" title={made ? `The new secret of ${key.name}` : `Rotate ${key.name}`} closeOnClickOutside={!made} closeOnEscape={!made}>
      {made ? <Made of={made} close={close} /> : <Choose of={key} made={setMade} close={close} />}
    </Modal>
  );
}

function Choose({ of: key, made, close }: { of: Key; made: (made: Schemas['KeyCreated']) => void; close: () => void }) {
  const told = useTold();
  const [grace, setGrace] = useState('24h');
  const [ending, setEnding] = useState(false);
  const [header] = useState(once);
  const [opened] = useState(() => Date.now());
  const [now, old] = living(key, opened);
  const seconds = graces.find((g) => g.value === grace)?.seconds ?? 0;
  const tooMany = seconds > 0 && old !== undefined;
  const send = useMutation({
    mutationFn: () =>
      ask(api.POST('/api/v1/keys/{id}/rotate', {
        params: { path: { id: key.id }, header: { ...match(key), ...header } },
        body: { grace, end_previous: tooMany || undefined },
      })),
    onSuccess: (done) => {
      told(done.key);
      made(done);
    },
  });
  return (
    <Stack gap="md">
      <Text size="sm">The key gets a new secret, shown once. Its id, its limits and what they have counted stay.</Text>
      <Radio.Group label="How long the old secret goes on" value={grace} onChange={setGrace}>
        <Group gap="lg" mt="xs">
          {graces.map((g) => <Radio key={g.value} value={g.value} label={g.label} />)}
        </Group>
      </Radio.Group>
      <Text size="sm" aria-live="polite">
        {seconds > 0
          ? <>Both work until {absolute(new Date(opened + seconds * 1000))}. Answers to the old one carry the header <Code>x-tollgate-rotate-before</Code>, so that who still uses it can be found.</>
          : `The old secret${now?.last4 ? ` …${now.last4}` : ''} is refused from the next request on (invalid_api_key)${now?.last_used_at ? `; it was last used ${ago(now.last_used_at)}` : ''}.`}
      </Text>
      {tooMany && (
        <Alert variant="default" icon={<IconAlertTriangle color="var(--mantine-color-yellow-filled)" aria-hidden />} title="Two secrets work already">
          <Stack gap="xs">
            <Text size="sm" c="var(--mantine-color-text)">
              The secret …{old.last4} is in its grace until {absolute(old.not_after ?? '')} and was {old.last_used_at ? `last used ${ago(old.last_used_at)}` : 'never used'}. A key has two at most.
            </Text>
            <Checkbox label={`End …${old.last4} at once`} checked={ending} onChange={(e) => setEnding(e.currentTarget.checked)} />
          </Stack>
        </Alert>
      )}
      {send.isError && (stale(send.error) ? <Stale of="key" close={close} /> : <Failed why={send.error} />)}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>Cancel</Button>
        <Button onClick={() => send.mutate()} loading={send.isPending} disabled={tooMany && !ending}>Rotate</Button>
      </Group>
    </Stack>
  );
}

/** The secrets that work at a moment, the newest first. */
function living(key: Key, at: number): Schemas['Secret'][] {
  return (key.secrets ?? []).filter((s) => !s.not_after || Date.parse(s.not_after) > at);
}

function Made({ of: made, close }: { of: Schemas['KeyCreated']; close: () => void }) {
  const live = useKey(made.key.id);
  return (
    <Stack gap="md">
      <SecretOnce secret={made.secret} name={made.key.name} />
      <div>
        <Text fw={600} size="sm" component="h3" mb={4}>Its secrets</Text>
        <Secrets of={live.data ?? made.key} />
      </div>
      <Group justify="flex-end"><Button onClick={close}>I have the secret</Button></Group>
    </Stack>
  );
}
