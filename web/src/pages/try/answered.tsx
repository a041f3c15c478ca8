import { Alert, Code, Group, Loader, Paper, ScrollArea, Tabs, Text, Title } from '@mantine/core';
import { IconBan } from '@tabler/icons-react';
import { codeWords } from '../../format/outcome';
import { seconds } from '../../format/numbers';
import { Failed } from '../../parts/states';
import { pretty } from './answer';
import type { Exchange } from './exchange';

/** The answer as it arrives. */
export function Answer({ exchange: x }: { exchange: Exchange }) {
  if (x.failed !== undefined) {
    return <Failed why={x.failed} />;
  }
  return (
    <Paper withBorder p="md" component="section" aria-label="Answer">
      <Group justify="space-between" mb="sm">
        <Title order={2}>Answer</Title>
        <Times exchange={x} />
      </Group>
      {x.wrong && (
        <Alert color="orange" variant="light" icon={<IconBan aria-hidden />} title={x.wrong.code ? codeWords(x.wrong.code) : 'That did not work'} mb="sm" role="alert">
          <Text size="sm" className="wrap-anywhere" c="var(--mantine-color-text)">{x.wrong.message}</Text>
        </Alert>
      )}
      <Tabs defaultValue="text" variant="outline">
        <Tabs.List>
          <Tabs.Tab value="text">Text</Tabs.Tab>
          <Tabs.Tab value="raw">As it came</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="text" pt="sm">
          <Text component="div" size="sm" mih={120} style={{ whiteSpace: 'pre-wrap' }} className="wrap-anywhere" aria-live="polite" aria-busy={x.phase === 'answering'}>
            {x.text || <Text span inherit c="dimmed">{nothing(x)}</Text>}
          </Text>
        </Tabs.Panel>
        <Tabs.Panel value="raw" pt="sm">
          <ScrollArea.Autosize mah={420} viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Body as it came' }}>
            <Code block style={{ whiteSpace: 'pre-wrap' }} className="wrap-anywhere">{x.raw ? pretty(x.raw) : 'Nothing came yet.'}</Code>
          </ScrollArea.Autosize>
        </Tabs.Panel>
      </Tabs>
    </Paper>
  );
}

function nothing(x: Exchange): string {
  switch (x.phase) {
    case 'sent':
    case 'answering':
      return 'Waiting for the first words …';
    case 'cancelled':
      return 'Cancelled before there was text. The provider is stopped at once; what it had done until then is charged.';
    default:
      return x.wrong ? 'There is no text: see above.' : 'The answer has no text. What came is under "As it came".';
  }
}

/** Status, time to the first piece and to the end; the places are kept while they are not known. */
function Times({ exchange: x }: { exchange: Exchange }) {
  const running = x.phase === 'sent' || x.phase === 'answering';
  const facts: [string, string][] = [
    ['status', x.status === undefined ? '–' : String(x.status)],
    ['first byte', x.first === undefined ? '–' : seconds(x.first / 1000)],
    ['total', x.phase === 'cancelled' ? 'cancelled' : x.total === undefined ? '–' : seconds(x.total / 1000)],
  ];
  return (
    <Group gap="md">
      {running && <Loader size="xs" type="dots" aria-label="Answering" />}
      {facts.map(([name, value]) => (
        <Text size="sm" key={name}>
          <Text span inherit c="dimmed">{name}</Text> <Text span inherit fw={600}>{value}</Text>
        </Text>
      ))}
    </Group>
  );
}
