import { Button, Card, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useMay } from '../../app/session';
import { count } from '../../format/numbers';
import { When } from '../../parts/figures';
import { Labels } from '../../parts/labels';
import { Dialogs, type Action } from './dialogs';
import { list, models } from './effect';
import type { Key } from './queries';
import { Section } from './section';
import { Secrets } from './secrets';

/** What a key may do, its secrets, and how it is ended. */
export function Settings({ of: key }: { of: Key }) {
  const may = useMay();
  const [action, setAction] = useState<Action>();
  const own = key.origin === 'managed';
  const lives = own && key.status !== 'revoked';
  return (
    <Stack gap="xl">
      <Section title="What it may do" aside={lives && may('editKey') && <Button size="xs" variant="default" onClick={() => setAction('edit')}>Edit</Button>}>
        <Rights of={key} />
      </Section>
      <Section title="Secrets" aside={lives && may('rotateKey') && <Button size="xs" variant="default" onClick={() => setAction('rotate')}>Rotate</Button>}>
        <Card withBorder padding="md"><Secrets of={key} /></Card>
      </Section>
      {own && (may('disableKey') || may('revokeKey') || may('deleteKey')) && (
        <Section title="End it"><Ends of={key} act={setAction} /></Section>
      )}
      <Dialogs of={key} action={action} close={() => setAction(undefined)} />
    </Stack>
  );
}

function Rights({ of: key }: { of: Key }) {
  return (
    <Card withBorder padding="md">
      <SimpleGrid component="dl" cols={{ base: 1, sm: 2, lg: 3 }} spacing="md" m={0}>
        <Right name="Models">{models(key.models)}</Right>
        <Right name="Operations">{list(key.operations)}</Right>
        <Right name="Networks">{list(key.networks)}</Right>
        <Right name="Expires"><When at={key.expires_at} /></Right>
        <Right name="Output bound where a request has none">{key.max_tokens ? `${count(key.max_tokens)} tokens` : 'the model’s own'}</Right>
        <Right name="An output bound that a limit cannot pay for">{key.clamp ? 'is lowered' : 'is refused'}</Right>
        <Right name="The holder of the key is told">{key.discreet ? 'no amounts' : 'the amounts of its limits'}</Right>
        <Right name="Labels">{Object.keys(key.labels ?? {}).length > 0 ? <Labels labels={key.labels} most={20} /> : 'none'}</Right>
      </SimpleGrid>
    </Card>
  );
}

function Right({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">{name}</Text>
      <Text component="dd" size="sm" m={0} className="wrap-anywhere">{children}</Text>
    </div>
  );
}

function Ends({ of: key, act }: { of: Key; act: (action: Action) => void }) {
  const may = useMay();
  const revoked = key.status === 'revoked';
  return (
    <Card withBorder padding={0}>
      {!revoked && may('disableKey') && (
        key.status === 'disabled'
          ? <End name="Enable it" about="The next request with it is admitted again." action={<Button variant="default" size="xs" onClick={() => act('enable')}>Enable</Button>} />
          : <End name="Disable it for a while" about="Refused from the next request on, until it is enabled again." action={<Button variant="default" size="xs" onClick={() => act('disable')}>Disable</Button>} />
      )}
      {may('revokeKey') && (
        <End
          name={revoked ? 'Cut what is under way' : 'Revoke it for ever'} about={revoked ? 'The key is revoked; requests that were left to finish can still be ended.' : 'For a secret that leaked: it never works again, and the key stays in the list.'}
          action={<Button variant="light" color="red" size="xs" onClick={() => act('revoke')}>{revoked ? 'Cut' : 'Revoke'}</Button>}
        />
      )}
      {may('deleteKey') && (
        <End name="Delete it" about="It is gone from the list. Its requests, usage and ledger rows stay readable under its id." action={<Button variant="light" color="red" size="xs" onClick={() => act('delete')}>Delete</Button>} />
      )}
    </Card>
  );
}

function End({ name, about, action }: { name: string; about: string; action: ReactNode }) {
  return (
    <Group justify="space-between" wrap="nowrap" p="md" style={{ borderBottom: '1px solid var(--mantine-color-default-border)', marginBottom: -1 }}>
      <div>
        <Text size="sm" fw={500}>{name}</Text>
        <Text size="xs" c="dimmed">{about}</Text>
      </div>
      {action}
    </Group>
  );
}
