import { Badge, Checkbox, Group, Stack, Table, Text, Tooltip } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { memo, type MouseEvent, type ReactNode } from 'react';
import type { LabelSet } from '../../format/labels';
import { exact, money } from '../../format/money';
import { count, some } from '../../format/numbers';
import { When } from '../../parts/figures';
import { Hint } from '../../parts/hint';
import { Labels } from '../../parts/labels';
import { LimitBars } from '../../parts/limits';
import { TextLink } from '../../parts/links';
import type { Key } from './list';
import { Toggle } from './Toggle';
import styles from './Keys.module.css';

export interface RowProps {
  of: Key;
  selected: boolean;
  /** Absent: nothing can be done to many keys. */
  onSelect?: (key: Key, on: boolean) => void;
  onLabel: (name: string, value: string) => void;
}

/** The row of a key. It opens the key wherever there is nothing else to click on. */
export const Row = memo(function Row({ of, selected, onSelect, onLabel }: RowProps) {
  const open = useOpen(of.id);
  return (
    <Table.Tr className={styles.row} data-row={of.id} data-selected={selected || undefined} aria-selected={onSelect ? selected : undefined} onClick={open} onAuxClick={open}>
      {onSelect && (
        <Table.Td w={40} className={styles.select}>
          <Checkbox size="xs" aria-label={`Select ${of.name}`} checked={selected} onChange={(e) => onSelect(of, e.currentTarget.checked)} />
        </Table.Td>
      )}
      <Table.Td><Name of={of}><div className={styles.below}><Labels labels={owned(of.labels)} onPick={onLabel} most={2} /></div></Name></Table.Td>
      <Table.Td className={styles.wide}><Labels labels={owned(of.labels)} onPick={onLabel} most={2} /></Table.Td>
      <Table.Td><Toggle of={of} /></Table.Td>
      <Table.Td visibleFrom="md"><LimitBars limits={of.limits} /></Table.Td>
      <Table.Td className="number"><Spend of={of} /></Table.Td>
      <Table.Td className="number"><When at={of.last_used_at} /></Table.Td>
      <Table.Td className="number" visibleFrom="lg"><When at={of.expires_at} /></Table.Td>
      <Table.Td className={`number ${styles.widest}`}><When at={of.created_at} /></Table.Td>
    </Table.Tr>
  );
});

/** A key where there is no room for a row. */
export const Card = memo(function Card({ of, selected, onSelect, onLabel }: RowProps) {
  return (
    <div className={styles.card} data-row={of.id} data-selected={selected || undefined}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
        <Group gap="sm" wrap="nowrap" align="flex-start" style={{ minWidth: 0 }}>
          {onSelect && <Checkbox mt={3} size="xs" aria-label={`Select ${of.name}`} checked={selected} onChange={(e) => onSelect(of, e.currentTarget.checked)} />}
          <Name of={of}><Labels labels={owned(of.labels)} onPick={onLabel} most={2} /></Name>
        </Group>
        <div style={{ flex: 'none' }}><Toggle of={of} /></div>
      </Group>
      <LimitBars limits={of.limits} />
      <Group gap="md" fz="xs" c="dimmed">
        <span><Spend of={of} /> this month</span>
        <span>used <When at={of.last_used_at} /></span>
        <span>expires <When at={of.expires_at} /></span>
      </Group>
    </div>
  );
});

const owners = ['owner', 'team'];

/** Labels with those first that say whose the key is. */
function owned(labels: Key['labels']): LabelSet {
  const rank = ([name]: [string, string]) => (owners.indexOf(name) + owners.length + 1) % (owners.length + 1);
  return Object.fromEntries(Object.entries(labels ?? {}).sort((a, b) => rank(a) - rank(b)));
}

function Name({ of, children }: { of: Key; children: ReactNode }) {
  return (
    <Stack gap={2} style={{ minWidth: 0 }}>
      <Group gap={6} wrap="nowrap">
        <span className={styles.name} title={of.name}>
          <TextLink to="/keys/$id" params={{ id: of.id }} fw={500} size="sm" c="inherit" underline="hover">{of.name}</TextLink>
        </span>
        {of.legacy && (
          <Tooltip label="Imported without limits: give it one, or replace it by a new key">
            <Badge size="xs" variant="outline" color="yellow" tt="none" className={styles.mark}>legacy</Badge>
          </Tooltip>
        )}
        {of.origin === 'file' && (
          <Tooltip label="Declared in the configuration file, and read-only here">
            <Badge size="xs" variant="default" tt="none" className={styles.mark} leftSection={<IconFileText size={10} aria-hidden />}>file</Badge>
          </Tooltip>
        )}
      </Group>
      <Text size="xs" c="dimmed" ff="monospace" truncate>{of.id}</Text>
      {children}
    </Stack>
  );
}

/** What a key cost this month. */
function Spend({ of: { this_month: used } }: { of: Key }) {
  if (!used) {
    return <Text span inherit c="dimmed">–</Text>;
  }
  return (
    <Hint label={`${exact(used.cost_usd)} for ${some(used.requests, 'request')} with ${count(used.input_tokens)} tokens in and ${count(used.output_tokens)} out since the 1st, UTC`}>
      <span>{money(used.cost_usd)}</span>
    </Hint>
  );
}

/** Opens a key as a link would: with the middle button or Ctrl in a new tab. */
function useOpen(id: string) {
  const navigate = useNavigate();
  return (e: MouseEvent<HTMLElement>) => {
    const on = e.target as HTMLElement;
    const away = e.button === 1 || e.ctrlKey || e.metaKey;
    if (e.button > 1 || on.closest('a, button, input, label, [role=dialog]') || !e.currentTarget.contains(on) || (!away && window.getSelection()?.toString())) {
      return;
    }
    if (away) {
      window.open(e.currentTarget.querySelector('a')?.href, '_blank', 'noopener');
    } else {
      void navigate({ to: '/keys/$id', params: { id } });
    }
  };
}
