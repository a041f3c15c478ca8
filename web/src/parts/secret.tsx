import { Alert, Code, Group, ScrollArea, Stack, Tabs, Text, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconEyeOff } from '@tabler/icons-react';
import { snippets } from '../format/snippets';
import { useGatewayBase } from './gateway';
import { Copy } from './copy';

/**
 * A new secret, which is shown this once, and how to use it. Whoever shows it keeps it in no
 * place that outlives the dialog.
 */
export function SecretOnce({ secret, name, model = 'gpt-5', onCopied }: {
  secret: string;
  /** Of the key that it opens. */
  name: string;
  /** One that the key may call. */
  model?: string;
  onCopied?: () => void;
}) {
  return (
    <Stack gap="md">
      <Alert color="yellow" variant="light" icon={<IconEyeOff aria-hidden />} title="This secret is shown this once" styles={{ title: { color: 'inherit' } }}>
        <Text size="sm">tollgate keeps a digest of it only. Put it where {name} finds it; if it gets lost, rotate the key.</Text>
      </Alert>
      <Group gap="xs" wrap="nowrap" align="stretch">
        <Code block className="wrap-anywhere" fz="sm" flex={1} aria-label={`Secret of ${name}`} style={{ whiteSpace: 'normal', userSelect: 'all' }}>{secret}</Code>
        <Copy text={secret} label="Copy the secret" onCopied={onCopied} variant="filled" autoFocus>Copy</Copy>
      </Group>
      <Snippets secret={secret} model={model} />
    </Stack>
  );
}

function Snippets({ secret, model }: { secret: string; model: string }) {
  // An address that was typed is kept, since it is the same for every key; the secret is not.
  const likely = useGatewayBase();
  const [typed, setBase] = useLocalStorage({ key: 'tollgate-base-url', defaultValue: '', getInitialValueInEffect: false });
  const base = typed || likely;
  const all = snippets(base, secret, model);
  return (
    <Stack gap="xs">
      <TextInput
        label="Base URL of the gateway" description="Where applications reach tollgate, as the snippets say it"
        value={base} onChange={(e) => setBase(e.currentTarget.value)} spellCheck={false} autoComplete="off"
      />
      <Tabs defaultValue="curl">
        <Tabs.List aria-label="How to use the key">
          {all.map((s) => <Tabs.Tab key={s.id} value={s.id}>{s.name}</Tabs.Tab>)}
        </Tabs.List>
        {all.map((s) => (
          <Tabs.Panel key={s.id} value={s.id} pt="xs" pos="relative">
            <ScrollArea.Autosize mah={240} type="auto" viewportProps={{ tabIndex: 0 }}>
              <Code block fz="xs" pr={48}>{s.code}</Code>
            </ScrollArea.Autosize>
            <div style={{ position: 'absolute', right: 6, top: 16 }}>
              <Copy text={s.code} label={`Copy the ${s.name} snippet`} variant="subtle" />
            </div>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
