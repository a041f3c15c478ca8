import { Group, Paper, Progress, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { codeWords } from '../../format/outcome';
import { count, percent } from '../../format/numbers';
import { nameOf, share } from '../../format/usage';
import { Money } from '../../parts/figures';
import { TextLink } from '../../parts/links';

/** How many keys there are of each status, each the way to them. */
export function KeyCounts({ keys }: { keys: Schemas['KeyCounts'] }) {
  const may = useMay()('listKeys');
  const shown = (['active', 'disabled', 'revoked', 'expired'] as const).filter((status) => status === 'active' || keys[status] > 0);
  return (
    <Group gap="md" role="group" aria-label="Keys">
      {shown.map((status) => (
        <Text size="sm" key={status}>
          {may ? <TextLink to="/keys" search={{ status }} inherit><b>{count(keys[status])}</b> {status}</TextLink> : <><b>{count(keys[status])}</b> {status}</>}
          {status === 'active' && (keys.active === 1 ? ' key' : ' keys')}
        </Text>
      ))}
    </Group>
  );
}

/** Why requests of today were refused. */
export function Refusals({ codes, at }: { codes: Schemas['CodeCount'][]; at: string }) {
  const may = useMay()('listRequests');
  const most = Math.max(1, ...codes.map((c) => c.count));
  const from = `${at.slice(0, 10)}T00:00:00Z`;
  return (
    <List title="Refused today" more={may && codes.length > 0 && <TextLink to="/requests" search={{ outcome: 'refused', from }} size="xs">Show them</TextLink>}>
      {codes.length === 0 && <Text size="sm" c="dimmed">Nobody was refused today.</Text>}
      {codes.map((c) => (
        <Line key={c.code} share={c.count / most} value={count(c.count)}
          // Refusals beyond those that the overview looks at are counted without their reason.
          name={c.code === 'older' ? 'earlier today' : may
            ? <TextLink to="/requests" search={{ outcome: 'refused', code: c.code, from }} inherit>{codeWords(c.code)}</TextLink>
            : codeWords(c.code)} />
      ))}
    </List>
  );
}

/** The keys that spent most this month. */
export function TopKeys({ groups, total }: { groups: Schemas['UsageGroup'][]; total: Schemas['UsageSums'] }) {
  const may = useMay();
  return (
    <List title="Top keys this month" more={may('getUsage') && <TextLink to="/usage" search={{ period: 'month', by: 'key' }} size="xs">All keys</TextLink>}>
      {groups.map((g) => {
        const id = g.group?.key ?? '';
        const part = share(g.cost_usd, total.cost_usd);
        return (
          <Line key={id} share={part} value={<Money usd={g.cost_usd} />} aside={percent(part)}
            name={id && may('getKey') ? <TextLink to="/keys/$id" params={{ id }} inherit>{nameOf('key', g)}</TextLink> : nameOf('key', g)} />
        );
      })}
      {groups.length === 0 && <Text size="sm" c="dimmed">Nothing was spent this month.</Text>}
    </List>
  );
}

function List({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Group justify="space-between" mb="sm">
        <Title order={2}>{title}</Title>
        {more}
      </Group>
      <Stack gap={8}>{children}</Stack>
    </Paper>
  );
}

function Line({ name, value, aside, share: part }: { name: ReactNode; value: ReactNode; aside?: string; share: number }) {
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" truncate component="div">{name}</Text>
        <Group gap={8} wrap="nowrap">
          <Text size="sm" component="div" className="number">{value}</Text>
          {aside && <Text size="xs" c="dimmed" w={36} className="number">{aside}</Text>}
        </Group>
      </Group>
      <Progress value={part * 100} size={4} mt={2} aria-hidden transitionDuration={0} />
    </div>
  );
}
