import { Button, Code, Group, Text } from '@mantine/core';
import { IconHistory, IconSearchOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { RequestTable } from '../../parts/requests';
import { Empty, Failed } from '../../parts/states';
import type { Asked, useRequestList } from './list';

interface Props {
  list: ReturnType<typeof useRequestList>['list'];
  requests: Schemas['Request'][];
  asked: Asked;
  selected: string | undefined;
  pick: (id: string) => void;
}

/** The list, what to do when nothing is in it, and the way further back. */
export function Listing({ list, requests, asked, selected, pick }: Props) {
  const filtered = Object.values(asked).some(Boolean);
  if (requests.length === 0 && !list.hasNextPage) {
    return filtered ? <NoMatch /> : <NothingYet />;
  }
  return (
    <div aria-busy={list.isPlaceholderData} style={{ opacity: list.isPlaceholderData ? 0.6 : 1 }}>
      {requests.length > 0 && <RequestTable requests={requests} selected={selected} onPick={pick} />}
      {list.isFetchNextPageError && <Failed why={list.error} again={() => void list.fetchNextPage()} />}
      <Group justify="center" py="md">
        {list.hasNextPage ? (
          <>
            {requests.length === 0 && <Text size="sm" c="dimmed">None among the newest that were looked through.</Text>}
            <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {requests.length === 0 || short(list) ? 'Search further back' : 'Show older ones'}
            </Button>
          </>
        ) : <Text size="sm" c="dimmed">These are all there are.</Text>}
      </Group>
    </div>
  );
}

/** Where much is searched for few, a page brings little or nothing and there is more all the same. */
function short(list: Props['list']): boolean {
  return (list.data?.pages.at(-1)?.requests?.length ?? 0) < 50;
}

function NoMatch() {
  return (
    <Empty
      icon={IconSearchOff} title="No request is like that"
      action={<Button component={Link} to="/requests" variant="default" size="xs" mt="xs">Without filters</Button>}
    >
      Records are kept for as long as the retention says; what is older stands in the sums of the usage page.
    </Empty>
  );
}

function NothingYet() {
  return (
    <Empty icon={IconHistory} title="Nobody has asked for anything yet" action={<Code block ta="left">{curl}</Code>}>
      Send a request with one of your keys. It stands here within a second, whatever becomes of it.
    </Empty>
  );
}

const curl = `curl http://${window.location.hostname}:4000/v1/chat/completions \\
  -H "Authorization: Bearer YOUR_KEY" -H "Content-Type: application/json" \\
  -d '{"model": "simulated", "messages": [{"role": "user", "content": "Hello"}]}'`;
