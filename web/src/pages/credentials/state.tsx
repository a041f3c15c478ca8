import { Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconPlayerPause, type Icon } from '@tabler/icons-react';
import { past, until } from '../../format/countdown';
import { some } from '../../format/numbers';
import { useTick } from '../../parts/figures';
import { Hint } from '../../parts/hint';
import type { Target } from './targets';

const shown: Record<Target['state'], { icon: Icon; color: string; about: string }> = {
  healthy: { icon: IconCircleCheck, color: 'var(--mantine-color-toll-filled)', about: 'Its latest answer was a good one' },
  failing: { icon: IconAlertTriangle, color: 'var(--mantine-color-orange-6)', about: 'The latest tries failed; it is tried like others' },
  resting: { icon: IconPlayerPause, color: 'var(--mantine-color-red-filled)', about: 'Passed over after failures, unless no other target is left' },
  unknown: { icon: IconCircleDashed, color: 'var(--mantine-color-dimmed)', about: 'Nothing was sent there since the start of the server' },
};

/** How a target is, and when one that rests is tried again. */
export function TargetState({ target: t }: { target: Target }) {
  const { icon: Sign, color, about } = shown[t.state];
  return (
    <div>
      <Hint label={about}>
        <Group gap={6} wrap="nowrap" w="fit-content">
          <Sign size={16} aria-hidden style={{ flex: 'none', color }} />
          <Text size="sm">{t.state}</Text>
        </Group>
      </Hint>
      {t.rests_until ? <Rest until={t.rests_until} /> : t.state === 'failing' && <Text size="xs" c="dimmed">{some(t.failures_in_a_row, 'failure')} in a row</Text>}
    </div>
  );
}

function Rest({ until: at }: { until: string }) {
  useTick(1000);
  return <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>{past(at) ? 'tried again now' : `tried again in ${until(at)}`}</Text>;
}
