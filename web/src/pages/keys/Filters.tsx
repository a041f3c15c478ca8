import { CloseButton, Group, Select, Switch, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState, type RefObject } from 'react';
import { labelsOf, labelsText } from '../../format/labels';
import { LabelsInput } from '../../parts/labels';
import type { KeySearch } from './list';

export type Change = (change: Partial<KeySearch>) => void;

const statuses = ['active', 'disabled', 'expired', 'revoked'];
const origins = [{ value: 'managed', label: 'Managed' }, { value: 'file', label: 'Of the file' }];
const expiring = [{ value: '1d', label: 'Expiring in 1 day' }, { value: '7d', label: 'Expiring in 7 days' }, { value: '30d', label: 'Expiring in 30 days' }, { value: '90d', label: 'Expiring in 90 days' }];
const idle = [{ value: '7d', label: 'Idle for 7 days' }, { value: '30d', label: 'Idle for 30 days' }, { value: '90d', label: 'Idle for 90 days' }];

/** What of all keys is shown. Everything here is in the address of the page. */
export function Filters({ search, change, input }: { search: KeySearch; change: Change; input: RefObject<HTMLInputElement | null> }) {
  return (
    <Group gap={8} mb="sm" role="search" align="flex-start">
      <Search value={search.q ?? ''} change={(q) => change({ q: q || undefined })} input={input} />
      <Pick label="Status" data={statuses} value={search.status} onChange={(status) => change({ status })} w={108} />
      <Pick label="Origin" data={origins} value={search.origin} onChange={(origin) => change({ origin })} w={108} />
      <Pick label="Expiration" data={withOwn(expiring, search.expiring, 'Expiring in')} value={search.expiring} onChange={(v) => change({ expiring: v })} w={150} placeholder="Any expiration" />
      <Pick label="Use" data={withOwn(idle, search.idle, 'Idle for')} value={search.idle} onChange={(v) => change({ idle: v })} w={135} placeholder="Any use" />
      <LabelFilter search={search} change={change} />
      <Switch
        label="Without limits" size="xs" withThumbIndicator={false} checked={search.uncapped === 'true'} mt={6}
        onChange={(e) => change({ uncapped: e.currentTarget.checked ? 'true' : undefined })}
      />
    </Group>
  );
}

function Search({ value, change, input }: { value: string; change: (q: string) => void; input: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback((q: string) => change(q), 250);
  const [seen, setSeen] = useState(value);
  // Going back, or clearing the filters, changes the address from elsewhere.
  if (seen !== value) {
    setSeen(value);
    if (text.trim() !== value) {
      setText(value);
    }
  }
  const type = (q: string) => {
    setText(q);
    later(q.trim());
  };
  return (
    <TextInput
      ref={input} value={text} onChange={(e) => type(e.currentTarget.value)} size="xs" flex="1 1 220px" maw={{ sm: 320 }} aria-label="Search keys"
      placeholder="Name, id, label or end of a secret" leftSection={<IconSearch size={16} aria-hidden />} autoComplete="off" spellCheck={false}
      rightSection={text && <CloseButton size="sm" aria-label="Clear the search" onClick={() => type('')} />} aria-keyshortcuts="/"
      onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()}
      // Later it would take whoever has opened a key meanwhile back to the list.
      onBlur={() => later.flush()}
    />
  );
}

function Pick({ label, value, onChange, data, w, placeholder }: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  data: string[] | { value: string; label: string }[];
  w: number;
  placeholder?: string;
}) {
  return (
    <Select
      aria-label={label} placeholder={placeholder ?? `Any ${label.toLowerCase()}`} data={data} value={value ?? null} onChange={(v) => onChange(v ?? undefined)}
      clearable size="xs" w={{ base: 'calc(50% - 5px)', sm: w }} comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
    />
  );
}

/** A duration that somebody wrote into the address is offered, too. */
function withOwn(data: { value: string; label: string }[], own: string | undefined, word: string) {
  return own && !data.some((d) => d.value === own) ? [...data, { value: own, label: `${word} ${own}` }] : data;
}

function LabelFilter({ search, change }: { search: KeySearch; change: Change }) {
  const labels = labelsOf(search.labels);
  return (
    <div style={{ flex: '1 1 150px', maxWidth: 280 }}>
      <LabelsInput size="xs" label="" ariaLabel="Labels" value={labels} onChange={(l) => change({ labels: labelsText(l) })} placeholder="Label, team=payments" />
    </div>
  );
}
