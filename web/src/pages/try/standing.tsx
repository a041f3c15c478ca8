import { Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import { live } from '../../app/queries';
import { LimitBar } from '../../parts/limits';
import { TextLink } from '../../parts/links';
import { Failed } from '../../parts/states';
import { KeyStatus } from '../../parts/status';

/** The limits of the key, which move while the answer arrives. */
export function Standing({ id, running }: { id: string; running: boolean }) {
  const key = useQuery({
    queryKey: ['key', id],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys/{id}', { params: { path: { id } }, signal })),
    refetchInterval: running ? 500 : live,
  });
  if (key.isError && !key.data) {
    return <Failed why={key.error} again={() => void key.refetch()} />;
  }
  const limits = [...(key.data?.limits ?? []), ...(key.data?.shared_limits ?? [])];
  return (
    <Paper withBorder p="md" component="section" aria-label="Limits of the key">
      <Group justify="space-between" mb="sm">
        <Title order={2}>Limits</Title>
        {key.data && (
          <Group gap="xs">
            <KeyStatus status={key.data.status} />
            <TextLink to="/keys/$id" params={{ id: key.data.id }} size="sm">{key.data.name}</TextLink>
          </Group>
        )}
      </Group>
      {key.isPending && <Skeleton height={64} />}
      <Stack gap="sm">
        {limits.map((l, i) => <LimitBar key={l.id ?? i} limit={l} />)}
        {key.data && limits.length === 0 && <Text size="sm" c="dimmed">No limit holds for this key.</Text>}
      </Stack>
    </Paper>
  );
}
