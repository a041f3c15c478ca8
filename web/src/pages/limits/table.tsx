import { ActionIcon, Anchor, Badge, Menu, Table, Text, Tooltip } from '@mantine/core';
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMay } from '../../app/session';
import { until } from '../../format/countdown';
import { labelsText } from '../../format/labels';
import { figureOf, limitName } from '../../format/limits';
import { count } from '../../format/numbers';
import { useTick } from '../../parts/figures';
import { Labels } from '../../parts/labels';
import { LimitBar } from '../../parts/limits';
import { TextLink } from '../../parts/links';
import type { Deed } from './Limits';
import type { SharedLimit } from './queries';
import { labelsIn } from './sentence';

export interface Props {
  limits: SharedLimit[];
  open: (id: string) => void;
  act: (deed: Deed) => void;
}

/** All shared limits, one a line. */
export function LimitTable({ limits, open, act }: Props) {
  return (
    <Table.ScrollContainer minWidth={820} type="native" visibleFrom="sm">
      <Table verticalSpacing="sm" highlightOnHover stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Selects</Table.Th>
            <Table.Th>Counted</Table.Th>
            <Table.Th className="number">Keys</Table.Th>
            <Table.Th w={300}>Limit</Table.Th>
            <Table.Th><span aria-hidden /></Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {limits.map((limit) => <Line key={limit.id} limit={limit} open={open} act={act} />)}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Line({ limit, open, act }: { limit: SharedLimit } & Omit<Props, 'limits'>) {
  const labels = labelsIn(limit.match);
  return (
    <Table.Tr
      style={{ cursor: 'pointer' }}
      onClick={(e) => {
        if (!(e.target as Element).closest('a, button')) {
          open(limit.id ?? '');
        }
      }}
    >
      <Table.Td maw={260}>
        <Anchor component="button" type="button" size="sm" fw={600} c="inherit" className="wrap-anywhere" ta="left" onClick={() => open(limit.id ?? '')}>{limit.name ?? limit.id}</Anchor>
        {limit.origin === 'file' && <Badge ml={6} size="sm" variant="default" tt="none">file</Badge>}
      </Table.Td>
      <Table.Td>{Object.keys(labels).length > 0 ? <Labels labels={labels} /> : <Text size="sm">all keys</Text>}</Table.Td>
      <Table.Td>
        <Tooltip label={limit.per === 'pool' ? 'All its keys draw from it together' : 'Every key has it for itself'}>
          <Text size="sm" component="span">{limit.per}</Text>
        </Tooltip>
      </Table.Td>
      <Table.Td className="number"><TextLink to="/keys" search={{ labels: labelsText(labels) }} size="sm">{count(limit.keys)}</TextLink></Table.Td>
      <Table.Td><Standing limit={limit} /></Table.Td>
      <Table.Td ta="right"><Actions limit={limit} act={act} /></Table.Td>
    </Table.Tr>
  );
}

/** How a limit stands, or what each of its keys has of it. */
export function Standing({ limit }: { limit: SharedLimit }) {
  useTick(1000);
  if (limit.per === 'each') {
    return <Text size="xs">{limitName({ ...limit, name: undefined, match: undefined })}, each</Text>;
  }
  return (
    <>
      <LimitBar limit={{ ...limit, name: undefined, match: undefined }} compact />
      <Text size="xs" c="dimmed" mt={2}>
        {figureOf(limit.kind, limit.remaining)} remaining{limit.resets_at && `, resets in ${until(limit.resets_at)}`}
      </Text>
    </>
  );
}

/** What the role may do with a limit that is not declared in a file. */
export function Actions({ limit, act }: { limit: SharedLimit; act: (deed: Deed) => void }) {
  const may = useMay();
  if (limit.origin === 'file' || !(may('editLimit') || may('deleteLimit'))) {
    return null;
  }
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${limit.name ?? limit.id}`}><IconDots size={18} aria-hidden /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {may('editLimit') && <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => act({ name: 'edit', limit })}>Edit…</Menu.Item>}
        {may('deleteLimit') && <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => act({ name: 'delete', limit })}>Delete…</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
