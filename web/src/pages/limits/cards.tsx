import { Anchor, Card, Group, Stack, Text } from '@mantine/core';
import { some } from '../../format/numbers';
import { Labels } from '../../parts/labels';
import { labelsIn } from './sentence';
import { Actions, Standing, type Props } from './table';

/** All shared limits where there is no room for a table. */
export function LimitCards({ limits, open, act }: Props) {
  return (
    <Stack gap="sm" hiddenFrom="sm">
      {limits.map((limit) => {
        const labels = labelsIn(limit.match);
        return (
          <Card key={limit.id} withBorder padding="sm">
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Anchor component="button" type="button" size="sm" fw={600} c="inherit" ta="left" className="wrap-anywhere" onClick={() => open(limit.id ?? '')}>{limit.name ?? limit.id}</Anchor>
              <Actions limit={limit} act={act} />
            </Group>
            <Group gap="xs" mb="xs">
              {Object.keys(labels).length > 0 && <Labels labels={labels} />}
              <Text size="xs" c="dimmed">{Object.keys(labels).length > 0 ? some(limit.keys, 'key') : `all keys, ${some(limit.keys, 'key')}`}</Text>
            </Group>
            <Standing limit={limit} />
          </Card>
        );
      })}
    </Stack>
  );
}
