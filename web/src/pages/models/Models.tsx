import { Tabs } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMay } from '../../app/session';
import { PageHead } from '../../parts/states';
import { Callable } from './callable';
import { Overrides } from './overrides';
import { Prices } from './prices';

const tabs = ['models', 'prices', 'overrides'] as const;

/** What can be called, what it costs, and who says so. */
export function Models() {
  const search = useSearch({ from: '/models' });
  const navigate = useNavigate({ from: '/models' });
  const may = useMay();
  const tab = tabs.find((t) => t === search.tab) ?? 'models';
  return (
    <>
      <PageHead title="Models and prices">Prices are dollars for a million tokens. A model without a price is never taken for free.</PageHead>
      <Tabs value={tab} onChange={(next) => void navigate({ search: { tab: next ?? undefined } })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="models">What can be called</Tabs.Tab>
          {may('listPrices') && <Tabs.Tab value="prices">Prices</Tabs.Tab>}
          {may('getPriceOverrides') && <Tabs.Tab value="overrides">Overrides</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="models"><Callable q={search.q} /></Tabs.Panel>
        <Tabs.Panel value="prices"><Prices q={search.q} /></Tabs.Panel>
        <Tabs.Panel value="overrides"><Overrides provider={search.provider} model={search.model} /></Tabs.Panel>
      </Tabs>
    </>
  );
}
