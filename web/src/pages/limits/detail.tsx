import { Alert, Button, Drawer, Group, Stack, Text, Title } from '@mantine/core';
import { IconFileCode, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMay } from '../../app/session';
import { labelsText } from '../../format/labels';
import { some } from '../../format/numbers';
import { When } from '../../parts/figures';
import { Labels } from '../../parts/labels';
import { TextLink } from '../../parts/links';
import { Empty } from '../../parts/states';
import { LimitCard } from './card';
import { Drawers, Drawing } from './drawers';
import type { Deed } from './Limits';
import type { SharedLimit } from './queries';
import { labelsIn, sentence } from './sentence';

interface Props {
  /** What the address asks for; nothing is shown without it. */
  id: string | undefined;
  limit: SharedLimit | undefined;
  /** Whether all limits are known, so that one that is not among them does not exist. */
  known: boolean;
  act: (deed: Deed) => void;
  close: () => void;
}

/** A shared limit beside the list: what it does, how it stands, and the keys that draw from it. */
export function Detail({ id, limit, known, act, close }: Props) {
  return (
    <Drawer
      opened={id !== undefined} onClose={close} position="right" size="lg"
      title={<Text fw={600} size="lg" className="wrap-anywhere">{limit?.name ?? id}</Text>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {limit ? <Body limit={limit} act={act} /> : known && (
        <Empty title="There is no such shared limit" action={<Button variant="default" size="xs" onClick={close}>All shared limits</Button>}>
          It may have been deleted. The audit trail has it under its id, {id}.
        </Empty>
      )}
    </Drawer>
  );
}

function Body({ limit, act }: { limit: SharedLimit; act: (deed: Deed) => void }) {
  const may = useMay();
  const labels = labelsIn(limit.match);
  const own = limit.origin === 'managed';
  return (
    <Stack gap="lg">
      <Text size="sm">{sentence(limit, limit.keys)}</Text>
      {!own && (
        <Alert color="gray" variant="light" icon={<IconFileCode aria-hidden />}>
          <Text size="sm" c="var(--mantine-color-text)">It is declared in a configuration file and is changed there.</Text>
        </Alert>
      )}
      {limit.per === 'pool' && <LimitCard limit={limit} />}
      <section>
        <Group justify="space-between" mb="xs">
          <Title order={3}>Keys</Title>
          <TextLink to="/keys" search={{ labels: labelsText(labels) }} size="sm">{limit.keys === 1 ? 'The key' : `All ${some(limit.keys, 'key')}`}</TextLink>
        </Group>
        {Object.keys(labels).length > 0 && <Group gap="xs" mb="sm"><Text size="sm" c="dimmed">with</Text><Labels labels={labels} most={10} /></Group>}
        {limit.per === 'pool' ? <Drawing from={limit} /> : <Drawers of={limit} />}
      </section>
      <Text size="xs" c="dimmed" className="wrap-anywhere">
        {limit.id}, created <When at={limit.created_at} /> by {limit.created_by || 'a configuration file'}, changed <When at={limit.updated_at} />
        {may('listEvents') && <>. <TextLink to="/audit" search={{ target: limit.id }} size="xs" underline="always">Its history</TextLink></>}
      </Text>
      {own && (
        <Group gap="xs">
          {may('editLimit') && <Button variant="default" size="xs" leftSection={<IconPencil size={14} aria-hidden />} onClick={() => act({ name: 'edit', limit })}>Edit</Button>}
          {may('deleteLimit') && <Button variant="light" color="red" size="xs" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => act({ name: 'delete', limit })}>Delete</Button>}
        </Group>
      )}
    </Stack>
  );
}
