import { Table, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { count, percent, seconds } from '../../format/numbers';
import { amountOf, isStep, nameOf, share, type Group, type Unit } from '../../format/usage';
import { Money } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import { spanTitle } from '../../parts/series';
import classes from './sums.module.css';

/** The sums of one group. */
export function Row({ group: g, by, unit, total }: { group: Group; by: string[]; unit: Unit; total: Schemas['UsageSums'] }) {
  const part = share(amountOf(unit, g), amountOf(unit, total));
  return (
    <Table.Tr>
      {by.map((b) => <Table.Td key={b} className={classes.name}><Name by={b} group={g} /></Table.Td>)}
      <Table.Td className="number">{count(g.requests)}</Table.Td>
      <Table.Td className="number">{g.refused > 0 ? count(g.refused) : '–'}</Table.Td>
      <Table.Td className="number">{count(g.input_tokens)}</Table.Td>
      <Table.Td className="number">{g.cached_input_tokens > 0 ? count(g.cached_input_tokens) : '–'}</Table.Td>
      <Table.Td className="number">{count(g.output_tokens)}</Table.Td>
      <Table.Td className="number">{seconds(g.mean_duration_seconds)}</Table.Td>
      <Table.Td className="number"><Money usd={g.cost_usd} /></Table.Td>
      <Table.Td className={classes.share}>
        <div className={classes.bar}>
          <span className={classes.track} aria-hidden><span className={classes.fill} style={{ width: `${part * 100}%` }} /></span>
          <span className={classes.percent}>{percent(part)}</span>
        </div>
      </Table.Td>
    </Table.Tr>
  );
}

function Name({ by, group: g }: { by: string; group: Group }) {
  const may = useMay()('getKey');
  const value = g.group?.[by] ?? '';
  if (isStep(by)) {
    return spanTitle(by, value);
  }
  if (by === 'key' && value && may) {
    return <TextLink to="/keys/$id" params={{ id: value }} inherit>{nameOf(by, g)}</TextLink>;
  }
  return value ? nameOf(by, g) : <Text span inherit c="dimmed">{nameOf(by, g)}</Text>;
}
