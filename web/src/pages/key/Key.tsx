import { Alert, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { IconFileCode, IconInfoCircle } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useMay } from '../../app/session';
import { Failed, Rows } from '../../parts/states';
import { KeyHead } from './head';
import { History } from './history';
import { Gone } from './gone';
import { Overview } from './overview';
import { gone, useKey, type Key } from './queries';
import { KeyRequests } from './requests';
import { Settings } from './settings';

const route = getRouteApi('/keys/$id');

/** Everything about one virtual key. */
export function KeyPage() {
  const { id } = route.useParams();
  const navigate = route.useNavigate();
  const found = useKey(id);
  const key = found.data;

  // The API takes a name as well; the address has the id, which stays when the name changes.
  const real = key && !found.isPlaceholderData && key.id !== id ? key.id : undefined;
  useEffect(() => {
    if (real) {
      void navigate({ params: { id: real }, search: (s) => s, replace: true });
    }
  }, [real, navigate]);

  if (gone(found.error)) {
    return <Gone id={id} />;
  }
  if (!key) {
    return found.isError ? <Failed why={found.error} again={() => found.refetch()} /> : <Pending />;
  }
  return (
    <Stack gap="md">
      <KeyHead of={key} />
      {found.isError && <Failed why={found.error} again={() => found.refetch()} />}
      <Notes of={key} />
      <Sections of={key} />
    </Stack>
  );
}

function Sections({ of: key }: { of: Key }) {
  const may = useMay();
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const tabs = [
    { value: 'overview', name: 'Overview', seen: true },
    { value: 'requests', name: 'Requests', seen: may('listRequests') || may('check') },
    { value: 'settings', name: 'Settings', seen: true },
    { value: 'history', name: 'History', seen: may('listEvents') },
  ].filter((t) => t.seen);
  return (
    <Tabs
      value={tabs.some((t) => t.value === tab) ? tab : 'overview'} keepMounted={false}
      onChange={(value) => void navigate({ search: (s) => ({ ...s, tab: value === 'overview' ? undefined : value ?? undefined }), replace: true })}
    >
      <Tabs.List mb="md">
        {tabs.map((t) => <Tabs.Tab key={t.value} value={t.value}>{t.name}</Tabs.Tab>)}
      </Tabs.List>
      <Tabs.Panel value="overview"><Overview of={key} /></Tabs.Panel>
      <Tabs.Panel value="requests"><KeyRequests of={key} /></Tabs.Panel>
      <Tabs.Panel value="settings"><Settings of={key} /></Tabs.Panel>
      <Tabs.Panel value="history"><History of={key} /></Tabs.Panel>
    </Tabs>
  );
}

/** What must be known before anything else about the key is read. */
function Notes({ of: key }: { of: Key }) {
  return (
    <>
      {key.origin === 'file' && (
        <Alert variant="default" icon={<IconFileCode aria-hidden />} title="Declared in a configuration file">
          <Text size="sm">
            {key.created_by && key.created_by !== 'configuration' ? <>It stands in <code className="wrap-anywhere">{key.created_by}</code> </> : 'It stands in the configuration '}
            and is changed there: edit the file, and tollgate takes it over as soon as it is saved. What the key has spent stays.
          </Text>
        </Alert>
      )}
      {key.status !== 'active' && (
        <Alert variant="default" icon={<IconInfoCircle color={key.status === 'revoked' ? 'var(--mantine-color-red-filled)' : undefined} aria-hidden />} title={standings[key.status].title}>
          <Text size="sm" className="wrap-anywhere">
            {key.reason && <>“{key.reason}” </>}
            {standings[key.status].next}
          </Text>
        </Alert>
      )}
    </>
  );
}

const standings: Record<Exclude<Key['status'], 'active'>, { title: string; next: string }> = {
  disabled: { title: 'This key is disabled', next: 'Every request with it is refused (key_disabled) until it is enabled again.' },
  revoked: { title: 'This key is revoked for ever', next: 'Every request with it is refused (key_revoked). Create another key for whoever still needs one.' },
  expired: { title: 'This key has expired', next: 'Every request with it is refused (key_expired). Edit the key to give it a later expiration, or none.' },
};

function Pending() {
  return (
    <Stack gap="lg">
      <Skeleton height={34} width={260} />
      <Skeleton height={20} width={420} maw="100%" />
      <Rows rows={4} height={120} />
    </Stack>
  );
}
