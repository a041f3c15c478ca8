import { Alert, Button, Group, Input, Modal, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, ask, once } from '../../api/client';
import { useReturnFocus } from '../../parts/focus';
import { checkTyped } from '../../parts/form';
import { LabelsInput } from '../../parts/labels';
import { Failed } from '../../parts/states';
import { stale } from '../key/queries';
import { Stale } from '../key/stale';
import { LimitFields } from '../keys/form/FurtherLimits';
import type { Start } from './examples';
import { Matching } from './matching';
import { useLimitsChanged, type SharedLimit } from './queries';
import { sentence } from './sentence';
import { checks, inputOf, patchOf, placed, valuesOf, type LimitValues } from './values';

interface Props {
  /** The limit that is edited; without it one is created. */
  edits?: SharedLimit;
  start?: Start;
  close: () => void;
  made?: (id: string) => void;
}

/** Creates or edits a shared limit. */
export function LimitDialog(props: Props) {
  useReturnFocus();
  return (
    <Modal opened onClose={props.close} size="lg" title={props.edits ? `Edit ${props.edits.name ?? props.edits.id}` : 'Create a shared limit'}>
      <Form {...props} />
    </Modal>
  );
}

function Form({ edits, start, close, made }: Props) {
  const changed = useLimitsChanged();
  const [header] = useState(once);
  // The list goes on being asked anew; what is edited is what was there when the dialog opened.
  const [before] = useState(edits);
  const form = useForm<LimitValues>({ initialValues: valuesOf(before ?? start), validate: checks, enhanceGetInputProps: checkTyped });
  const send = useMutation({
    mutationFn: (values: LimitValues) => before
      ? ask(api.PATCH('/api/v1/limits/{id}', { params: { path: { id: before.id ?? '' }, header: { 'If-Match': before.etag } }, body: patchOf(before, values) }))
      : ask(api.POST('/api/v1/limits', { params: { header }, body: inputOf(values) })),
    onSuccess: (done) => {
      changed();
      close();
      made?.(done.limit.id ?? '');
    },
    onError: (why) => form.setErrors(why instanceof ApiError ? placed(why.fields).placed : {}),
  });
  const { values } = form;
  const same = before !== undefined && Object.keys(patchOf(before, values)).length === 0;
  const atFields = send.error instanceof ApiError && Object.keys(send.error.fields).length > 0 && placed(send.error.fields).rest.length === 0;
  return (
    <form onSubmit={form.onSubmit((all) => send.mutate(all))} noValidate>
      <Stack gap="md">
        <TextInput label="Name" placeholder="payments team" required data-autofocus autoComplete="off" maxLength={128} {...form.getInputProps('name')} />
        <LabelsInput
          label="Keys with these labels" description="Without a label it selects all keys, those to come, too"
          value={values.labels} onChange={(labels) => form.setFieldValue('labels', labels)} error={form.errors.labels}
        />
        <Matching labels={values.labels} />
        <Per value={values.per} onChange={(per) => form.setFieldValue('per', per)} fixed={before !== undefined} />
        <LimitFields limit={values.limit} at={(field) => form.getInputProps(`limit.${field}`)} />
        {Object.keys(checks({ ...values, name: 'any' })).length === 0 && (
          <Alert color="gray" variant="light"><Text size="sm" c="var(--mantine-color-text)" aria-live="polite">{sentence(inputOf(values))}</Text></Alert>
        )}
        {send.isError && !atFields && (stale(send.error) ? <Stale of="limit" close={() => { changed(); close(); }} /> : <Failed why={send.error} />)}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" loading={send.isPending} disabled={same}>{before ? 'Save' : 'Create'}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Per({ value, onChange, fixed }: { value: 'pool' | 'each'; onChange: (per: 'pool' | 'each') => void; fixed: boolean }) {
  return (
    <div>
      <Input.Label labelElement="div" id="limit-per">Counted</Input.Label>
      <SegmentedControl
        aria-labelledby="limit-per" fullWidth mt={4} disabled={fixed} value={value} onChange={(v) => onChange(v === 'each' ? 'each' : 'pool')}
        data={[{ value: 'pool', label: 'All its keys together' }, { value: 'each', label: 'Each key for itself' }]}
      />
      {fixed && <Text size="xs" c="dimmed" mt={4}>What it counts, and for whom, stays for life: what was counted would mean something else. Create another limit and delete this one.</Text>}
    </div>
  );
}
