import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { useMay } from '../../app/session';
import { PageHead } from '../../parts/states';
import { Appearance } from './appearance';
import { Configuration } from './configuration';
import { Retention } from './retention';
import { Server } from './server';
import { Tokens } from './tokens';

const route = getRouteApi('/settings');

const tabs: { id: string; name: string; needs?: string; shows: ComponentType }[] = [
  { id: 'server', name: 'Server', needs: 'getHealth', shows: Server },
  { id: 'tokens', name: 'Admin tokens', needs: 'listAdminTokens', shows: Tokens },
  { id: 'configuration', name: 'Configuration in force', needs: 'dumpConfiguration', shows: Configuration },
  { id: 'retention', name: 'Retention', needs: 'getHealth', shows: Retention },
  { id: 'appearance', name: 'Appearance', shows: Appearance },
];

/** How the server is, who may use this console, and what is kept how long. */
export function Settings() {
  const may = useMay();
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const shown = tabs.filter((t) => !t.needs || may(t.needs));
  const at = shown.find((t) => t.id === tab) ?? shown[0]!;
  return (
    <>
      <PageHead title="Settings" />
      <Tabs value={at.id} onChange={(id) => void navigate({ search: { tab: id ?? undefined } })} keepMounted={false}>
        <Tabs.List mb="lg" style={{ overflowX: 'auto', flexWrap: 'nowrap' }}>
          {shown.map((t) => <Tabs.Tab key={t.id} value={t.id} style={{ flex: 'none' }}>{t.name}</Tabs.Tab>)}
        </Tabs.List>
        {shown.map((t) => <Tabs.Panel key={t.id} value={t.id}><t.shows /></Tabs.Panel>)}
      </Tabs>
    </>
  );
}
