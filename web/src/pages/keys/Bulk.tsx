import { Button, CloseButton, Group, Text } from '@mantine/core';
import { IconBan, IconCheck, IconTag, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useMay } from '../../app/session';
import { some } from '../../format/numbers';
import { BulkDialog } from './BulkDialog';
import type { Deed } from './bulk';
import type { Key } from './list';
import styles from './Keys.module.css';

const deeds = [
  { kind: 'enable', name: 'Enable', icon: IconCheck, needs: 'enableKey' },
  { kind: 'disable', name: 'Disable', icon: IconBan, needs: 'disableKey' },
  { kind: 'label', name: 'Add a label', icon: IconTag, needs: 'editKey' },
  { kind: 'unlabel', name: 'Remove a label', icon: IconTag, needs: 'editKey' },
  { kind: 'delete', name: 'Delete', icon: IconTrash, needs: 'deleteKey' },
] as const;

/** What is selected, and what can be done with all of it. */
export function Bulk({ selected, clear }: { selected: Map<string, Key>; clear: () => void }) {
  const may = useMay();
  // The keys are those of the moment of the click: the page goes on moving behind the dialog.
  const [asked, setAsked] = useState<{ kind: Deed['kind']; keys: Key[] }>();
  const close = () => setAsked(undefined);
  return (
    <>
      {selected.size > 0 && (
        <div className={styles.bulk} role="region" aria-label="Selected keys">
          <Group gap="xs">
            <Text size="sm" fw={600} aria-live="polite">{some(selected.size, 'key')} selected</Text>
            {deeds.filter((d) => may(d.needs)).map((d) => (
              <Button
                key={d.kind} size="compact-sm" variant="default" c={d.kind === 'delete' ? 'light-dark(var(--mantine-color-red-8), var(--mantine-color-red-4))' : undefined}
                leftSection={<d.icon size={14} aria-hidden />} onClick={() => setAsked({ kind: d.kind, keys: [...selected.values()] })}
              >
                {d.name}
              </Button>
            ))}
            <CloseButton size="sm" aria-label="Clear the selection" onClick={clear} />
          </Group>
        </div>
      )}
      {asked && <BulkDialog kind={asked.kind} selected={asked.keys} close={close} clear={clear} />}
    </>
  );
}
