import { Group, Input, Select, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useId, useRef } from 'react';
import { zones } from '../../../format/time';
import type { KeyFormState } from './use';

const periods = [
  { value: 'never', label: 'Never' },
  { value: 'hour', label: 'Each hour' },
  { value: 'day', label: 'Each day' },
  { value: 'week', label: 'Each week, from Monday' },
  { value: 'month', label: 'Each month' },
  { value: 'quarter', label: 'Each quarter' },
  { value: 'year', label: 'Each year' },
];

/** The three limits that most keys have, and when the first two of them count anew. */
export function SimpleLimits({ form }: { form: KeyFormState }) {
  const { cost, tokens, period } = form.values;
  const resets = cost.on || tokens.on;
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="md" verticalSpacing="sm">
        <Limit form={form} kind="cost" label="Cost limit" placeholder="200.00" left="$" />
        <Limit form={form} kind="tokens" label="Token limit" placeholder="5,000,000" />
        <Limit form={form} kind="requests" label="Requests/min" placeholder="60" />
      </SimpleGrid>
      <Group grow align="flex-start" gap="md" preventGrowOverflow={false}>
        <Select
          label="Reset period" data={periods} allowDeselect={false} disabled={!resets} description={resets ? 'Of the cost and the token limit' : 'Once there is a cost or token limit'}
          {...form.getInputProps('period')}
        />
        <Zone {...form.getInputProps('zone')} disabled={!resets || period === 'never'} description={period === 'hour' || period === 'never' ? 'Where its days begin' : `Where its ${period}s begin`} />
      </Group>
    </Stack>
  );
}

function Limit({ form, kind, label, placeholder, left }: { form: KeyFormState; kind: 'cost' | 'tokens' | 'requests'; label: string; placeholder: string; left?: string }) {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const { on } = form.values[kind];
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Input.Label htmlFor={id}>{label}</Input.Label>
        <Switch
          size="sm" checked={on} aria-label={label} withThumbIndicator={false} styles={{ input: { zIndex: 1, cursor: 'pointer' } }}
          onChange={(e) => {
            form.setFieldValue(`${kind}.on`, e.currentTarget.checked);
            form.clearFieldError(`${kind}.amount`);
            if (e.currentTarget.checked) {
              // Once it can take the focus.
              requestAnimationFrame(() => input.current?.focus());
            }
          }}
        />
      </Group>
      <TextInput
        id={id} ref={input} disabled={!on} placeholder={on ? placeholder : 'No limit'} inputMode={kind === 'cost' ? 'decimal' : 'numeric'} autoComplete="off"
        leftSection={left && on ? <Text span size="sm" c="dimmed">{left}</Text> : undefined} {...form.getInputProps(`${kind}.amount`)}
      />
    </Stack>
  );
}

const known = zones();

/** A time zone, found by typing any part of its name. */
export function Zone({ label = 'Time zone', value = 'UTC', ...rest }: {
  label?: string;
  value?: string;
  onChange: (zone: string | null) => void;
  disabled?: boolean;
  description?: string;
}) {
  return (
    <Select
      label={label} searchable allowDeselect={false} limit={100} nothingFoundMessage="No such zone" maxDropdownHeight={280} {...rest}
      value={value} data={known.includes(value) ? known : [value, ...known]}
      // People write spaces where the database of zones has underscores.
      filter={({ options, search }) => {
        const words = search.toLowerCase().replaceAll(' ', '_');
        return options.filter((o) => 'value' in o && o.value.toLowerCase().includes(words));
      }}
    />
  );
}
