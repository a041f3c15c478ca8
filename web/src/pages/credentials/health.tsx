import { Paper, Stack, Table, Text, Title } from '@mantine/core';
import { IconPlugOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { live } from '../../app/queries';
import { Empty, Failed, Rows } from '../../parts/states';
import { ProviderRows } from './provider';

interface Props {
  /** The stored ones, whose test results stand beside their providers. */
  credentials: Schemas['Credential'][];
}

/** Every provider with its targets and what the gateway saw of them, as it happens. */
export function Health({ credentials }: Props) {
  const list = useQuery({ queryKey: ['providers'], queryFn: ({ signal }) => ask(api.GET('/api/v1/providers', { signal })), refetchInterval: live });
  return (
    <Stack gap="xs" component="section" aria-labelledby="providers-health">
      <div>
        <Title order={2} size="h3" id="providers-health">Providers</Title>
        <Text size="sm" c="dimmed">What the requests of callers met with: tries, and those that failed, of the last five minutes. Nothing is sent to a provider to find out.</Text>
      </div>
      {list.isError ? <Failed why={list.error} again={() => void list.refetch()} /> : list.isPending ? <Rows rows={4} /> : list.data.providers.length === 0 ? (
        <Empty icon={IconPlugOff} title="The configuration has no providers">Name some under llm.models, or in the backends of a route; the configuration file is watched.</Empty>
      ) : (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={760} type="native" tabIndex={0} role="region" aria-label="Targets">
            <Table verticalSpacing="xs" aria-label="Providers and their targets">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Target</Table.Th><Table.Th w={170}>State</Table.Th><Table.Th className="number">First byte</Table.Th>
                  <Table.Th className="number">Tries</Table.Th><Table.Th className="number">Failed</Table.Th><Table.Th w="34%">Last error</Table.Th>
                </Table.Tr>
              </Table.Thead>
              {list.data.providers.map((p) => (
                <ProviderRows key={p.name} provider={p} credentials={credentials.filter((c) => p.credentials.includes(c.name))} />
              ))}
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
    </Stack>
  );
}
