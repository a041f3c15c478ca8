import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';

/** Somebody else was quicker: nothing was changed, and what there is now can be loaded. */
export function Stale({ of: noun, close }: { of: string; close: () => void }) {
  return (
    <Alert variant="default" icon={<IconAlertTriangle color="var(--mantine-color-yellow-filled)" aria-hidden />} role="alert" title="Somebody else changed it meanwhile">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" c="var(--mantine-color-text)">Nothing was changed. Load the {noun} anew, look at what is different, and do it again.</Text>
        <Button size="xs" variant="default" onClick={close}>Load it anew</Button>
      </Stack>
    </Alert>
  );
}
