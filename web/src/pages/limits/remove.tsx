import { List, Stack, Text } from '@mantine/core';
import { api, ask } from '../../api/client';
import { some } from '../../format/numbers';
import { Confirm } from '../../parts/confirm';
import { useLimitsChanged, type SharedLimit } from './queries';
import { sentence } from './sentence';

/** Takes a shared limit away, and says before what follows. */
export function Remove({ limit, close, removed }: { limit: SharedLimit; close: () => void; removed: () => void }) {
  const changed = useLimitsChanged();
  return (
    <Confirm
      opened onClose={close} danger reason title={`Delete the shared limit ${limit.name ?? limit.id}`} action="Delete"
      onConfirm={async (reason) => {
        await ask(api.DELETE('/api/v1/limits/{id}', {
          params: { path: { id: limit.id ?? '' }, query: { reason }, header: { 'If-Match': limit.etag } },
        }));
        changed();
        removed();
      }}
    >
      <Stack gap="xs">
        <Text size="sm">{sentence(limit)} That ends with the next request.</Text>
        <List size="sm">
          <List.Item>{limit.keys > 0 ? `${some(limit.keys, 'key')} ${limit.keys === 1 ? 'is' : 'are'} no longer held by it; their own limits and other shared ones stay.` : 'It selects no key now.'}</List.Item>
          <List.Item>What it has counted is forgotten: another limit of the same name begins at nothing.</List.Item>
          <List.Item>What was spent stays in the ledger, the usage and the requests.</List.Item>
        </List>
      </Stack>
    </Confirm>
  );
}
