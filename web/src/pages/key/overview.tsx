import { SimpleGrid, Stack, Text } from '@mantine/core';
import { IconGauge } from '@tabler/icons-react';
import { useMay } from '../../app/session';
import { TextLink } from '../../parts/links';
import { Empty } from '../../parts/states';
import { LimitCard } from '../limits/card';
import type { Key } from './queries';
import { Latest } from './requests';
import { Section } from './section';
import { Usage } from './usage';

/** What a key may still do, what it has done, and what it did last. */
export function Overview({ of: key }: { of: Key }) {
  const may = useMay();
  return (
    <Stack gap="xl">
      <Section title="Limits"><Limits of={key} /></Section>
      <Usage of={key} />
      {may('listRequests') && (
        <Section title="Latest requests" aside={<TextLink to="/requests" search={{ key: key.id }} size="sm">All its requests</TextLink>}>
          <Latest of={key} />
        </Section>
      )}
    </Stack>
  );
}

function Limits({ of: key }: { of: Key }) {
  const limits = [...(key.limits ?? []), ...(key.shared_limits ?? [])];
  if (limits.length === 0) {
    return (
      <Empty icon={IconGauge} title="Nothing limits this key">
        It may spend without end. Edit the key to give it a cost limit, or make a <TextLink to="/limits" inherit underline="always">shared limit</TextLink> that selects it by its labels.
      </Empty>
    );
  }
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }} spacing="md">
        {limits.map((limit) => <LimitCard key={limit.id} limit={limit} owner={key} />)}
      </SimpleGrid>
      {!key.limits?.length && (
        <Text size="sm" c="dimmed" mt="sm">The key has no limit of its own; what is shared is all that holds it.</Text>
      )}
    </>
  );
}
