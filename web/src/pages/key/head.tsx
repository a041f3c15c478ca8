import { ActionIcon, Badge, Button, Code, CopyButton, Group, Menu, Text, Title, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy, IconDots, IconPencil, IconPlayerPlay, IconRefresh, IconTrash, IconBan, IconPower } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useMay } from '../../app/session';
import { When } from '../../parts/figures';
import { ButtonLink } from '../../parts/links';
import { Labels } from '../../parts/labels';
import { KeyStatus } from '../../parts/status';
import { Dialogs, type Action } from './dialogs';
import type { Key } from './queries';

/** The head of a key's page: what it is, how it is, and what can be done with it. */
export function KeyHead({ of: key }: { of: Key }) {
  const [action, setAction] = useState<Action>();
  return (
    <div>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div style={{ minWidth: 0 }}>
          <Group gap="sm">
            <Title order={1} className="wrap-anywhere">{key.name}</Title>
            <KeyStatus status={key.status} />
            {key.origin === 'file' && <Badge variant="default" tt="none" fw={500}>from a file</Badge>}
            {key.legacy && <Tooltip label="Taken over without limits"><Badge variant="default" tt="none" fw={500}>legacy</Badge></Tooltip>}
          </Group>
          <Group gap="xs" mt={6}>
            <Id id={key.id} />
            <Labels labels={key.labels} most={6} />
          </Group>
        </div>
        <Actions of={key} act={setAction} />
      </Group>
      <Facts of={key} />
      <Dialogs of={key} action={action} close={() => setAction(undefined)} />
    </div>
  );
}

function Id({ id }: { id: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Code>{id}</Code>
      <CopyButton value={id}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : 'Copy the id'}>
            <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={copied ? 'Copied' : 'Copy the id'}>
              {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}

function Actions({ of: key, act }: { of: Key; act: (action: Action) => void }) {
  const may = useMay();
  const own = key.origin === 'managed';
  const lives = own && key.status !== 'revoked';
  const more = own && (may('deleteKey') || may('revokeKey'));
  return (
    <Group gap="xs">
      {may('tryKey') && key.status === 'active' && (
        <ButtonLink variant="default" leftSection={<IconPlayerPlay size={16} aria-hidden />} to="/try" search={{ key: key.id }}>Try it</ButtonLink>
      )}
      {lives && key.status === 'disabled' && may('enableKey') && (
        <Button leftSection={<IconPower size={16} aria-hidden />} onClick={() => act('enable')}>Enable</Button>
      )}
      {lives && key.status !== 'disabled' && may('disableKey') && (
        <Button variant="default" leftSection={<IconPower size={16} aria-hidden />} onClick={() => act('disable')}>Disable</Button>
      )}
      {lives && may('rotateKey') && (
        <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => act('rotate')}>Rotate</Button>
      )}
      {lives && may('editKey') && (
        <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => act('edit')}>Edit</Button>
      )}
      {more && (
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon variant="default" size={36} aria-label="More actions"><IconDots size={18} aria-hidden /></ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {may('revokeKey') && (
              <Menu.Item color="red" leftSection={<IconBan size={16} aria-hidden />} onClick={() => act('revoke')}>
                {key.status === 'revoked' ? 'Cut what is under way…' : 'Revoke…'}
              </Menu.Item>
            )}
            {may('deleteKey') && (
              <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => act('delete')}>Delete…</Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}

function Facts({ of: key }: { of: Key }) {
  return (
    <Group component="dl" gap="xl" mt="md" mb={0}>
      <Fact name="Created"><When at={key.created_at} />{key.created_by && <> by {key.created_by}</>}</Fact>
      <Fact name="Last used"><When at={key.last_used_at} /></Fact>
      <Fact name="Expires"><When at={key.expires_at} /></Fact>
      <Fact name="Changed"><When at={key.updated_at} /></Fact>
    </Group>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">{name}</Text>
      <Text component="dd" size="sm" m={0} className="wrap-anywhere">{children}</Text>
    </div>
  );
}
