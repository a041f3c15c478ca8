import { Stack, Switch, TextInput } from '@mantine/core';
import type { KeyFormState } from './use';

/** How requests with the key are treated, beside what it may do. */
export function Manners({ form }: { form: KeyFormState }) {
  return (
    <Stack gap="md">
      <TextInput
        label="Output bound" description="Tokens, written into requests that have no bound of their own" placeholder="None" inputMode="numeric" autoComplete="off" maw={320}
        {...form.getInputProps('maxTokens')}
      />
      <Switch
        size="sm" withThumbIndicator={false} label="Clamp" description="Lower an output bound that a limit cannot pay for, instead of refusing the request"
        {...form.getInputProps('clamp', { type: 'checkbox' })}
      />
      <Switch
        size="sm" withThumbIndicator={false} label="Discreet" description="Tell no amounts to whoever holds the key"
        {...form.getInputProps('discreet', { type: 'checkbox' })}
      />
    </Stack>
  );
}
