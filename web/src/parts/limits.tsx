import { Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconBan } from '@tabler/icons-react';
import type { Schemas } from '../api/client';
import { figureOf, limitName, nearness, used, type Nearness } from '../format/limits';
import { height } from '../format/money';
import { percent } from '../format/numbers';
import { Hint } from './hint';
import styles from './limits.module.css';

type Limit = Schemas['Limit'];

/**
 * How a limit stands: spent is solid, reserved hatched. What is near or full is told by
 * colour, by a mark and in words.
 */
export function LimitBar({ limit, compact = false }: { limit: Limit; compact?: boolean }) {
  const near = nearness(limit);
  return (
    <div>
      <Group gap={6} wrap="nowrap" justify="space-between" mb={compact ? 2 : 4}>
        <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
          <Mark near={near} />
          <Text size={compact ? 'xs' : 'sm'} truncate>{limitName(limit)}</Text>
        </Group>
        <Text size={compact ? 'xs' : 'sm'} className="number" fw={near === 'room' ? 400 : 600}>
          {compact ? percent(used(limit)) : `${figureOf(limit.kind, limit.spent)} spent`}
        </Text>
      </Group>
      <Track limit={limit} near={near} compact={compact} />
    </div>
  );
}

/** The bar of a limit alone, where its name and figures stand beside it. */
export function LimitTrack({ limit }: { limit: Limit }) {
  return <Track limit={limit} near={nearness(limit)} compact={false} />;
}

function Track({ limit, near, compact }: { limit: Limit; near: Nearness; compact: boolean }) {
  const of = height(String(limit.amount));
  const share = (part: Limit['spent']) => (of > 0 ? Math.min(1, height(String(part ?? 0)) / of) : 1);
  const spent = share(limit.spent);
  const reserved = Math.min(1 - spent, share(limit.reserved ?? 0));
  return (
    <div
      className={styles.track}
      data-near={near}
      data-compact={compact || undefined}
      role="meter"
      aria-label={limitName(limit)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.min(100, Math.round(used(limit) * 100))}
      aria-valuetext={standing(limit)}
    >
      <div className={styles.spent} style={{ width: `${spent * 100}%` }} />
      <div className={styles.reserved} style={{ width: `${of > 0 ? reserved * 100 : 0}%` }} />
    </div>
  );
}

function Mark({ near }: { near: Nearness }) {
  if (near === 'room') {
    return null;
  }
  const Shown = near === 'full' ? IconBan : IconAlertTriangle;
  return <Shown size={13} className={styles.mark} data-near={near} aria-label={near === 'full' ? 'Used up' : 'Nearly used up'} />;
}

/** How a limit stands in words: "$12.00 spent, $1.00 reserved, $187.00 remaining of $200.00 a month". */
export function standing(limit: Limit): string {
  const figure = (amount: Limit['spent']) => figureOf(limit.kind, amount);
  const reserved = height(String(limit.reserved ?? 0)) > 0 ? `, ${figure(limit.reserved)} reserved` : '';
  return `${figure(limit.spent)} spent${reserved}, ${figure(limit.remaining)} remaining of ${limitName(limit)}`;
}

/** The limits of a key where there is little room: the fullest ones, the others by their number. */
export function LimitBars({ limits, most = 2 }: { limits: Limit[] | null | undefined; most?: number }) {
  const all = [...(limits ?? [])].sort((a, b) => used(b) - used(a));
  if (all.length === 0) {
    return <Text size="xs" c="dimmed">no limit</Text>;
  }
  const rest = all.slice(most);
  return (
    <Stack gap={6}>
      {all.slice(0, most).map((limit, i) => (
        <Hint key={limit.id ?? i} label={standing(limit)} multiline maw={320}>
          <div>
            <LimitBar limit={limit} compact />
          </div>
        </Hint>
      ))}
      {rest.length > 0 && (
        <Hint label={<Stack gap={2}>{rest.map((l, i) => <span key={l.id ?? i}>{standing(l)}</span>)}</Stack>} multiline maw={360}>
          <Text size="xs" c="dimmed" w="fit-content">and {rest.length} more</Text>
        </Hint>
      )}
    </Stack>
  );
}
