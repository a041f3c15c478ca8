import { Button, Stack } from '@mantine/core';
import { IconLock, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { Empty, Failed, PageHead, Rows } from '../../parts/states';
import { AddCredential } from './add';
import { Deeds, type Deed } from './deeds';
import { MasterKeyMissing } from './masterkey';
import { CredentialTable } from './table';
import { Reference } from './reference';

const route = getRouteApi('/credentials');

/** What tollgate itself presents to providers. Values go in and never come out. */
export function Credentials() {
  const may = useMay();
  const navigate = route.useNavigate();
  const { new: adding } = route.useSearch();
  const [deed, setDeed] = useState<Deed>();
  const health = useQuery({ queryKey: ['health'], queryFn: ({ signal }) => ask(api.GET('/api/v1/health', { signal })) });
  const list = useQuery({ queryKey: ['credentials'], queryFn: ({ signal }) => ask(api.GET('/api/v1/credentials', { signal })) });
  const open = (on: boolean) => void navigate({ search: { new: on ? 'credential' : undefined } });
  const sealed = health.data?.master_key !== false;
  const credentials = list.data?.credentials ?? [];
  const add = may('createCredential') && sealed && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => open(true)}>Add a credential</Button>
  );
  return (
    <>
      <PageHead title="Credentials" actions={credentials.length > 0 && add}>
        The keys of your accounts at providers, sealed at rest. Their values go in and never come out.
      </PageHead>
      <Stack gap="lg">
        {!sealed && <MasterKeyMissing />}
        {list.isError ? <Failed why={list.error} again={() => void list.refetch()} /> : list.isPending ? <Rows rows={4} /> : credentials.length === 0 ? (
          sealed && (
            <Empty icon={IconLock} title="No credential is stored" action={add}>
              A configuration can also take them from the environment ($OPENAI_API_KEY) and from files. One that is stored here can be tested, and rotated without a restart.
            </Empty>
          )
        ) : <CredentialTable credentials={credentials} open={setDeed} sealed={sealed} />}
        {credentials.length > 0 && <Reference credential={credentials[0]!} />}
      </Stack>
      {may('createCredential') && <AddCredential opened={Boolean(adding) && sealed} close={() => open(false)} />}
      <Deeds deed={deed} close={() => setDeed(undefined)} />
    </>
  );
}
