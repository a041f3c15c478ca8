import { Alert, Button, Group, Modal, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, ask, type Schemas } from '../../api/client';
import { figureOf, limitName } from '../../format/limits';
import { useReturnFocus } from '../../parts/focus';
import { Failed } from '../../parts/states';
import { atLeastZero, compare, minus, plus, typed, type Amount } from './amounts';

type Limit = Schemas['Limit'];

/** Corrects by hand what a limit has counted; the owner is absent for a pool. */
export function Adjust({ limit, owner, close }: { limit: Limit; owner?: Pick<Schemas['Key'], 'id' | 'name'>; close: () => void }) {
  const cache = useQueryClient();
  useReturnFocus();
  const [way, setWay] = useState('off');
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const amount = typed(limit.kind, text);
  const by = amount === undefined ? undefined : way === 'off' ? minus(limit.kind, amount) : amount;
  const send = useMutation({
    mutationFn: (by: Amount) =>
      ask(api.POST('/api/v1/limits/{id}/adjust', { params: { path: { id: limit.id ?? '' } }, body: { by, key: owner?.id, reason } })),
    onSuccess: (done) => {
      for (const noun of ['key', 'keys', 'limits', 'audit', 'overview']) {
        void cache.invalidateQueries({ queryKey: [noun] });
      }
      notifications.show({ message: `Spent is now ${figureOf(limit.kind, done.limit.spent)} of ${limitName(limit)}.` });
      close();
    },
  });
  const fields = send.error instanceof ApiError ? send.error.fields : {};
  const unit = limit.kind === 'cost' ? 'US dollars' : limit.kind;
  return (
    <Modal opened onClose={close} title="Adjust what is spent">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (by !== undefined && reason.trim()) {
            send.mutate(by);
          }
        }}
      >
        <Stack gap="md">
          <Text size="sm">
            {limitName(limit)}{owner ? <> of <b className="wrap-anywhere">{owner.name}</b></> : ', for all keys that draw from it'}. The amount of the limit stays as it is;
            the correction is a row of the ledger and on record in the audit trail.
          </Text>
          <SegmentedControl
            aria-label="Which way" value={way} onChange={setWay}
            data={[{ value: 'off', label: 'Take off' }, { value: 'on', label: 'Add' }]}
          />
          <TextInput
            label={`Amount in ${unit}`} inputMode="decimal" data-autofocus required value={text} onChange={(e) => setText(e.currentTarget.value)}
            error={fields.by ?? (text && amount === undefined ? (limit.kind === 'cost' ? 'Dollars above 0 with at most nine decimals, such as 5.00' : 'A whole number above 0') : undefined)}
          />
          <Textarea
            label="Reason" description="For whoever reads the books" required autosize minRows={2} maxLength={500}
            value={reason} onChange={(e) => setReason(e.currentTarget.value)} error={fields.reason}
          />
          <Alert color="gray" variant="light" aria-live="polite"><Preview limit={limit} by={by} /></Alert>
          {send.isError && Object.keys(fields).length === 0 && <Failed why={send.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>Cancel</Button>
            <Button type="submit" loading={send.isPending} disabled={by === undefined || !reason.trim()}>Adjust</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Preview({ limit, by }: { limit: Limit; by: Amount | undefined }) {
  const { kind } = limit;
  const spent = limit.spent ?? 0;
  const after = atLeastZero(kind, plus(kind, spent, by ?? 0));
  const used = plus(kind, after, limit.reserved ?? 0);
  const left = atLeastZero(kind, plus(kind, limit.amount, minus(kind, used)));
  return (
    <Text size="sm" c="var(--mantine-color-text)">
      Spent {figureOf(kind, spent)}{by !== undefined && <> → <b>{figureOf(kind, after)}</b></>} of {figureOf(kind, limit.amount)}; {figureOf(kind, left)} remain{kind === 'cost' ? 's' : ''}.
      {compare(kind, used, limit.amount) >= 0 && ' Requests are refused then.'}
    </Text>
  );
}
