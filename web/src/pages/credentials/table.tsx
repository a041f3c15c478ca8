import { ActionIcon, Menu, Table, Text } from '@mantine/core';
import { IconDotsVertical, IconPencil, IconRefresh, IconTrash } from '@tabler/icons-react';
import type { Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { When } from '../../parts/figures';
import type { Deed } from './deeds';
import { UsedBy } from './places';
import { Tested } from './tested';

type Credential = Schemas['Credential'];

interface Props {
  credentials: Credential[];
  open: (deed: Deed) => void;
  /** Whether there is a master key to seal new values under. */
  sealed: boolean;
}

export function CredentialTable({ credentials, open, sealed }: Props) {
  return (
    <Table.ScrollContainer minWidth={940} type="native">
      <Table verticalSpacing="xs" highlightOnHover aria-label="Credentials">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th><Table.Th>Provider</Table.Th><Table.Th>Value</Table.Th><Table.Th>Created</Table.Th>
            <Table.Th>Rotated</Table.Th><Table.Th>Used by</Table.Th><Table.Th>Test</Table.Th><Table.Th aria-label="Actions" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {credentials.map((c) => (
            <Table.Tr key={c.id}>
              <Table.Td><Text size="sm" fw={600} className="wrap-anywhere">{c.name}</Text></Table.Td>
              <Table.Td>{c.provider}<Text size="xs" c="dimmed">{c.host}</Text></Table.Td>
              <Table.Td><code>…{c.last4}</code></Table.Td>
              <Table.Td><When at={c.created_at} /><Text size="xs" c="dimmed">by {c.created_by}</Text></Table.Td>
              <Table.Td><When at={c.rotated_at} /></Table.Td>
              <Table.Td><UsedBy places={c.used_by} /></Table.Td>
              <Table.Td><Tested credential={c} sealed={sealed} /></Table.Td>
              <Table.Td><Actions credential={c} open={open} sealed={sealed} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Actions({ credential, open, sealed }: { credential: Credential; open: (deed: Deed) => void; sealed: boolean }) {
  const may = useMay();
  if (!may('rotateCredential') && !may('editCredential') && !may('deleteCredential')) {
    return null;
  }
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${credential.name}`}><IconDotsVertical size={18} aria-hidden /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {may('rotateCredential') && sealed && <Menu.Item leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => open({ kind: 'rotate', credential })}>Rotate …</Menu.Item>}
        {may('editCredential') && sealed && <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => open({ kind: 'rename', credential })}>Rename …</Menu.Item>}
        {may('deleteCredential') && <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => open({ kind: 'delete', credential })}>Delete …</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
