import { Group, Kbd, Modal, Stack, Text } from '@mantine/core';

const hints: [string[], string][] = [
  [['/'], 'Search'],
  [['↑', '↓'], 'Move over the keys'],
  [['Enter'], 'Open a key'],
  [['x'], 'Select a key'],
  [['c'], 'Create a key'],
  [['Ctrl', 'K'], 'Go to another page'],
  [['?'], 'Show this'],
];

/** What the keyboard does on this page. */
export function Hints({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Keyboard" size="xs" centered>
      <Stack gap="xs">
        {hints.map(([keys, does]) => (
          <Group key={does} justify="space-between">
            <Text size="sm">{does}</Text>
            <Group gap={4}>{keys.map((k) => <Kbd key={k}>{k}</Kbd>)}</Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  );
}
