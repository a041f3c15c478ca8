import { Button, Card, Group, Text, ThemeIcon, Tooltip } from '@mantine/core';
import { IconCoin, IconGauge, IconHash, IconStack2, type Icon } from '@tabler/icons-react';
import { useState } from 'react';
import { useMay } from '../../app/session';
import type { Schemas } from '../../api/client';
import { clock, until } from '../../format/countdown';
import { durationOf, figureOf, limitName, used } from '../../format/limits';
import { exact } from '../../format/money';
import { percent } from '../../format/numbers';
import { absolute } from '../../format/time';
import { useTick } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import { LimitTrack } from '../../parts/limits';
import { Adjust } from './adjust';
import { compare, type Amount, type Kind } from './amounts';
import classes from './card.module.css';

type Limit = Schemas['Limit'];

const icons: Record<Kind, Icon> = { cost: IconCoin, tokens: IconHash, requests: IconGauge, concurrency: IconStack2 };

/**
 * How a limit stands: what is spent, set aside and left of it, and when it begins anew. The
 * owner is the key whose own it is, or who has it for itself; without one it is a pool.
 */
export function LimitCard({ limit, owner }: { limit: Limit; owner?: Pick<Schemas['Key'], 'id' | 'name'> }) {
  const Mark = icons[limit.kind];
  const plain = limitName({ ...limit, name: undefined, match: undefined });
  return (
    <Card withBorder padding="md" component="section" aria-label={`Limit: ${plain}`}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs" mb="sm">
        <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
          <ThemeIcon variant="default" size="lg" radius="md"><Mark size={18} stroke={1.6} aria-hidden /></ThemeIcon>
          <div style={{ minWidth: 0 }}>
            <Text fw={600} size="sm" component="h3">{plain}</Text>
            <Whose limit={limit} linked={owner !== undefined} />
          </div>
        </Group>
        <Correct limit={limit} owner={owner} />
      </Group>
      {limit.spent !== undefined && <LimitTrack limit={limit} />}
      <Figures limit={limit} />
      <Resets limit={limit} />
    </Card>
  );
}

function Whose({ limit, linked }: { limit: Limit; linked: boolean }) {
  if (!limit.per) {
    return <Text size="xs" c="dimmed">its own</Text>;
  }
  return (
    <Text size="xs" c="dimmed" className="wrap-anywhere">
      {linked && <><TextLink to="/limits" search={{ id: limit.id }} size="xs" underline="always">{limit.name ?? limit.id}</TextLink>, </>}
      {limit.per === 'pool' ? 'shared by all its keys' : 'each key for itself'}
    </Text>
  );
}

// What forgets by itself cannot be corrected: the API refuses it.
function Correct({ limit, owner }: { limit: Limit; owner?: Pick<Schemas['Key'], 'id' | 'name'> }) {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may('adjustLimit') || limit.kind === 'concurrency' || limit.window?.sliding) {
    return null;
  }
  return (
    <>
      <Button size="compact-xs" variant="default" style={{ flex: 'none' }} onClick={() => setOpen(true)} aria-label={`Adjust ${limitName(limit)}`}>Adjust</Button>
      {open && <Adjust limit={limit} owner={limit.per === 'pool' ? undefined : owner} close={() => setOpen(false)} />}
    </>
  );
}

function Figures({ limit }: { limit: Limit }) {
  const { kind } = limit;
  const over = limit.overrun !== undefined && compare(kind, limit.overrun, 0) > 0;
  const busy = kind === 'concurrency';
  return (
    <>
      <dl className={classes.figures}>
        <Figure name={busy ? 'Under way' : 'Spent'} kind={kind} amount={limit.spent} />
        {!busy && <Figure name="Reserved" kind={kind} amount={limit.reserved} about="set aside for requests under way, settled when they end" />}
        <Figure name={busy ? 'Free' : 'Remaining'} kind={kind} amount={limit.remaining} share={Math.max(0, 1 - used(limit))} />
      </dl>
      {over && (
        <Text size="xs" className={classes.overrun} mb={4}>
          Overrun {figureOf(kind, limit.overrun)}: providers reported more than was set aside.
        </Text>
      )}
    </>
  );
}

function Figure({ name, kind, amount, about, share }: { name: string; kind: Kind; amount: Amount | undefined; about?: string; share?: number }) {
  const short = figureOf(kind, amount);
  const all = kind === 'cost' && amount !== undefined ? exact(String(amount)) : short;
  const label = [all !== short ? all : '', about ?? '', share !== undefined && amount !== undefined ? `${percent(share)} of the amount` : ''].filter(Boolean).join(', ');
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">{name}</Text>
      <Tooltip label={label} disabled={!label} multiline maw={260}>
        <Text component="dd" size="sm" fw={600} m={0}>{short}</Text>
      </Tooltip>
    </div>
  );
}

function Resets({ limit: { kind, window: w, resets_at } }: { limit: Limit }) {
  const says = kind === 'concurrency' ? 'Free again as soon as a request ends'
    : !w ? 'For life: never begins anew'
    : w.sliding ? `What is older than ${durationOf(w.sliding)} no longer counts`
    : '';
  return (
    <Text size="xs" c="dimmed" component="p" m={0}>
      {resets_at ? <Countdown at={resets_at} zone={w?.calendar ? w.timezone ?? 'UTC' : 'UTC'} /> : says}
    </Text>
  );
}

/** Time to a reset, and when it is, as the clock of the limit's own zone shows it. */
export function Countdown({ at, zone }: { at: string; zone: string }) {
  useTick(1000);
  return (
    <>
      Resets in <Text span inherit fw={600} c="var(--mantine-color-text)">{until(at)}</Text>
      {', '}
      <Tooltip label={`${absolute(at)} here`}>
        <time dateTime={at}>{clock(at, zone)}</time>
      </Tooltip>
    </>
  );
}
