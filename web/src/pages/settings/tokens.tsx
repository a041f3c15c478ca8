import { ActionIcon, Badge, Button, Group, Stack, Table, Text, Title, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useWho } from '../../app/session';
import { Confirm } from '../../parts/confirm';
import { When } from '../../parts/figures';
import { Failed, Rows } from '../../parts/states';
import { NewToken } from './newtoken';
import { rights, roles } from './roles';

type Token = Schemas['AdminToken'];

/** Who may use the admin API and this console. */
export function Tokens() {
  const may = useMay();
  const cache = useQueryClient();
  const [making, setMaking] = useState(false);
  const [gone, setGone] = useState<Token>();
  const list = useQuery({ queryKey: ['tokens'], queryFn: ({ signal }) => ask(api.GET('/api/v1/admin-tokens', { signal })) });
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">Admin tokens open the admin API, the command line and this console. Virtual keys open none of them.</Text>
        {may('createAdminToken') && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>Create a token</Button>}
      </Group>
      {list.isError ? <Failed why={list.error} again={() => void list.refetch()} /> : list.isPending ? <Rows rows={5} /> : (
        <TokenTable tokens={list.data.tokens ?? []} remove={may('deleteAdminToken') ? setGone : undefined} />
      )}
      <Rights />
      <NewToken opened={making} close={() => setMaking(false)} />
      {gone && (
        <Confirm
          opened onClose={() => setGone(undefined)} title={`Delete the token ${gone.name}`} action="Delete the token" danger
          onConfirm={async () => {
            await ask(api.DELETE('/api/v1/admin-tokens/{id}', { params: { path: { id: gone.id } } }));
            await cache.invalidateQueries({ queryKey: ['tokens'] });
          }}
        >
          Whoever uses <b>{gone.name}</b> ({gone.role}, ends with {gone.last4}) is signed out at once and refused from now on. This cannot be undone.
        </Confirm>
      )}
    </Stack>
  );
}

function TokenTable({ tokens, remove }: { tokens: Token[]; remove: ((token: Token) => void) | undefined }) {
  const who = useWho();
  return (
    <Table.ScrollContainer minWidth={720} type="native">
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th><Table.Th>Role</Table.Th><Table.Th>Token</Table.Th><Table.Th>Created</Table.Th><Table.Th>Last used</Table.Th>
            <Table.Th>Expires</Table.Th>{remove && <Table.Th aria-label="Actions" />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tokens.map((t) => (
            <Table.Tr key={t.id}>
              <Table.Td>
                <Group gap={6}><Text size="sm" fw={600} className="wrap-anywhere">{t.name}</Text>{t.id === who.data?.id && <Badge variant="default" tt="none">yours</Badge>}</Group>
              </Table.Td>
              <Table.Td>{t.role}</Table.Td>
              <Table.Td><code>…{t.last4}</code></Table.Td>
              <Table.Td><When at={t.created_at} /><Text size="xs" c="dimmed">by {t.created_by}</Text></Table.Td>
              <Table.Td><When at={t.last_used_at} /></Table.Td>
              <Table.Td><When at={t.expires_at} none="never" /></Table.Td>
              {remove && (
                <Table.Td>
                  <Tooltip label="Delete">
                    <ActionIcon variant="subtle" color="gray" aria-label={`Delete the token ${t.name}`} onClick={() => remove(t)}><IconTrash size={16} aria-hidden /></ActionIcon>
                  </Tooltip>
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Rights() {
  return (
    <div>
      <Title order={2} size="h3" mb="xs">What each role may do</Title>
      <Table.ScrollContainer minWidth={520} type="native" maw={860} tabIndex={0} role="region" aria-label="What each role may do">
        <Table withTableBorder>
          <Table.Thead>
            <Table.Tr><Table.Th />{roles.map((r) => <Table.Th key={r.id}>{r.id}</Table.Th>)}</Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rights.map((r) => (
              <Table.Tr key={r.what}>
                <Table.Th scope="row" fw={400}>{r.what}</Table.Th>
                {roles.map((role) => <Table.Td key={role.id}>{r.may[role.id]}</Table.Td>)}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}
