import { Group, TagsInput, Text, UnstyledButton, type MantineSize } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { labelText, parseLabel, type LabelSet } from '../format/labels';
import { Hint } from './hint';
import styles from './labels.module.css';

/** Labels as chips; with onPick each of them is a button, for instance of a filter. */
export function Labels({ labels, onPick, most = 3 }: {
  labels: LabelSet | null | undefined;
  onPick?: (name: string, value: string) => void;
  /** How many are shown; the others are told on hover. */
  most?: number;
}) {
  const all = Object.entries(labels ?? {});
  const rest = all.slice(most);
  return all.length === 0 ? null : (
    <Group gap={4} style={{ minWidth: 0 }}>
      {all.slice(0, most).map(([name, value]) => <Label key={name} name={name} value={value} onPick={onPick} />)}
      {rest.length > 0 && (
        <Hint label={rest.map(([name, value]) => labelText(name, value)).join(', ')} multiline maw={320}>
          <Text span size="xs" c="dimmed">+{rest.length}</Text>
        </Hint>
      )}
    </Group>
  );
}

function Label({ name, value, onPick }: { name: string; value: string; onPick?: (name: string, value: string) => void }) {
  const text = <><span className={styles.name}>{name}=</span><span>{value}</span></>;
  return onPick ? (
    <UnstyledButton className={styles.label} onClick={() => onPick(name, value)} title={`Only keys with ${labelText(name, value)}`}>
      {text}
    </UnstyledButton>
  ) : (
    <span className={styles.label} title={labelText(name, value)}>{text}</span>
  );
}

/** Labels to be typed, NAME=VALUE one after the other. A second value for a name replaces the first. */
export function LabelsInput({ value, onChange, label = 'Labels', ariaLabel, description, error, placeholder = 'team=payments', suggestions, size }: {
  value: LabelSet;
  onChange: (labels: LabelSet) => void;
  label?: string;
  /** Where there is no room for a label that is seen. */
  ariaLabel?: string;
  description?: ReactNode;
  error?: ReactNode;
  placeholder?: string;
  suggestions?: string[];
  size?: MantineSize;
}) {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string>();
  const take = (texts: string[]) => {
    const labels: LabelSet = {};
    for (const text of texts) {
      const read = parseLabel(text);
      if ('wrong' in read) {
        setWrong(read.wrong);
        // What was typed stays, to be completed.
        setTimeout(() => setTyped(text));
        continue;
      }
      labels[read.name] = read.value;
    }
    onChange(labels);
  };
  return (
    <TagsInput
      label={label || undefined} aria-label={ariaLabel} description={description} error={wrong ?? error} data={suggestions} size={size}
      classNames={size === 'xs' ? { inputField: styles.beside } : undefined}
      value={Object.entries(value).map(([n, v]) => labelText(n, v))} onChange={take}
      searchValue={typed} onSearchChange={(text) => { setTyped(text); setWrong(undefined); }}
      placeholder={Object.keys(value).length === 0 ? placeholder : undefined} splitChars={[]} allowDuplicates
    />
  );
}
