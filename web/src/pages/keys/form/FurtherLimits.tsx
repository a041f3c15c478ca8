import { ActionIcon, Button, Group, Paper, Select, SimpleGrid, Stack, TagsInput, Text, TextInput, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useModelNames } from './Scope';
import { Zone } from './SimpleLimits';
import type { KeyFormState } from './use';
import { emptyLimit, type FurtherLimit } from './values';

const kinds = [
  { value: 'cost', label: 'Cost' }, { value: 'tokens', label: 'Tokens' }, { value: 'requests', label: 'Requests' }, { value: 'concurrency', label: 'Concurrency' },
];
const shapes = [
  { value: 'calendar', label: 'Of the calendar' }, { value: 'fixed', label: 'One after the other' }, { value: 'sliding', label: 'Sliding' }, { value: 'life', label: 'For life' },
];
const periods = ['hour', 'day', 'week', 'month', 'quarter', 'year'];

/** Limits of any kind and window, and those about some models only. */
export function FurtherLimits({ form }: { form: KeyFormState }) {
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm" fw={500}>Further limits</Text>
        <Text size="xs" c="dimmed">All limits apply: the one with the least room decides.</Text>
      </div>
      {form.values.limits.map((limit, i) => <Row key={limit.row} form={form} limit={limit} i={i} />)}
      <Button
        variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} w="fit-content"
        onClick={() => form.insertListItem('limits', emptyLimit(form.values.zone))}
      >
        Add a limit
      </Button>
    </Stack>
  );
}

function Row({ form, limit, i }: { form: KeyFormState; limit: FurtherLimit; i: number }) {
  return (
    <Paper withBorder p="sm" role="group" aria-label={`Further limit ${i + 1}`}>
      <LimitFields
        limit={limit} at={(field) => form.getInputProps(`limits.${i}.${field}`)}
        aside={
          <ActionIcon variant="subtle" color="gray" mt={26} aria-label={`Remove further limit ${i + 1}`} onClick={() => form.removeListItem('limits', i)}>
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        }
      />
    </Paper>
  );
}

interface Fields {
  limit: FurtherLimit;
  /** The properties of the input of a field. */
  at: (field: keyof FurtherLimit & string) => ReturnType<KeyFormState['getInputProps']>;
  aside?: ReactNode;
}

/** What a limit counts, how much of it, in which window and for which models. */
export function LimitFields({ limit, at, aside }: Fields) {
  const names = useModelNames();
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-start" wrap="nowrap">
        <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm" verticalSpacing="xs" flex={1}>
          <Tooltip label="What it counts stays; remove the limit and add another" disabled={!limit.id}>
            <Select label="Counts" data={kinds} allowDeselect={false} disabled={!!limit.id} {...at('kind')} />
          </Tooltip>
          <TextInput
            label="Amount" placeholder={limit.kind === 'cost' ? '20.00' : '1,000'} inputMode={limit.kind === 'cost' ? 'decimal' : 'numeric'} autoComplete="off"
            leftSection={limit.kind === 'cost' ? <Text span size="sm" c="dimmed">$</Text> : undefined} {...at('amount')}
          />
          {limit.kind !== 'concurrency' && <Select label="Window" data={shapes} allowDeselect={false} {...at('shape')} />}
        </SimpleGrid>
        {aside}
      </Group>
      {limit.kind !== 'concurrency' && <When limit={limit} at={at} />}
      <TagsInput label="Models" placeholder={limit.models.length > 0 ? undefined : 'All models'} data={names} {...at('models')} />
    </Stack>
  );
}

const anchors: Partial<Record<FurtherLimit['period'], string>> = { week: 'monday', month: '1', quarter: '01-01', year: '01-01' };

function When({ limit, at }: Fields) {
  if (limit.shape === 'life') {
    return null;
  }
  if (limit.shape !== 'calendar') {
    return (
      <TextInput
        label="Length" placeholder={limit.shape === 'sliding' ? '24h' : '5h'} autoComplete="off" {...at('length')}
        description={limit.shape === 'sliding' ? 'What was used longer ago than this counts no more' : 'Stretches of this length, one after the other'}
      />
    );
  }
  const first = anchors[limit.period];
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm" verticalSpacing="xs">
      <Select label="Period" data={periods} allowDeselect={false} {...at('period')} />
      <Zone {...at('zone')} />
      {first && <TextInput label="First day" placeholder={first} autoComplete="off" {...at('anchor')} />}
    </SimpleGrid>
  );
}
