import { Button, Stack, Title } from '@mantine/core';
import { IconLock, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { live } from '../../app/queries';
import { useMay } from '../../app/session';
import { Empty, Failed, PageHead, Rows } from '../../parts/states';
import { AddCredential } from './add';
import { Deeds, type Deed } from './deeds';
import { Health } from './health';
import { MasterKeyMissing } from './masterkey';
import { CredentialTable } from './table';
import { Reference } from './reference';

const route = getRouteApi('/credentials');

/** Whom requests are sent to, how that goes, and what tollgate itself presents there. */
export function Credentials() {
  const may = useMay();
  const navigate = route.useNavigate();
  const { new: adding } = route.useSearch();
  const [deed, setDeed] = useState<Deed>();
  const health = useQuery({ queryKey: ['health'], queryFn: ({ signal }) => ask(api.GET('/api/v1/health', { signal })) });
  const list = useQuery({ queryKey: ['credentials'], queryFn: ({ signal }) => ask(api.GET('/api/v1/credentials', { signal })), refetchInterval: live });
  const open = (on: boolean) => void navigate({ search: { new: on ? 'credential' : undefined } });
  const sealed = health.data?.master_key !== false;
  const credentials = list.data?.credentials ?? [];
  const of = deed && { ...deed, credential: credentials.find((c) => c.id === deed.credential.id) ?? deed.credential };
  const add = may('createCredential') && sealed && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => open(true)}>Add a credential</Button>
  );
  return (
    <>
      <PageHead title="Providers and credentials" actions={credentials.length > 0 && add}>
        How each provider answers, and the keys of your accounts there, sealed at rest. Their values go in and never come out.
      </PageHead>
      <Stack gap="lg">
        <Health credentials={credentials} />
        <Title order={2} size="h3" mb={-8}>Credentials</Title>
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
      <Deeds deed={of} close={() => setDeed(undefined)} />
    </>
  );
}
