import { Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import type { Schemas } from '../../api/client';
import { ago } from '../../format/time';
import { Hint } from '../../parts/hint';

/** A credential and what its last test came to, in a glance. */
export function TestMark({ credential: c }: { credential: Schemas['Credential'] }) {
  const tested = c.test_ok !== null;
  const Sign = !tested ? IconCircleDashed : c.test_ok ? IconCircleCheck : IconAlertTriangle;
  const color = !tested ? 'dimmed' : c.test_ok ? 'toll-filled' : 'red-filled';
  const word = !tested ? 'not tested' : c.test_ok ? 'accepted' : 'test failed';
  return (
    <Hint label={tested && c.tested_at ? `${c.test_ok ? 'Accepted' : c.test_result ?? ''} ${ago(c.tested_at)}` : 'Not tested yet'}>
      <Group gap={4} wrap="nowrap">
        <Sign size={15} aria-hidden style={{ flex: 'none', color: `var(--mantine-color-${color})` }} />
        <Text size="xs" fw={500} style={{ whiteSpace: 'nowrap' }}>{c.name}</Text>
        <Text size="xs" c="dimmed" fw={400} style={{ whiteSpace: 'nowrap' }}>{word}</Text>
      </Group>
    </Hint>
  );
}
