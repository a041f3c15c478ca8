import { Table, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { Fragment } from 'react';
import type { Schemas } from '../../api/client';
import { exact } from '../../format/money';
import { count } from '../../format/numbers';
import { kindWords, perWords, same, sourceWords, total } from './arithmetic';
import classes from './requests.module.css';

type Request = Schemas['Request'];

/** How the cost is made up: quantity × price × factor, adding up to the total. */
export function Cost({ request: r }: { request: Request }) {
  const attempts = r.attempts ?? [];
  const lines = attempts.flatMap((a) => a.lines ?? []);
  if (r.price === 'unknown') {
    return <Text size="sm">No price is known for this model. It counts as a request of unknown price, never as one that cost nothing.</Text>;
  }
  return (
    <>
      <Table.ScrollContainer minWidth={380} type="native">
        <Table withRowBorders={false} verticalSpacing={3} className={classes.bill}>
          <Table.Thead>
            <Table.Tr><Table.Th>What</Table.Th><Table.Th className="number">Quantity × price</Table.Th><Table.Th className="number">Cost</Table.Th></Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {attempts.map((a, i) => (
              <Fragment key={i}>
                {attempts.length > 1 && <Table.Tr><Table.Td colSpan={3}><Text size="xs" c="dimmed">Attempt {i + 1}, {a.provider}{a.lines?.length ? '' : ': nothing charged'}</Text></Table.Td></Table.Tr>}
                {a.lines?.map((l, j) => <Row key={j} line={l} />)}
              </Fragment>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr className={classes.total}>
              <Table.Th colSpan={2}>{r.price === 'free' ? 'Declared free' : 'Total'}</Table.Th>
              <Table.Th className="number">{exact(r.cost_usd)}</Table.Th>
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Table.ScrollContainer>
      {lines.length > 0 && <Sum lines={lines} cost={r.cost_usd} />}
      <Text size="xs" c="dimmed" className="wrap-anywhere">
        {sourceWords(r.cost_source)} {r.price_version && <>Price list: <code>{r.price_version}</code></>}
      </Text>
    </>
  );
}

function Row({ line: l }: { line: Schemas['CostLine'] }) {
  return (
    <Table.Tr>
      <Table.Td>{kindWords(l.kind)}</Table.Td>
      <Table.Td className="number">{count(l.quantity)} × {exact(l.price_usd)}{perWords(l.per)}{l.factor && ` × ${l.factor}`}</Table.Td>
      <Table.Td className="number">{exact(l.cost_usd)}</Table.Td>
    </Table.Tr>
  );
}

/** Whoever reads a bill adds it up. */
function Sum({ lines, cost }: { lines: Schemas['CostLine'][]; cost: string }) {
  const sum = total(lines);
  return same(sum, cost) ? (
    <Text size="xs" className={classes.check}><IconCheck size={14} aria-hidden /> The lines add up to the total.</Text>
  ) : (
    <Text size="xs" className={classes.check}><IconAlertTriangle size={14} aria-hidden /> The lines come to {exact(sum)}; billionths of a dollar are charged, rounded up.</Text>
  );
}
