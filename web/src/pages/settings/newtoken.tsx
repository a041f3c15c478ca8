import { Alert, Button, Code, Group, Modal, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconEyeOff } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, ask, once, type Schemas } from '../../api/client';
import { Copy } from '../../parts/copy';
import { Failed } from '../../parts/states';
import { roles, type Role } from './roles';

/** Makes an admin token and shows it this once. */
export function NewToken({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Create an admin token" centered closeOnClickOutside={false}>
      <Form close={close} />
    </Modal>
  );
}

function Form({ close }: { close: () => void }) {
  const cache = useQueryClient();
  const [header] = useState(once);
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [days, setDays] = useState<string>('90');
  const made = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/admin-tokens', {
      params: { header }, body: { name: name.trim(), role, expires_at: days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : undefined },
    })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['tokens'] }),
    gcTime: 0,
  });
  if (made.data) {
    return <Made made={made.data} close={close} />;
  }
  const error = made.error instanceof ApiError ? made.error.fields['name'] : undefined;
  const send = (e: FormEvent) => {
    e.preventDefault();
    made.mutate();
  };
  return (
    <form onSubmit={send} noValidate>
      <Stack>
        <TextInput label="Name" description="Of who or what uses it" placeholder="ci" withAsterisk maxLength={128} data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} error={error} />
        <Radio.Group label="Role" value={role} onChange={(v) => setRole(v as Role)}>
          <Stack gap={6} mt={4}>
            {roles.map((r) => <Radio key={r.id} value={r.id} label={<>{r.id} <Text span size="xs" c="dimmed">{r.about}</Text></>} />)}
          </Stack>
        </Radio.Group>
        <Select
          label="Expires" value={days} onChange={(v) => setDays(v ?? '')} allowDeselect={false}
          data={[{ value: '7', label: 'in 7 days' }, { value: '30', label: 'in 30 days' }, { value: '90', label: 'in 90 days' }, { value: '365', label: 'in a year' }, { value: '', label: 'never' }]}
        />
        {made.isError && !error && <Failed why={made.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" disabled={name.trim() === ''} loading={made.isPending}>Create</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ made, close }: { made: Schemas['AdminTokenCreated']; close: () => void }) {
  return (
    <Stack>
      <Alert color="yellow" variant="light" icon={<IconEyeOff aria-hidden />} title="This token is shown this once">
        <Text size="sm">tollgate keeps a digest of it only. {made.token.name} has the role {made.token.role}.</Text>
      </Alert>
      <Group gap="xs" wrap="nowrap" align="stretch">
        <Code block className="wrap-anywhere" flex={1} aria-label={`Admin token ${made.token.name}`} style={{ whiteSpace: 'normal', userSelect: 'all' }}>{made.secret}</Code>
        <Copy text={made.secret} label="Copy the token" variant="filled">Copy</Copy>
      </Group>
      <Group justify="flex-end"><Button variant="default" onClick={close}>Done</Button></Group>
    </Stack>
  );
}
