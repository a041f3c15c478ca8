import { Card, Stack, Text, Title } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { configName, scalar } from './providers';
import { Lines } from './masterkey';

/** How a configuration refers to a credential. */
export function Reference({ credential: c }: { credential: Schemas['Credential'] }) {
  const yaml = `llm:\n  models:\n  - {name: "*", provider: ${configName(c.provider)}, params: {apiKey: {credential: ${scalar(c.name)}}}}`;
  return (
    <Card withBorder>
      <Stack gap="xs">
        <Title order={2} size="h3">Use one</Title>
        <Text size="sm" c="dimmed">A configuration refers to a credential by its name. A rotated one is sent from the next request on.</Text>
        <Lines text={yaml} label="Copy the configuration" />
      </Stack>
    </Card>
  );
}
