import { Button, Group, Select, Text } from '@mantine/core';
import { count } from '../../format/numbers';

/** How many are shown, and where among all. */
export function Pages({ shown, first, total, atLeast, previous, next, size, onSize, sizes }: {
  shown: number;
  /** Number of the first key shown; absent if nobody can know. */
  first?: number;
  /** All there are, or if these are too many to be counted, how many there are at least. */
  total?: number;
  atLeast?: number;
  previous?: () => void;
  next?: () => void;
  size: string;
  onSize: (size: string) => void;
  sizes: string[];
}) {
  const all = total !== undefined ? ` of ${count(total)}` : atLeast ? ` of more than ${count(atLeast)}` : '';
  const range = shown === 0 ? 'No keys' : first === undefined ? `${count(shown)} keys${all}` : `${count(first)} to ${count(first + shown - 1)}${all}`;
  return (
    <Group justify="space-between" mt="sm" gap="xs">
      <Text size="sm" c="dimmed" aria-live="polite">{range}</Text>
      <Group gap="xs">
        <Select aria-label="Keys on a page" data={sizes.map((s) => ({ value: s, label: `${s} a page` }))} value={size} onChange={(s) => s && onSize(s)} allowDeselect={false} w={125} size="xs" />
        <Button size="xs" variant="default" disabled={!previous} onClick={previous}>Previous</Button>
        <Button size="xs" variant="default" disabled={!next} onClick={next}>Next</Button>
      </Group>
    </Group>
  );
}
