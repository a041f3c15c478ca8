import { Group } from '@mantine/core';
import { IconKeyOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { absolute } from '../../format/time';
import { ButtonLink } from '../../parts/links';
import { Empty } from '../../parts/states';

/** No such key: one that was deleted left its history behind, and this says where. */
export function Gone({ id }: { id: string }) {
  const may = useMay();
  const deletion = useQuery({
    queryKey: ['audit', 'deletion', id],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/audit', { params: { query: { target: id, action: 'key.delete', outcome: 'done', limit: 1 } }, signal })),
    enabled: may('listEvents'),
  });
  const event = deletion.data?.events?.[0];
  return (
    <Empty
      icon={IconKeyOff}
      title={event ? `${event.target.name ?? id} was deleted` : 'There is no such key'}
      action={
        <Group gap="xs" justify="center" mt="xs">
          {event && <ButtonLink to="/requests" search={{ key: id }} variant="default" size="xs">Its requests</ButtonLink>}
          {event && <ButtonLink to="/usage" search={{ key: id }} variant="default" size="xs">Its usage</ButtonLink>}
          {event && <ButtonLink to="/audit" search={{ target: id }} variant="default" size="xs">Its history</ButtonLink>}
          <ButtonLink to="/keys" size="xs">All keys</ButtonLink>
        </Group>
      }
    >
      {event
        ? `By ${event.actor.name}, ${absolute(event.at)}${event.reason ? `: “${event.reason}”` : ''}. Its requests, usage and ledger rows stay readable under its id, ${id}, which no other key is ever given.`
        : `No key has the id or name ${id}. Search for it among all keys; one that was deleted is found in the audit trail by its id.`}
    </Empty>
  );
}
