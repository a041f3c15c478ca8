import { Group, Loader, Paper, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { LabelSet } from '../../format/labels';
import { some } from '../../format/numbers';
import { useKeysWith } from './queries';

const shown = 10;

/** Which keys labels select now, while they are being typed. */
export function Matching({ labels }: { labels: LabelSet }) {
  const [asked] = useDebouncedValue(labels, 250);
  const found = useKeysWith(asked, { limit: shown });
  const names = (found.data?.keys ?? []).map((k) => k.name);
  const more = found.data?.next !== undefined;
  return (
    <Paper withBorder p="sm" aria-live="polite">
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={600}>{found.data ? `Selects ${more ? `more than ${shown} keys` : names.length === 0 ? 'no key' : some(names.length, 'key')} now` : 'Keys that it selects'}</Text>
        {found.isFetching && <Loader size={14} aria-label="Loading" />}
      </Group>
      <Text size="sm" c="dimmed" className="wrap-anywhere" mih={22}>
        {found.isError ? 'They cannot be told now; the limit can be stored all the same.'
          : names.length > 0 ? `${names.join(', ')}${more ? ' …' : ''}`
          : found.data ? 'It will hold keys as soon as they have these labels.' : ''}
      </Text>
    </Paper>
  );
}
