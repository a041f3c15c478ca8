import { Code, Group, Loader, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconCheck, IconKey } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useMay } from '../../app/session';
import { snippets } from '../../format/snippets';
import { Copy } from '../../parts/copy';
import { useGatewayBase } from '../../parts/gateway';
import { ButtonLink, TextLink } from '../../parts/links';

/** What a fresh tollgate needs before there is anything to see. The page goes on by itself. */
export function Start({ keys }: { keys: number }) {
  const may = useMay();
  const curl = snippets(useGatewayBase(), 'YOUR_KEY', 'simulated')[0]!.code;
  return (
    <Paper withBorder p="lg" component="section" aria-label="First steps" maw={860}>
      <Title order={2} mb={4}>Three steps to the first figures</Title>
      <Text size="sm" c="dimmed" mb="lg">Nothing was asked through this tollgate yet.</Text>
      <Stack gap="xl">
        <Step n={1} done={keys > 0} title={keys > 0 ? 'There is a key' : 'Create a key'}>
          {may('createKey') ? (
            <Stack gap="xs" align="flex-start">
              <Text size="sm">A key is what an application calls the gateway with. Its limits say how much it may spend. Its secret is shown once.</Text>
              <ButtonLink to="/keys" search={{ new: 'key' }} size="sm" variant={keys > 0 ? 'default' : 'filled'} leftSection={<IconKey size={16} aria-hidden />}>
                {keys > 0 ? 'Create another key' : 'Create a key'}
              </ButtonLink>
            </Stack>
          ) : <Text size="sm">Your role may not create keys: ask an administrator.</Text>}
        </Step>
        <Step n={2} title="Send a request">
          <Text size="sm" mb="xs">
            In place of YOUR_KEY stands the secret. The model <Code>simulated</Code> of the built-in configuration costs nobody anything.
            {may('tryKey') && <> Or send a prompt from <TextLink to="/try" inherit>Try it</TextLink>.</>}
          </Text>
          <Code block>{curl}</Code>
          <Group mt="xs"><Copy text={curl} label="Copy the command">Copy</Copy></Group>
        </Step>
        <Step n={3} title="Watch">
          <Group gap="xs"><Loader size="xs" type="dots" aria-hidden /><Text size="sm" role="status">Waiting for the first request. What it costs shows here by itself.</Text></Group>
        </Step>
      </Stack>
    </Paper>
  );
}

function Step({ n, done = false, title, children }: { n: number; done?: boolean; title: string; children: ReactNode }) {
  return (
    <Group wrap="nowrap" align="flex-start" gap="md">
      <ThemeIcon radius="xl" size={28} variant={done ? 'filled' : 'default'} fz="sm">{done ? <IconCheck size={16} aria-label="done" /> : n}</ThemeIcon>
      <div style={{ flex: 1, minWidth: 0 }}>
        <Title order={3} mb={4} lh="28px">{title}</Title>
        {children}
      </div>
    </Group>
  );
}
