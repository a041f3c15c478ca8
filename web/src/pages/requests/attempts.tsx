import { Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { exact } from '../../format/money';
import { count, seconds } from '../../format/numbers';
import { Money } from '../../parts/figures';
import classes from './requests.module.css';

type Attempt = Schemas['Attempt'];

/** The tries at targets, one after the other, on one scale of time. */
export function Attempts({ attempts }: { attempts: Attempt[] }) {
  const whole = attempts.reduce((sum, a) => sum + a.duration_seconds, 0) || 1;
  const begins = attempts.map((_, i) => attempts.slice(0, i).reduce((sum, a) => sum + a.duration_seconds, 0));
  return (
    <ol className={classes.attempts}>
      {attempts.map((a, i) => (
        <li key={i} className={classes.attempt}>
          <One attempt={a} />
          <div className={classes.lane} aria-hidden>
            <div
              className={classes.took} data-failed={failed(a) || undefined}
              style={{ marginLeft: `${(100 * begins[i]!) / whole}%`, width: `max(3px, ${(100 * a.duration_seconds) / whole}%)` }}
            />
          </div>
        </li>
      ))}
    </ol>
  );
}

function failed(a: Attempt): boolean {
  return Boolean(a.error) || (a.status ?? 0) >= 400;
}

function One({ attempt: a }: { attempt: Attempt }) {
  return (
    <>
      <div className={classes.between}>
        <Text size="sm" className="wrap-anywhere">
          <b>{a.provider}</b>{a.backend && a.backend !== a.provider && ` (${a.backend})`} · {a.model}
        </Text>
        <Text size="sm" className="number">{a.status ? `${a.status} · ` : ''}{seconds(a.duration_seconds)}</Text>
      </div>
      {a.error && <Text size="sm" className={`${classes.error} wrap-anywhere`}>{a.error}</Text>}
      <Text size="xs" c="dimmed" className="wrap-anywhere">
        {a.bound_usd !== undefined && a.reservation && (
          <span title={`Reservation ${a.reservation}`}>Set aside up to {exact(a.bound_usd)} and {count(a.bound_tokens ?? 0)} tokens · </span>
        )}
        {a.price === 'unknown' ? 'No price is known' : <>cost <Money usd={a.cost_usd} /></>}
      </Text>
    </>
  );
}
