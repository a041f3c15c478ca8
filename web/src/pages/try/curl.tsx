import { Code, Group, Paper, Text, Title } from '@mantine/core';
import { Copy } from '../../parts/copy';
import { useGatewayBase } from '../../parts/gateway';
import { curlOf, type Prompt } from './request';

/** The same request from a shell. */
export function Curl({ prompt }: { prompt: Prompt }) {
  const text = curlOf(useGatewayBase(), prompt);
  return (
    <Paper withBorder p="md" component="section" aria-label="As a command">
      <Group justify="space-between" mb={4}>
        <Title order={2}>As a command</Title>
        <Copy text={text} label="Copy the command">Copy</Copy>
      </Group>
      <Text size="xs" c="dimmed" mb="sm">TOLLGATE_KEY is the secret of the key, which tollgate does not know.</Text>
      <Code block style={{ whiteSpace: 'pre-wrap' }} className="wrap-anywhere">{text}</Code>
    </Paper>
  );
}
