import { Autocomplete, Button, Group, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api, ask, ApiError } from '../../api/client';
import { checkTyped } from '../../parts/form';
import { kinds, withModel, wrongPrice, type Doc, type Entry } from './document';
import { rateOf, sourcesOf } from './rates';

interface Props {
  doc: Doc;
  /** What the list has for the model already. */
  entry: Entry | undefined;
  provider?: string;
  model?: string;
  onDone: (doc: Doc) => void;
}

/** The price of one model, as dollars for a million tokens. */
export function PriceForm({ doc, entry, provider, model, onDone }: Props) {
  const models = useQuery({ queryKey: ['models'], queryFn: ({ signal }) => ask(api.GET('/api/v1/models', { signal })) }).data?.models ?? [];
  const form = useForm({
    initialValues: {
      provider: entry?.provider ?? provider ?? '', model: entry?.model ?? model ?? '', free: entry?.free ?? false,
      ...Object.fromEntries(kinds.map(({ kind }) => [kind, entry?.rates[kind] ?? ''])),
    } as { provider: string; model: string; free: boolean } & Record<(typeof kinds)[number]['kind'], string>,
    validate: {
      provider: (v) => (v.trim() ? null : 'Name the provider as the configuration does'),
      model: (v) => (v.trim() ? null : 'Name the model as the provider does'),
      ...Object.fromEntries(kinds.map(({ kind }) => [kind, (v: string, all: { free: boolean }) => (all.free ? null : wrongPrice(v) ?? null)])),
    },
    enhanceGetInputProps: checkTyped,
  });
  const v = form.values;
  const none = !v.free && kinds.every(({ kind }) => v[kind].trim() === '');
  const submit = form.onSubmit((values) => {
    // Kinds without a field keep their price.
    const rates = Object.fromEntries(Object.entries(entry?.rates ?? {}).filter(([kind]) => !kinds.some((k) => k.kind === kind)));
    for (const { kind } of kinds) {
      if (values[kind].trim()) {
        rates[kind] = values[kind].trim();
      }
    }
    onDone(withModel(doc, { provider: values.provider.trim(), model: values.model.trim(), free: values.free, rates }));
  });
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <Autocomplete label="Provider" description="custom for your own servers" data={[...new Set(models.flatMap((m) => m.providers ?? []))]}
            disabled={entry !== undefined} {...form.getInputProps('provider')} data-autofocus={!v.provider || undefined} />
          <Autocomplete label="Model" description="As the provider knows it"
            data={[...new Set(models.filter((m) => !v.provider || m.providers?.includes(v.provider)).flatMap((m) => m.upstream ?? [m.name]))]}
            disabled={entry !== undefined} {...form.getInputProps('model')} />
        </SimpleGrid>
        <Now provider={v.provider} model={v.model} />
        <SegmentedControl aria-label="Has a price or is free" data={[{ value: 'price', label: 'Has a price' }, { value: 'free', label: 'Is free' }]}
          value={v.free ? 'free' : 'price'} onChange={(is) => form.setFieldValue('free', is === 'free')} />
        {!v.free && <Text size="sm" c="dimmed">Dollars for a million tokens. What is left empty stays as the lists have it.</Text>}
        {v.free ? <Text size="sm">Keys with a limit on cost may use it, and it counts nothing.</Text> : (
          <SimpleGrid cols={{ base: 1, xs: 2 }} role="group" aria-label="Dollars for a million tokens">
            {kinds.map(({ kind, label }) => (
              <TextInput key={kind} label={label} leftSection="$" inputMode="decimal" placeholder="from the lists"
                {...form.getInputProps(kind)} />
            ))}
          </SimpleGrid>
        )}
        {entry && entry.others.length > 0 && <Text size="xs" c="dimmed">Kept as it stands: {entry.others.join(', ')}. Edit these as JSON.</Text>}
        <Group justify="flex-end"><Button type="submit" disabled={none}>Review the change</Button></Group>
      </Stack>
    </form>
  );
}

/** What the model costs at this moment, and who says so. */
function Now({ provider, model }: { provider: string; model: string }) {
  const [name] = useDebouncedValue(provider.trim() && model.trim() ? `${provider.trim()}/${model.trim()}` : '', 300);
  const price = useQuery({
    queryKey: ['prices', 'of', name],
    queryFn: async ({ signal }) => {
      try {
        const { prices } = await ask(api.GET('/api/v1/prices', { params: { query: { model: name } }, signal }));
        return prices?.[0] ?? null;
      } catch (why) {
        if (why instanceof ApiError && why.status === 404) {
          return null;
        }
        throw why;
      }
    },
    enabled: name !== '',
  });
  if (name === '' || price.data === undefined) {
    return <Text size="sm" c="dimmed">{name === '' ? 'Name both, and the price that holds now is shown here.' : 'Looking for the price that holds now …'}</Text>;
  }
  const tier = price.data?.tiers?.[0];
  if (!tier) {
    return <Text size="sm">{price.data?.state === 'free' ? 'It is free now.' : 'No list knows a price of it now.'}</Text>;
  }
  const shown = kinds.filter(({ kind }) => rateOf(tier, kind)).map(({ kind, label }) => `${label.toLowerCase()} $${rateOf(tier, kind)!.price_usd}`);
  return <Text size="sm">Now: {shown.join(', ')}, says {sourcesOf(tier).map((o) => o.source).join(' and ')}.</Text>;
}
