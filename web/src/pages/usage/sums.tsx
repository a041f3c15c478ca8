import { Button, Center, Paper, Table, Text, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconChartBar } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import { count, seconds, some } from '../../format/numbers';
import type { Unit } from '../../format/usage';
import { Money } from '../../parts/figures';
import { Empty } from '../../parts/states';
import type { Summed } from '../../parts/usage';
import { groupingName } from './groupings';
import { nextOrder, orderOf, sorted, type Column, type Order } from './order';
import { Row } from './row';
import classes from './sums.module.css';

/** So many rows are drawn at first, and so many more each time. */
const page = 100;

interface Props {
  usage: Summed;
  unit: Unit;
  sort: string | undefined;
  onSort: (sort: string) => void;
  /** Whether other sums are on their way. */
  stale: boolean;
  /** Whether there may be more groups than are listed. */
  cut: boolean;
}

/** The sums as a table: all of them together on top of it, and each with its share. */
export function Sums({ usage, unit, sort, onSort, stale, cut }: Props) {
  const { by } = usage;
  const [shown, setShown] = useState(page);
  const order = orderOf(sort, unit, by[0] === 'day' || by[0] === 'hour');
  const { column, down } = order;
  const groups = useMemo(() => sorted(usage.groups ?? [], by, { column, down }), [usage.groups, by, column, down]);
  if (groups.length === 0) {
    return <Paper withBorder><Empty icon={IconChartBar} title="Nothing in this period">Choose a longer period, or take a filter away.</Empty></Paper>;
  }
  const head = (of: Column, name: string) => <Head key={of} column={of} order={order} onSort={onSort}>{name}</Head>;
  const t = usage.total;
  return (
    <Paper withBorder className={stale ? classes.stale : undefined}>
      <div className={classes.frame} role="region" aria-label="Sums" tabIndex={0}>
        <Table className={classes.table} verticalSpacing={6} highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              {by.map((b, i) => head(i === 0 ? 'by0' : 'by1', groupingName(b)))}
              {head('requests', 'Requests')}
              {head('refused', 'Refused')}
              {head('input', 'Input tokens')}
              {head('cached', 'of it cached')}
              {head('output', 'Output tokens')}
              {head('latency', 'Mean time')}
              {head('cost', 'Cost')}
              <Table.Th className={classes.share}>Share of {unit}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr className={classes.total}>
              <Table.Th scope="row" colSpan={by.length}>{cut ? `All; the ${count(groups.length)} dearest are listed` : `All ${some(groups.length, 'group')}`}</Table.Th>
              <Table.Td className="number">{count(t.requests)}</Table.Td>
              <Table.Td className="number">{count(t.refused)}</Table.Td>
              <Table.Td className="number">{count(t.input_tokens)}</Table.Td>
              <Table.Td className="number">{count(t.cached_input_tokens)}</Table.Td>
              <Table.Td className="number">{count(t.output_tokens)}</Table.Td>
              <Table.Td className="number">{seconds(t.mean_duration_seconds)}</Table.Td>
              <Table.Td className="number"><Money usd={t.cost_usd} /></Table.Td>
              <Table.Td />
            </Table.Tr>
            {groups.slice(0, shown).map((g) => (
              <Row key={by.map((b) => g.group?.[b] ?? '').join('\n')} group={g} by={by} unit={unit} total={t} />
            ))}
          </Table.Tbody>
        </Table>
      </div>
      {t.unpriced_requests > 0 && (
        <Text size="xs" c="dimmed" p="sm">{some(t.unpriced_requests, 'request')} had no price, so what they cost is not counted.</Text>
      )}
      {groups.length > shown && (
        <Center p="sm"><Button variant="default" size="xs" onClick={() => setShown(shown + page)}>Show more, {count(groups.length - shown)} are left</Button></Center>
      )}
    </Paper>
  );
}

function Head({ column, order, onSort, children }: { column: Column; order: Order; onSort: (sort: string) => void; children: ReactNode }) {
  const on = order.column === column;
  const Arrow = order.down ? IconArrowDown : IconArrowUp;
  return (
    <Table.Th className={column.startsWith('by') ? undefined : 'number'} aria-sort={on ? (order.down ? 'descending' : 'ascending') : 'none'}>
      <UnstyledButton className={classes.sort} onClick={() => onSort(nextOrder(order, column))}>
        {children}
        <Arrow size={13} aria-hidden style={{ visibility: on ? 'visible' : 'hidden' }} />
      </UnstyledButton>
    </Table.Th>
  );
}
