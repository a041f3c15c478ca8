import { Badge, Divider, Group, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import {
  IconBan, IconCalendarX, IconCircleCheck, IconCoinOff, IconGauge, IconInfinity, IconLockExclamation, IconPlugConnectedX, IconZzz, type Icon,
} from '@tabler/icons-react';
import type { LinkProps } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { count } from '../../format/numbers';
import { When } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import { Empty } from '../../parts/states';
import classes from './attention.module.css';
import { concerns, moments, tersely, type Concern, type Kind } from './concerns';

type Entry = Schemas['AttentionTo'];

interface Told {
  name: string;
  icon: Icon;
  /** Whether it stops somebody already. */
  urgent?: boolean;
  /** Where all of the kind are. */
  all?: { to: LinkProps; text: string; needs: string };
}

const told: Record<Kind, Told> = {
  provider_resting: { name: 'Providers that rest', icon: IconPlugConnectedX, urgent: true, all: { to: { to: '/credentials' }, text: 'All providers', needs: 'listProviders' } },
  credential_failing: { name: 'Credentials that fail', icon: IconLockExclamation, urgent: true, all: { to: { to: '/credentials' }, text: 'All credentials', needs: 'listCredentials' } },
  near_limit: { name: 'Near a limit', icon: IconGauge, urgent: true },
  refused: { name: 'Refused in the last day', icon: IconBan, all: { to: { to: '/requests', search: { outcome: 'refused' } }, text: 'All refusals', needs: 'listRequests' } },
  unpriced_model: { name: 'Models without a price', icon: IconCoinOff, all: { to: { to: '/models' }, text: 'All models', needs: 'listModels' } },
  expiring: { name: 'Expiring within a week', icon: IconCalendarX, all: { to: { to: '/keys', search: { status: 'active', expiring: '168h', sort: 'expires_at' } }, text: 'All that expire', needs: 'listKeys' } },
  uncapped: { name: 'Without any limit', icon: IconInfinity, all: { to: { to: '/keys', search: { status: 'active', uncapped: 'true' } }, text: 'All without a limit', needs: 'listKeys' } },
  idle: { name: 'Not used for a month', icon: IconZzz, all: { to: { to: '/keys', search: { status: 'active', idle: '720h' } }, text: 'All idle keys', needs: 'listKeys' } },
};

/** What an operator should look at, each with the way to where it is mended. */
export function Attention({ entries }: { entries: Entry[] }) {
  const found = concerns(entries).filter((c) => told[c.kind]);
  return (
    <Paper withBorder p="md" h="100%" component="section" aria-label="What needs attention">
      <Title order={2} mb="sm">Needs attention</Title>
      {found.length === 0 ? (
        <Empty icon={IconCircleCheck} title="Nothing needs attention">No key is near a limit, refused, expiring, idle or without a limit.</Empty>
      ) : (
        <Stack gap="sm">
          {found.map((c, i) => (
            <div key={c.kind}>
              {i > 0 && <Divider mb="sm" />}
              <OfKind concern={c} />
            </div>
          ))}
        </Stack>
      )}
    </Paper>
  );
}

function OfKind({ concern: c }: { concern: Concern }) {
  const may = useMay();
  const { name, icon: Shown, urgent, all } = told[c.kind];
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm">
      <ThemeIcon variant="light" color={urgent ? 'orange' : 'gray'} size={30} radius="md"><Shown size={18} stroke={1.6} aria-hidden /></ThemeIcon>
      <div style={{ flex: 1, minWidth: 0 }}>
        <Group justify="space-between" gap="xs" mih={30} wrap="nowrap">
          <Group gap={8} wrap="nowrap">
            <Title order={3} fz="sm">{name}</Title>
            <Badge variant="default" size="sm" radius="sm" style={{ flex: 'none' }}>{count(c.entries.length + c.more)}{c.moreThan && '+'}</Badge>
          </Group>
          {all && may(all.needs) && <TextLink {...all.to} size="xs" style={{ whiteSpace: 'nowrap' }}>{all.text}</TextLink>}
        </Group>
        <Stack gap={2} mt={2} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
          {c.entries.map((e, i) => (
            <li key={`${e.key_id} ${e.limit_id} ${i}`} className={classes.entry}>
              <Place entry={e} />
              <Text size="sm" c="dimmed"><Timed text={tersely(e)} /></Text>
            </li>
          ))}
          {c.more > 0 && <Text component="li" size="sm" c="dimmed">{c.moreThan ? `and more than ${count(c.more)} others` : `and ${count(c.more)} more`}</Text>}
        </Stack>
      </div>
    </Group>
  );
}

/** The name of what an entry is about, which leads to where it is mended if the role may go there. */
function Place({ entry: e }: { entry: Entry }) {
  const may = useMay();
  const to = placeOf(e, may);
  return to ? <TextLink {...to} size="sm" fw={500} className="wrap-anywhere">{e.name}</TextLink> : <Text size="sm" fw={500} className="wrap-anywhere">{e.name}</Text>;
}

function placeOf(e: Entry, may: (operation: string) => boolean): LinkProps | undefined {
  switch (e.kind) {
    case 'provider_resting':
      return may('listProviders') ? { to: '/credentials' } : undefined;
    case 'credential_failing':
      return may('listCredentials') ? { to: '/credentials' } : undefined;
    case 'unpriced_model':
      return may('getPriceOverrides') ? { to: '/models', search: { tab: 'overrides', model: e.name } } : undefined;
    default:
      if (e.key_id) {
        return may('getKey') ? { to: '/keys/$id', params: { id: e.key_id } } : undefined;
      }
      return e.limit_id && may('listLimits') ? { to: '/limits', search: { id: e.limit_id } } : undefined;
  }
}

/** A text of the API, the moments in it as people say them. */
function Timed({ text }: { text: string }) {
  return moments(text).map((part, i) => (part.at ? <When key={i} at={part.at} /> : part.text));
}
