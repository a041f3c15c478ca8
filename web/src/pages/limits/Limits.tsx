import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '../../app/session';
import { Failed, PageHead, Rows } from '../../parts/states';
import { LimitCards } from './cards';
import { Detail } from './detail';
import { LimitDialog } from './dialog';
import { exampleOf } from './examples';
import { useLimits, type SharedLimit } from './queries';
import { Remove } from './remove';
import { LimitTable } from './table';
import { Teaching } from './teaching';

const route = getRouteApi('/limits');

/** What can be done with a shared limit. */
export interface Deed {
  name: 'edit' | 'delete';
  limit: SharedLimit;
}

/** Limits that stand on their own and select keys by their labels. */
export function Limits() {
  const may = useMay();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const found = useLimits();
  const [deed, setDeed] = useState<Deed>();
  const limits = found.data?.limits ?? [];
  const open = (more: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, new: undefined, ...more }) });
  const shown = limits.find((l) => l.id === search.id);
  const create = may('createLimit');
  return (
    <>
      <PageHead
        title="Shared limits"
        actions={create && limits.length > 0 && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => open({ new: 'limit' })}>Create a shared limit</Button>}
      >
        A shared limit selects keys by their labels and applies besides their own limits, to keys that are made later, too.
      </PageHead>
      {found.isError && <Failed why={found.error} again={() => found.refetch()} />}
      {found.isPending && <Rows rows={6} height={64} />}
      {found.data && (limits.length > 0
        ? <><LimitTable limits={limits} open={(id) => open({ id })} act={setDeed} /><LimitCards limits={limits} open={(id) => open({ id })} act={setDeed} /></>
        : <Teaching pick={create ? (example) => open({ new: example }) : undefined} />)}
      <Detail id={search.id} limit={shown} known={!found.isPending} act={setDeed} close={() => open({ id: undefined })} />
      {search.new && create && <LimitDialog start={exampleOf(search.new)} close={() => open({})} made={(id) => open({ id })} />}
      {deed?.name === 'edit' && <LimitDialog edits={deed.limit} close={() => setDeed(undefined)} />}
      {deed?.name === 'delete' && (
        <Remove
          limit={deed.limit} close={() => setDeed(undefined)}
          removed={() => open({ id: undefined })}
        />
      )}
    </>
  );
}
