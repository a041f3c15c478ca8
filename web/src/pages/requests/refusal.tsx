import { Group, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { exact, height } from '../../format/money';
import { count } from '../../format/numbers';
import { When } from '../../parts/figures';
import { KeyLink, LimitLink } from './links';
import classes from './requests.module.css';

type Refusal = Schemas['Refusal'];

/** The limit that refused, with what it had spent and reserved and what was asked of it. */
export function RefusalBar({ refusal: r, keyID }: { refusal: Refusal; keyID: string | undefined }) {
  const parts = [
    { name: 'Spent', value: r.spent, className: classes.spent },
    { name: 'Reserved', value: r.reserved, className: classes.reserved },
    { name: 'Asked for', value: r.asked, className: classes.asked },
  ].map((p) => ({ ...p, size: height(String(p.value)) }));
  const amount = height(String(r.amount));
  // What was asked for ends beyond the limit, which is the point of it.
  const scale = Math.max(amount, parts.reduce((sum, p) => sum + p.size, 0)) || 1;
  const says = parts.map((p) => `${p.name.toLowerCase()} ${figure(r.kind, p.value)}`).join(', ');
  return (
    <div className={classes.refusal}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={600}>{figure(r.kind, r.amount)} {windowWords(r.window)}</Text>
        <Text size="sm">{place(r, keyID)}</Text>
      </Group>
      <div className={classes.bar} role="img" aria-label={`Of ${figure(r.kind, r.amount)}: ${says}`}>
        {parts.map((p) => p.size > 0 && <div key={p.name} className={p.className} style={{ width: `max(2px, ${(100 * p.size) / scale}%)` }} />)}
        <div className={classes.edge} style={{ left: `${(100 * amount) / scale}%` }} />
      </div>
      <Group gap="md">
        {parts.map((p) => (
          <Text key={p.name} size="xs"><span className={`${classes.sample} ${p.className}`} aria-hidden /> {p.name} {figure(r.kind, p.value)}</Text>
        ))}
        <Text size="xs">{r.resets_at ? <>Resets <When at={r.resets_at} /></> : 'Never resets'}</Text>
      </Group>
    </div>
  );
}

/** Where the limit is. A rate limit of a route is on no page: it stands in the configuration. */
function place(r: Refusal, keyID: string | undefined) {
  if (r.shared) {
    return <LimitLink id={r.limit_id}>the shared limit</LimitLink>;
  }
  if (r.pool) {
    return r.limit_id;
  }
  return keyID ? <KeyLink id={keyID}>the key and its limits</KeyLink> : r.limit_id;
}

function figure(kind: string, amount: Refusal['amount']): string {
  return kind === 'cost' ? exact(String(amount)) : `${count(Number(amount))} ${kind === 'concurrency' ? 'at once' : kind}`;
}

/** A window as a record has it: "month America/New_York", "60s", "life". */
function windowWords(window: string): string {
  if (window === '' || window === 'life') {
    return window === 'life' ? 'for life' : '';
  }
  const [unit, zone] = window.split(' ', 2);
  return /^(hour|day|week|month|quarter|year)$/.test(unit ?? '') ? `a ${unit}${zone && zone !== 'UTC' ? ` (${zone})` : ''}` : `in ${window}`;
}
