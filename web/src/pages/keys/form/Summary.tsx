import { List, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../../api/client';
import { useMay } from '../../../app/session';
import type { LabelSet } from '../../../format/labels';
import { limitName } from '../../../format/limits';
import { some } from '../../../format/numbers';
import { ability, type Able } from './ability';

/** Says what a key will be able to do, and which shared limits will hold for it. */
export function Summary({ of, labels }: { of: Able; labels: LabelSet }) {
  const shared = useShared(labels);
  return (
    <Paper bg="var(--mantine-color-default-hover)" p="sm" radius="md">
      <Stack gap={6}>
        <Text size="sm" aria-live="polite" className="wrap-anywhere">{ability(of)}</Text>
        {shared.length > 0 && (
          <div>
            <Text size="xs">{some(shared.length, 'shared limit')} will hold for it, too:</Text>
            <List size="xs" withPadding>
              {shared.map((l) => <List.Item key={l.id}>{limitName(l)} ({l.per === 'each' ? 'each key for itself' : 'all its keys together'})</List.Item>)}
            </List>
          </div>
        )}
      </Stack>
    </Paper>
  );
}

/** The shared limits that select a key with such labels. */
function useShared(labels: LabelSet): Schemas['SharedLimit'][] {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['limits'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/limits', { signal })),
    enabled: may('listLimits'),
    staleTime: 30_000,
  });
  return (data?.limits ?? []).filter((l) => selects(l.match, labels));
}

function selects(match: Record<string, string> | undefined, labels: LabelSet): boolean {
  return Object.entries(match ?? {}).every(([name, value]) => labels[name.replace(/^label\./, '')] === value);
}
