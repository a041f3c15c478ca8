import { Autocomplete, Button, Group, Modal, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, ask, once } from '../../api/client';
import { Failed } from '../../parts/states';
import { hostOf, providers } from './providers';

/** Stores a credential. What is typed as its value is in no place that outlives the dialog. */
export function AddCredential({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Add a credential" centered>
      <Fields close={close} />
    </Modal>
  );
}

function Fields({ close }: { close: () => void }) {
  const cache = useQueryClient();
  const [header] = useState(once);
  const form = useForm({
    initialValues: { name: '', provider: '', host: '', value: '' },
    validate: {
      name: (v) => (v.trim() ? null : 'Give it a name.'),
      provider: (v) => (v.trim() ? null : 'Say which provider it is for.'),
      value: (v) => (v.trim() ? null : 'Paste what the provider gave you.'),
    },
  });
  const add = useMutation({
    mutationFn: (body: typeof form.values) => ask(api.POST('/api/v1/credentials', {
      params: { header }, body: { ...body, provider: body.provider.trim(), host: body.host.trim() || undefined, value: body.value.trim() },
    })),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['credentials'] });
      close();
    },
    onError: (why) => {
      if (why instanceof ApiError) {
        form.setErrors(why.fields);
      }
    },
  });
  const own = hostOf(form.values.provider);
  const elsewhere = add.error instanceof ApiError && Object.keys(add.error.fields).length > 0;
  return (
    <form onSubmit={form.onSubmit((values) => add.mutate(values))} noValidate>
      <Stack>
        <TextInput label="Name" description="By which the configuration refers to it" placeholder="openai-prod" withAsterisk data-autofocus maxLength={128} {...form.getInputProps('name')} />
        <Autocomplete label="Provider" description="The only one that it is sent to" withAsterisk data={providers} placeholder="openai" {...form.getInputProps('provider')} />
        <TextInput
          label="Host" description={own ? `The only host that it is sent to. Left empty: ${own}` : 'The only host that it is sent to, with its port if that is not 443'}
          placeholder={own ?? 'llm.example.com'} withAsterisk={!own && form.values.provider !== ''} spellCheck={false} {...form.getInputProps('host')}
        />
        <PasswordInput
          label="Value" description="The key that the provider gave you. It is sealed and never shown again." withAsterisk
          autoComplete="off" spellCheck={false} {...form.getInputProps('value')}
        />
        {add.isError && !elsewhere && <Failed why={add.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" loading={add.isPending}>Add the credential</Button>
        </Group>
      </Stack>
    </form>
  );
}
