import { Alert, Button, Drawer, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { useReturnFocus } from '../../parts/focus';
import { Failed } from '../../parts/states';
import { checks } from '../keys/form/checks';
import { patchOf } from '../keys/form/input';
import { KeyForm } from '../keys/form/KeyForm';
import { useKeyForm, usePlaced } from '../keys/form/use';
import { valuesOf } from '../keys/form/values';
import classes from './edit.module.css';
import { effects } from './effect';
import { Preview } from './preview';
import { match, stale, useTold, type Key } from './queries';
import { Stale } from './stale';

/** Edits a key, and says before it is saved what that does. */
export function Edit({ of: key, close }: { of: Key; close: () => void }) {
  // What is edited is what was there when the drawer opened; another round begins anew.
  const [round, setRound] = useState(0);
  useReturnFocus();
  return (
    <Drawer opened onClose={close} position="right" size="xl" title={<Text fw={600} size="lg" className="wrap-anywhere">Edit {key.name}</Text>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Form key={round} of={key} close={close} again={() => setRound(round + 1)} />
    </Drawer>
  );
}

function Form({ of: key, close, again }: { of: Key; close: () => void; again: () => void }) {
  const told = useTold();
  const [before] = useState(key);
  const form = useKeyForm(valuesOf(before));
  const place = usePlaced(form);
  const [rest, setRest] = useState<unknown>();
  const patch = patchOf(before, form.values);
  const send = useMutation({
    mutationFn: () => ask(api.PATCH('/api/v1/keys/{id}', { params: { path: { id: before.id }, header: match(before) }, body: patch })),
    onMutate: () => setRest(undefined),
    onSuccess: (done) => {
      told(done.key);
      notifications.show({ message: `${done.key.name} is changed. The next request sees it.` });
      close();
    },
    onError: (why) => setRest(place(why)),
  });
  const whole = Object.keys(checks(form.values)).length === 0;
  // How much is spent goes on: the preview has the figures of now beside the settings of before.
  const all = whole ? effects({ ...before, limits: before.limits?.map((l) => key.limits?.find((now) => now.id === l.id) ?? l) ?? [] }, patch) : [];
  const meanwhile = key.etag !== before.etag && !send.isSuccess;
  return (
    <form onSubmit={form.onSubmit(() => send.mutate())} noValidate>
      <Stack gap="lg">
        {meanwhile && !stale(rest) && (
          <Alert variant="default" icon={<IconAlertTriangle color="var(--mantine-color-yellow-filled)" aria-hidden />} title="Somebody else changed this key meanwhile">
            <Group justify="space-between" gap="xs">
              <Text size="sm" c="var(--mantine-color-text)">What is below began before that and cannot be saved.</Text>
              <Button size="xs" variant="default" onClick={again}>Load it anew</Button>
            </Group>
          </Alert>
        )}
        <KeyForm form={form} />
        <div className={classes.foot}>
          <Preview effects={all} whole={whole} />
          {rest !== undefined && (stale(rest) ? <Stale of="key" close={again} /> : <Failed why={rest} />)}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>Cancel</Button>
            <Button type="submit" loading={send.isPending} disabled={Object.keys(patch).length === 0}>Save</Button>
          </Group>
        </div>
      </Stack>
    </form>
  );
}
