import { Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { When } from '../../parts/figures';

/** What the provider said to the credential when it was asked last, and the way to ask it now. */
export function Tested({ credential: c, sealed }: { credential: Schemas['Credential']; sealed: boolean }) {
  const may = useMay();
  const cache = useQueryClient();
  const test = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/credentials/{id}/test', { params: { path: { id: c.id } } })),
    onSettled: () => cache.invalidateQueries({ queryKey: ['credentials'] }),
  });
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between" align="center">
      <div aria-live="polite" style={{ minWidth: 0 }}>
        {test.isError ? <Result ok={false} message={test.error.message} /> : test.data ? <Result ok={test.data.ok} message={test.data.message} /> : (
          c.tested_at ? <><Result ok={c.test_ok === true} message={c.test_ok ? 'accepted' : c.test_result ?? ''} /><Text size="xs" c="dimmed"><When at={c.tested_at} /></Text></> : <Text size="sm" c="dimmed">not yet</Text>
        )}
      </div>
      {may('testCredential') && sealed && (
        <Button size="compact-xs" variant="default" loading={test.isPending} onClick={() => test.mutate()} aria-label={`Test ${c.name}`}>Test</Button>
      )}
    </Group>
  );
}

function Result({ ok, message }: { ok: boolean; message: string }) {
  const Sign = ok ? IconCircleCheck : IconAlertTriangle;
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <Sign size={16} aria-hidden style={{ flex: 'none', marginTop: 3, color: `var(--mantine-color-${ok ? 'toll' : 'red'}-filled)` }} />
      <Text size="sm" className="wrap-anywhere">{message}</Text>
    </Group>
  );
}
