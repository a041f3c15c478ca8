import { Button, Collapse, Divider, Stack, TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import { Ending } from './Ending';
import { FurtherLimits } from './FurtherLimits';
import { Manners } from './Manners';
import { Scope } from './Scope';
import { SimpleLimits } from './SimpleLimits';
import type { KeyFormState } from './use';
import type { KeyValues } from './values';

/** The fields of a key, for a new one and for one that is edited. The buttons stand around it. */
export function KeyForm({ form }: { form: KeyFormState }) {
  return (
    <Stack gap="lg">
      <TextInput
        label="Name" placeholder="checkout-prod" required data-autofocus autoComplete="off" spellCheck={false} maxLength={128}
        {...form.getInputProps('name')}
      />
      <SimpleLimits form={form} />
      <Ending form={form} />
      <More form={form} />
    </Stack>
  );
}

const behind = ['allow', 'deny', 'operations', 'networks', 'labels', 'maxTokens', 'limits'];

/** What few keys need. It opens by itself where something of it is set or wrong. */
function More({ form }: { form: KeyFormState }) {
  const [asked, setAsked] = useState(() => further(form.getInitialValues()) > 0);
  const wrong = Object.keys(form.errors).some((at) => behind.some((b) => at === b || at.startsWith(`${b}.`)));
  const open = asked || wrong;
  const set = further(form.values);
  return (
    <div>
      <Button
        variant="subtle" color="gray" size="compact-sm" onClick={() => setAsked(!open)} aria-expanded={open} aria-controls="key-more"
        leftSection={open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />} ml={-8}
      >
        {open ? 'Less' : `More: models, operations, networks, labels, further limits${set > 0 ? ` (${set} set)` : ''}`}
      </Button>
      <Collapse expanded={open} id="key-more">
        <Stack gap="lg" pt="sm">
          <Scope form={form} />
          <Divider />
          <FurtherLimits form={form} />
          <Divider />
          <Manners form={form} />
        </Stack>
      </Collapse>
    </div>
  );
}

/** How many of the fields behind "more" are set. */
function further(values: KeyValues): number {
  return [
    values.allow !== null, values.deny.length > 0, values.operations !== null, values.networks !== null, Object.keys(values.labels).length > 0,
    values.maxTokens !== '', values.clamp, values.discreet, values.limits.length > 0,
  ].filter(Boolean).length;
}
