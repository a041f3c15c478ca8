import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, once, type Schemas } from '../../api/client';
import { ReturnFocus } from '../../parts/focus';
import { SecretOnce } from '../../parts/secret';
import { Failed } from '../../parts/states';
import { inputOf } from './form/input';
import { KeyForm } from './form/KeyForm';
import { Summary } from './form/Summary';
import { useKeyForm, usePlaced } from './form/use';
import { emptyValues } from './form/values';
import { useTouched } from './list';
import styles from './Keys.module.css';

type Created = Schemas['KeyCreated'];

/** Makes a key and shows its secret, once. Closing before it was copied is asked about. */
export function Create({ opened, close }: { opened: boolean; close: () => void }) {
  const [made, setMade] = useState<Created>();
  const [copied, setCopied] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const leave = () => {
    setMade(undefined);
    setCopied(false);
    setLeaving(false);
    close();
  };
  const tryLeave = () => (made && !copied ? setLeaving(true) : leave());
  return (
    <Modal
      opened={opened} onClose={leaving ? () => setLeaving(false) : tryLeave} size="lg" closeOnClickOutside={false} classNames={{ content: styles.dialog }}
      title={leaving ? 'Close without copying?' : made ? `${made.key.name} is ready` : 'Create a key'}
    >
      <ReturnFocus />
      {!made ? <Fields done={setMade} cancel={leave} /> : leaving ? (
        <Stack gap="md">
          <Text size="sm" className="wrap-anywhere">The secret of {made.key.name} has not been copied, and it cannot be shown again. Without it the key has to be rotated.</Text>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={leave}>Close anyway</Button>
            <Button onClick={() => setLeaving(false)} autoFocus>Back to the secret</Button>
          </Group>
        </Stack>
      ) : (
        <Stack gap="md">
          <SecretOnce secret={made.secret} name={made.key.name} model={modelFor(made.key)} onCopied={() => setCopied(true)} />
          <Group justify="flex-end">
            <Button variant={copied ? 'filled' : 'default'} onClick={tryLeave}>Done</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

/** A model to begin with: one that the key may call by its name. */
function modelFor(key: Created['key']): string | undefined {
  return key.models?.allow?.find((p) => !p.includes('*')) ?? key.models?.allow?.find((p) => p.length > 1)?.replace('*', '').replace(/[-.]$/, '');
}

function Fields({ done, cancel }: { done: (made: Created) => void; cancel: () => void }) {
  const form = useKeyForm(emptyValues());
  const place = usePlaced(form);
  const touched = useTouched();
  const [why, setWhy] = useState<unknown>();
  // One for this opening: sent twice, it makes one key.
  const [header] = useState(once);
  const create = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/keys', { params: { header }, body: inputOf(form.getValues()) })),
    onMutate: () => setWhy(undefined),
    onSuccess: (made) => {
      touched();
      done(made);
    },
    onError: (refused) => setWhy(place(refused)),
  });
  const input = inputOf(form.values);
  return (
    <form noValidate onSubmit={form.onSubmit(() => create.mutate())}>
      <KeyForm form={form} />
      <div className={styles.foot}>
        <Stack gap="sm">
          {why !== undefined && <Failed why={why} />}
          <Summary of={input} labels={form.values.labels} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={cancel}>Cancel</Button>
            <Button type="submit" loading={create.isPending}>Create key</Button>
          </Group>
        </Stack>
      </div>
    </form>
  );
}
