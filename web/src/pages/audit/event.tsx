import { Collapse, Group, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconBan, IconChevronRight } from '@tabler/icons-react';
import { useId, useState } from 'react';
import type { Schemas } from '../../api/client';
import { absolute } from '../../format/time';
import { Copy } from '../../parts/copy';
import { FieldDiff } from '../../parts/diff';
import { When } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import classes from './audit.module.css';

type Event = Schemas['Event'];

/** One event: who did what to what, and on demand what changed by it. */
export function EventRow({ event: e }: { event: Event }) {
  const [open, setOpen] = useState(false);
  const body = useId();
  return (
    <li className={classes.event}>
      <UnstyledButton className={classes.head} aria-expanded={open} aria-controls={body} onClick={() => setOpen(!open)}>
        <IconChevronRight size={16} aria-hidden className={classes.sign} data-open={open || undefined} />
        <span className={classes.time}><When at={e.at} /></span>
        <span className={classes.actor}><b>{e.actor.name}</b> <span className={classes.role}>{e.actor.kind === 'system' ? 'system' : e.actor.role}</span></span>
        <span className={classes.action}>{e.action}</span>
        <span className={classes.target}>{e.target.name ?? e.target.id ?? ''}</span>
        {e.outcome === 'refused' && <span className={classes.refused}><IconBan size={14} aria-hidden /> refused</span>}
      </UnstyledButton>
      <Collapse expanded={open} id={body}>
        {open && <Body event={e} />}
      </Collapse>
    </li>
  );
}

function Body({ event: e }: { event: Event }) {
  const from = [e.actor.id, e.actor.from && `from ${e.actor.from}`].filter(Boolean).join(', ');
  return (
    <Stack gap="xs" className={classes.body}>
      {e.reason && <Text size="sm" className="wrap-anywhere">{e.outcome === 'refused' ? 'Refused: ' : 'Reason: '}{e.reason}</Text>}
      {e.outcome === 'done' && <FieldDiff diff={e.diff} />}
      <Group gap="lg" className={classes.facts}>
        <span>Event {e.id}, {absolute(e.at)}</span>
        {from && <span>Actor {from}</span>}
        {e.target.id && <span>Target <Target event={e} /></span>}
        {e.request_id && <span>Request {e.request_id}</span>}
        <Group gap={4} component="span">
          <span title={e.hash}>Hash <code>{e.hash.slice(0, 12)}…</code></span>
          <Copy text={e.hash} label={`Copy the hash of event ${e.id}`} variant="subtle" />
        </Group>
      </Group>
    </Stack>
  );
}

function Target({ event: { target, action } }: { event: Event }) {
  const id = target.id ?? '';
  if (target.kind === 'key' && action !== 'key.delete') {
    return <TextLink to="/keys/$id" params={{ id }} inherit>{id}</TextLink>;
  }
  if (target.kind === 'limit' && target.key_id) {
    return <>{id} of <TextLink to="/keys/$id" params={{ id: target.key_id }} inherit>{target.key_id}</TextLink></>;
  }
  return target.kind === 'limit' && action !== 'limit.delete' ? <TextLink to="/limits" search={{ id }} inherit>{id}</TextLink> : <>{id}</>;
}
