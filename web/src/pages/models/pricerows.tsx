import { Anchor, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { compact, some } from '../../format/numbers';
import { When } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import classes from './prices.module.css';
import { otherRates, rateOf, sourcesOf, whenOf } from './rates';

/** A model with its usual price; the tiers it has besides are shown when they are asked for. */
export function PriceRows({ price: p }: { price: Schemas['Price'] }) {
  const [open, setOpen] = useState(false);
  const tiers = p.tiers ?? [];
  const shown = open ? tiers : tiers.slice(0, 1);
  return (
    <Table.Tbody className={classes.model}>
      {shown.map((tier, i) => (
        <Table.Tr key={i}>
          {i === 0 && (
            <Table.Th scope="rowgroup" rowSpan={shown.length} className={classes.name}>
              <Name price={p} />
              {tiers.length > 1 && (
                <Anchor component="button" type="button" size="xs" fw={400} onClick={() => setOpen(!open)} aria-expanded={open}>
                  {open ? 'Only the usual price' : some(tiers.length - 1, 'further tier')}
                </Anchor>
              )}
            </Table.Th>
          )}
          <TierCells tier={tier} />
        </Table.Tr>
      ))}
      {tiers.length === 0 && (
        <Table.Tr>
          <Table.Th scope="row" className={classes.name}><Name price={p} /></Table.Th>
          <Table.Td colSpan={6}>{p.state === 'free' ? 'free' : 'no price'}</Table.Td>
          <Table.Td><Sources list={p.origins ?? []} /></Table.Td>
        </Table.Tr>
      )}
    </Table.Tbody>
  );
}

function Name({ price: p }: { price: Schemas['Price'] }) {
  const may = useMay()('setPriceOverrides');
  return (
    <div className="wrap-anywhere">
      <Text span size="xs" c="dimmed">{p.provider} /</Text>{' '}
      {may
        ? <TextLink to="/models" search={{ tab: 'overrides', provider: p.provider, model: p.model }} inherit>{p.model}</TextLink>
        : p.model}
      {(p.context_window ?? 0) > 0 && (
        <Text size="xs" c="dimmed" fw={400}>{compact(p.context_window)} context{(p.max_output ?? 0) > 0 && `, ${compact(p.max_output)} output`}</Text>
      )}
      {(p.unmetered ?? []).length > 0 && <Text size="xs" c="dimmed" fw={400}>not counted: {p.unmetered!.join(', ')}</Text>}
    </div>
  );
}

function TierCells({ tier }: { tier: Schemas['PriceTier'] }) {
  const price = (kind: string) => {
    const rate = rateOf(tier, kind);
    return <Table.Td className="number">{rate ? `$${rate.price_usd}` : '–'}</Table.Td>;
  };
  return (
    <>
      <Table.Td>{whenOf(tier)}</Table.Td>
      {price('input')}
      {price('output')}
      {price('cacheRead')}
      {price('cacheWrite')}
      <Table.Td>{otherRates(tier).map((text) => <div key={text}>{text}</div>)}</Table.Td>
      <Table.Td><Sources list={sourcesOf(tier)} /></Table.Td>
    </>
  );
}

function Sources({ list }: { list: Schemas['Origin'][] }) {
  return list.map((o, i) => (
    <Text size="xs" key={i} style={{ whiteSpace: 'nowrap' }}>
      {o.source}{o.version && ` ${o.version}`}{o.date && <Text span inherit c="dimmed">, <When at={o.date} /></Text>}
    </Text>
  ));
}
