import { Button, Group, Modal, Paper, Stack, Table, Text } from '@mantine/core';
import { IconCoin, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { Empty, Failed, Rows } from '../../parts/states';
import { entries, withoutModel, type Doc, type Entry } from './document';
import { PriceForm } from './priceform';
import { Raw } from './raw';
import { Review } from './review';
import { words } from './rates';

/** The operator's own prices, which go before all lists. */
export function Overrides({ provider, model }: { provider?: string; model?: string }) {
  const overrides = useQuery({
    queryKey: ['prices', 'overrides'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/prices/overrides', { signal })),
  });
  if (overrides.isError) {
    return <Failed why={overrides.error} again={() => void overrides.refetch()} />;
  }
  if (overrides.isPending) {
    return <Rows rows={4} />;
  }
  return <List doc={overrides.data.list as Doc} etag={overrides.data.etag ?? ''} provider={provider} model={model} />;
}

/** A change that is being looked at before it is made. */
interface Draft {
  doc: Doc;
  etag: string;
}

function List({ doc, etag, provider, model }: { doc: Doc; etag: string; provider?: string; model?: string }) {
  const may = useMay()('setPriceOverrides');
  const navigate = useNavigate({ from: '/models' });
  const [raw, setRaw] = useState(false);
  const [draft, setDraft] = useState<Draft>();
  const list = entries(doc);
  // Whose price is being set stands in the address, so that other pages can lead here.
  const edit = (of: { provider?: string; model?: string } | undefined) =>
    void navigate({ search: { tab: 'overrides', provider: of?.provider ?? undefined, model: of ? of.model ?? 'new' : undefined }, replace: true, resetScroll: false });
  const chosen = list.find((e) => e.model === model && (!provider || e.provider === provider));
  const review = (next: Doc) => setDraft({ doc: next, etag });
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start">
        <Text size="sm" c="dimmed" maw={640}>
          These prices go before all lists, rate by rate: what is left out stays as the lists have it. They hold for requests that are admitted from then on; what was charged is never repriced.
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={() => setRaw(true)}>{may ? 'Edit as JSON' : 'Show as JSON'}</Button>
          {may && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => edit({})}>Set a price</Button>}
        </Group>
      </Group>
      <Paper withBorder>
        {list.length === 0 ? (
          <Empty icon={IconCoin} title="No prices of your own">Set one where a contract differs from the list price, or where no list knows the model.</Empty>
        ) : <Entries list={list} may={may} edit={edit} remove={(e) => review(withoutModel(doc, e.provider, e.model))} />}
      </Paper>
      {/* In a stack Escape closes the dialog in front alone: what was written behind the review stays, to be gone over. */}
      <Modal.Stack>
        <Modal opened={may && model !== undefined} onClose={() => edit(undefined)} stackId="price" title={chosen ? `Price of ${chosen.model}` : 'Set a price'} size="lg">
          <PriceForm key={`${provider} ${model}`} doc={doc} entry={chosen} provider={provider} model={model === 'new' ? undefined : model} onDone={review} />
        </Modal>
        <Modal opened={raw} onClose={() => setRaw(false)} stackId="raw" title="Your own price list" size="xl">
          <Raw doc={doc} may={may} onDone={review} />
        </Modal>
        <Modal opened={draft !== undefined} onClose={() => setDraft(undefined)} stackId="review" title="What changes" size="lg">
          {draft && (
            <Review before={doc} after={draft.doc} etag={draft.etag}
              onSaved={() => {
                setDraft(undefined);
                setRaw(false);
                edit(undefined);
              }} />
          )}
        </Modal>
      </Modal.Stack>
    </Stack>
  );
}

function Entries({ list, may, edit, remove }: { list: Entry[]; may: boolean; edit: (of: Entry) => void; remove: (of: Entry) => void }) {
  const price = (e: Entry, kind: string) => <Table.Td className="number">{e.free ? 'free' : e.rates[kind] !== undefined ? `$${e.rates[kind]}` : '–'}</Table.Td>;
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Provider</Table.Th><Table.Th>Model</Table.Th>
            <Table.Th className="number">Input</Table.Th><Table.Th className="number">Output</Table.Th><Table.Th className="number">Cache read</Table.Th>
            <Table.Th>Besides</Table.Th>{may && <Table.Th aria-label="Deeds" />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {list.map((e) => (
            <Table.Tr key={`${e.provider}/${e.model}`}>
              <Table.Td>{e.provider}</Table.Td>
              <Table.Td fw={500} className="wrap-anywhere">{e.model}</Table.Td>
              {price(e, 'input')}{price(e, 'output')}{price(e, 'cacheRead')}
              <Table.Td>
                <Text size="xs" c="dimmed">
                  {[...Object.entries(e.rates).filter(([kind]) => !['input', 'output', 'cacheRead'].includes(kind)).map(([kind, p]) => `${words(kind)} $${p}`), ...e.others].join(', ')}
                </Text>
              </Table.Td>
              {may && (
                <Table.Td>
                  <Group gap={4} justify="flex-end" wrap="nowrap">
                    <Button size="compact-sm" variant="default" aria-label={`Edit the price of ${e.model}`} onClick={() => edit(e)}>Edit</Button>
                    <Button size="compact-sm" variant="subtle" color="red" aria-label={`Remove the price of ${e.model}`} onClick={() => remove(e)}>Remove</Button>
                  </Group>
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
