import { MultiSelect, Stack, Switch, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api, ask } from '../../../api/client';
import { LabelsInput } from '../../../parts/labels';
import type { KeyFormState } from './use';

const operations = [
  'chat', 'completions', 'responses', 'messages', 'embeddings', 'models', 'moderations', 'images', 'transcriptions', 'speech', 'count_tokens', 'rerank',
  'generate', 'converse', 'passthrough',
];

/** Names of models that can be called, to be chosen from; any pattern can be typed. */
export function useModelNames(): string[] {
  const { data } = useQuery({
    queryKey: ['models'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/models', { signal })),
    staleTime: 60_000,
  });
  return [...new Set((data?.models ?? []).map((m) => m.name))];
}

/** What the key may be used for: each is everything until it is switched on. */
export function Scope({ form }: { form: KeyFormState }) {
  const names = useModelNames();
  const { allow, operations: ops, networks, labels } = form.values;
  return (
    <Stack gap="md">
      <Part label="Only some models" on={allow !== null} turn={(on) => form.setFieldValue('allow', on ? [] : null)}>
        <TagsInput
          aria-label="Allowed models" placeholder="gpt-5* or a name" data={names} acceptValueOnBlur {...form.getInputProps('allow')} value={allow ?? []}
          description="Names, prefix* or *suffix. None: the key may call nothing"
        />
      </Part>
      <TagsInput label="Never these models" placeholder="*-pro" data={names} {...form.getInputProps('deny')} />
      <Part label="Only some operations" on={ops !== null} turn={(on) => form.setFieldValue('operations', on ? ['chat'] : null)}>
        <MultiSelect aria-label="Allowed operations" data={operations} searchable placeholder={ops?.length ? undefined : 'None'} {...form.getInputProps('operations')} value={ops ?? []} />
      </Part>
      <Part label="Only from some networks" on={networks !== null} turn={(on) => form.setFieldValue('networks', on ? [] : null)}>
        <TagsInput
          aria-label="Allowed networks" placeholder="10.0.0.0/8" splitChars={[',', ' ']} acceptValueOnBlur {...form.getInputProps('networks')} value={networks ?? []}
          description="Addresses and CIDR ranges. None: the key works from nowhere"
        />
      </Part>
      <LabelsInput
        value={labels} onChange={(l) => form.setFieldValue('labels', l)} error={form.errors.labels}
        description="Who owns the key and what it is for. Shared limits select keys by their labels"
      />
    </Stack>
  );
}

function Part({ label, on, turn, children }: { label: string; on: boolean; turn: (on: boolean) => void; children: ReactNode }) {
  return (
    <Stack gap={8}>
      <Switch label={label} checked={on} onChange={(e) => turn(e.currentTarget.checked)} size="sm" withThumbIndicator={false} />
      {on && children}
    </Stack>
  );
}
