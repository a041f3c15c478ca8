import { Button, CloseButton, Group, Popover, Select, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconPlus } from '@tabler/icons-react';
import { useState, type FormEvent, type ReactNode } from 'react';
import { absolute } from '../format/time';
import classes from './filters.module.css';

/** What can be filtered by, and how that is asked for. Without options or editor it is text. */
export interface Filter<N extends string> {
  name: N;
  label: string;
  options?: { value: string; label: string }[];
  placeholder?: string;
  hint?: string;
  /** How the value is said where the filter is on. */
  says?: (value: string) => ReactNode;
  edit?: (props: { value: string; set: (value: string | undefined) => void }) => ReactNode;
}

type Values<N extends string> = { [K in N]?: string };

interface BarProps<N extends string> {
  filters: Filter<N>[];
  values: Values<N>;
  /** Gets what changes; undefined takes a filter away. */
  onChange: (change: Values<N>) => void;
  children?: ReactNode;
}

/** The filters of a page as a row of buttons: those that are on say what they let through. */
export function FilterBar<N extends string>({ filters, values, onChange, children }: BarProps<N>) {
  const on = filters.filter((f) => values[f.name]);
  const clear = () => onChange(Object.fromEntries(on.map((f) => [f.name, undefined])) as Values<N>);
  return (
    <Group gap={6} role="group" aria-label="Filters">
      {filters.map((f) => (
        <One key={f.name} filter={f} value={values[f.name]} set={(value) => onChange({ [f.name]: value } as Values<N>)} />
      ))}
      {children}
      {on.length > 1 && <Button size="compact-sm" variant="subtle" color="gray" onClick={clear}>Clear all</Button>}
    </Group>
  );
}

function One<N extends string>({ filter, value, set }: { filter: Filter<N>; value: string | undefined; set: (value: string | undefined) => void }) {
  const [open, setOpen] = useState(false);
  const choose = (chosen: string | undefined) => {
    set(chosen === '' ? undefined : chosen);
    setOpen(false);
  };
  return (
    <Pill label={filter.label} says={value && say(filter, value)} open={open} setOpen={setOpen} clear={() => set(undefined)}>
      {filter.edit ? filter.edit({ value: value ?? '', set: choose }) : filter.options ? (
        <Select
          label={filter.label} description={filter.hint} data={filter.options} value={value ?? null} onChange={(v) => choose(v ?? undefined)}
          clearable searchable={filter.options.length > 8} comboboxProps={{ withinPortal: false }} defaultDropdownOpened data-autofocus
        />
      ) : <Typed filter={filter} value={value ?? ''} choose={choose} />}
    </Pill>
  );
}

function say<N extends string>(filter: Filter<N>, value: string): ReactNode {
  return filter.says?.(value) ?? filter.options?.find((o) => o.value === value)?.label ?? value;
}

function Typed<N extends string>({ filter, value, choose }: { filter: Filter<N>; value: string; choose: (value: string) => void }) {
  const [text, setText] = useState(value);
  const apply = (e: FormEvent) => {
    e.preventDefault();
    choose(text.trim());
  };
  return (
    <form onSubmit={apply}>
      <Stack gap="xs">
        <TextInput label={filter.label} description={filter.hint} placeholder={filter.placeholder} value={text} onChange={(e) => setText(e.currentTarget.value)} data-autofocus />
        <Button type="submit" size="xs">Apply</Button>
      </Stack>
    </form>
  );
}

interface PillProps {
  label: string;
  says: ReactNode;
  open: boolean;
  setOpen: (open: boolean) => void;
  clear: () => void;
  children: ReactNode;
}

function Pill({ label, says, open, setOpen, clear, children }: PillProps) {
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" width={280} trapFocus shadow="md">
      <span className={classes.pill} data-on={says ? true : undefined}>
        <Popover.Target>
          <UnstyledButton className={classes.button} onClick={() => setOpen(!open)} aria-label={says ? undefined : `Filter by ${label.toLowerCase()}`}>
            {!says && <IconPlus size={13} aria-hidden />}
            <span>{label}</span>
            {says && <span className={classes.value}>{says}</span>}
            {says && <IconChevronDown size={13} aria-hidden />}
          </UnstyledButton>
        </Popover.Target>
        {says && <CloseButton size="xs" aria-label={`Without the filter by ${label.toLowerCase()}`} onClick={clear} />}
      </span>
      <Popover.Dropdown>{children}</Popover.Dropdown>
    </Popover>
  );
}

const spans: { label: string; hours: number }[] = [
  { label: 'The last hour', hours: 1 },
  { label: 'The last 24 hours', hours: 24 },
  { label: 'The last 7 days', hours: 7 * 24 },
  { label: 'The last 30 days', hours: 30 * 24 },
];

interface Range {
  from?: string;
  to?: string;
}

/** A filter by time, from and to as RFC 3339. Moments are those of the browser's zone. */
export function TimeFilter({ from, to, onChange }: Range & { onChange: (range: Range) => void }) {
  const [open, setOpen] = useState(false);
  const choose = (range: Range) => {
    onChange(range);
    setOpen(false);
  };
  return (
    <Pill label="Time" says={sayRange({ from, to })} open={open} setOpen={setOpen} clear={() => onChange({ from: undefined, to: undefined })}>
      <Stack gap="xs">
        <Group gap={6}>
          {spans.map((s) => (
            <Button key={s.hours} size="compact-xs" variant="default" onClick={() => choose({ from: new Date(Date.now() - s.hours * 3_600_000).toISOString(), to: undefined })}>
              {s.label}
            </Button>
          ))}
        </Group>
        <Between from={from} to={to} choose={choose} />
      </Stack>
    </Pill>
  );
}

function Between({ from, to, choose }: Range & { choose: (range: Range) => void }) {
  const [begin, setBegin] = useState(local(from));
  const [end, setEnd] = useState(local(to));
  const wrong = begin !== '' && end !== '' && begin >= end;
  const apply = (e: FormEvent) => {
    e.preventDefault();
    if (!wrong) {
      choose({ from: moment(begin), to: moment(end) });
    }
  };
  return (
    <form onSubmit={apply}>
      <Stack gap="xs">
        <TextInput type="datetime-local" label="From" value={begin} onChange={(e) => setBegin(e.currentTarget.value)} />
        <TextInput type="datetime-local" label="Until" value={end} onChange={(e) => setEnd(e.currentTarget.value)} error={wrong && 'This is before the beginning.'} />
        <Text size="xs" c="dimmed">In the time zone of this browser.</Text>
        <Button type="submit" size="xs" disabled={wrong}>Apply</Button>
      </Stack>
    </form>
  );
}

function sayRange({ from, to }: Range): string | undefined {
  if (from && to) {
    return `${absolute(from)} – ${absolute(to)}`;
  }
  return from ? `since ${absolute(from)}` : to ? `until ${absolute(to)}` : undefined;
}

/** A moment as a control of the browser has it: without zone, to the minute. */
function local(at: string | undefined): string {
  const date = new Date(at ?? '');
  return Number.isNaN(date.getTime()) ? '' : new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function moment(text: string): string | undefined {
  return text === '' ? undefined : new Date(text).toISOString();
}
