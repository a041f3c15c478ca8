import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { count, seconds } from '../../format/numbers';
import { absolute } from '../../format/time';
import { Labels } from '../../parts/labels';
import { KeyLink, ModelLink } from './links';
import classes from './requests.module.css';

type Request = Schemas['Request'];

/** Who asked for what, and who answered. */
export function Summary({ request: r }: { request: Request }) {
  return (
    <dl className={classes.facts}>
      <Fact name="Key">{r.key_id ? <KeyLink id={r.key_id}>{r.key_name ?? r.key_id}</KeyLink> : <Text span inherit c="dimmed">none that is known</Text>}</Fact>
      <Fact name="Model">{r.model_asked ? <ModelLink model={r.model_asked} /> : '–'}<Renamed request={r} /></Fact>
      <Fact name="Operation">{r.operation} ({r.dialect}){r.streamed && ', streamed'}</Fact>
      {r.provider && <Fact name="Provider">{r.provider}{r.backend && r.backend !== r.provider && ` (${r.backend})`}</Fact>}
      <Fact name="Duration">{seconds(r.duration_seconds)}{r.first_byte_seconds ? `, first byte after ${seconds(r.first_byte_seconds)}` : ''}</Fact>
      <Fact name="At"><time dateTime={r.at}>{absolute(r.at)}</time></Fact>
      {r.client && <Fact name="Client">{r.client}</Fact>}
      {Object.keys(r.labels ?? {}).length > 0 && (
        <Fact name="Labels">
          <Labels labels={r.labels} most={10} />
        </Fact>
      )}
      {r.message && r.outcome !== 'served' && <Fact name="Message">{r.message}</Fact>}
    </dl>
  );
}

function Renamed({ request: r }: { request: Request }) {
  const sent = r.model_sent && r.model_sent !== r.model_asked ? `, sent as ${r.model_sent}` : '';
  const served = r.model_served && r.model_served !== (r.model_sent || r.model_asked) ? `, served by ${r.model_served}` : '';
  return <>{sent}{served}</>;
}

/** What was consumed, by kind. Some kinds are part of another. */
export function Tokens({ tokens: t }: { tokens: Schemas['TokenCounts'] }) {
  const kinds: [string, number | undefined][] = [
    ['Input', t.input], ['from the cache', t.cached_input], ['written to the cache', t.cache_write], ['Output', t.output],
    ['reasoning', t.reasoning], ['Audio input', t.input_audio], ['Audio output', t.output_audio],
  ];
  return (
    <Group gap="xl">
      {kinds.filter(([name, n]) => n || name === 'Input' || name === 'Output').map(([name, n]) => (
        <div key={name}>
          <Text size="xs" c="dimmed">{name}</Text>
          <Text fw={600}>{count(n)}</Text>
        </div>
      ))}
    </Group>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
