import { Badge, Button, Group, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { count, seconds, some } from '../../format/numbers';
import { When } from '../../parts/figures';
import { Hint } from '../../parts/hint';
import classes from './health.module.css';
import { TestMark } from './mark';
import { TargetState } from './state';
import { glance, trouble, type Provider, type Target } from './targets';

interface Props {
  provider: Provider;
  credentials: Schemas['Credential'][];
}

/** A provider: a line about itself, then one for each of its targets. */
export function ProviderRows({ provider: p, credentials }: Props) {
  const [all, setAll] = useState(false);
  const shown = all ? p.targets : glance(p.targets);
  return (
    <Table.Tbody className={classes.provider}>
      <Table.Tr className={classes.head}>
        <Table.Th scope="rowgroup" colSpan={6}><About provider={p} credentials={credentials} /></Table.Th>
      </Table.Tr>
      {shown.map((t, i) => <TargetRow key={`${t.route ?? ''} ${t.backend} ${t.host} ${i}`} target={t} />)}
      {shown.length < p.targets.length && (
        <Table.Tr>
          <Table.Td colSpan={6}><Button variant="subtle" size="compact-sm" onClick={() => setAll(true)}>Show all {count(p.targets.length)} targets of {p.name}</Button></Table.Td>
        </Table.Tr>
      )}
    </Table.Tbody>
  );
}

function About({ provider: p, credentials }: Props) {
  const wrong = trouble(p.targets);
  return (
    <div className={classes.about}>
      <Group gap="xs" wrap="nowrap">
        <Text size="sm" fw={600}>{p.name}</Text>
        {wrong && <Badge color={wrong.allRest ? 'red' : 'orange'} variant="light" tt="none" radius="sm" style={{ flex: 'none' }}>{wrong.text}</Badge>}
        {p.targets.length === 0 ? <Text size="xs" c="dimmed" fw={400}>in no target of the configuration</Text> : <Names models={p.models} />}
      </Group>
      {credentials.length > 0 && <Group gap="sm" wrap="nowrap">{credentials.map((c) => <TestMark key={c.id} credential={c} />)}</Group>}
    </div>
  );
}

/** By which names callers get to a provider: a few of them, the others on hover. */
function Names({ models }: { models: string[] }) {
  const [few, rest] = [models.slice(0, 3).join(', '), models.length - 3];
  const text = models.length === 0 ? 'reached by no name' : `reached as ${few}${rest > 0 ? ` and ${some(rest, 'other name')}` : ''}`;
  const line = <Text size="xs" c="dimmed" fw={400} truncate maw={420}>{text}</Text>;
  return models.length > 0 ? <Hint label={models.slice(0, 60).join(', ')} multiline maw={480}>{line}</Hint> : line;
}

function TargetRow({ target: t }: { target: Target }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" className="wrap-anywhere">{t.backend}</Text>
        <Text size="xs" c="dimmed" className="wrap-anywhere">{t.host}{t.model && `, model ${t.model}`}{t.route && `, route ${t.route}`}</Text>
      </Table.Td>
      <Table.Td><TargetState target={t} /></Table.Td>
      <Table.Td className="number">{t.latency_seconds ? seconds(t.latency_seconds) : '–'}</Table.Td>
      <Table.Td className="number">{count(t.requests_5m)}</Table.Td>
      <Table.Td className="number">{t.failed_5m > 0 ? count(t.failed_5m) : <Text span inherit c="dimmed">0</Text>}</Table.Td>
      <Table.Td>
        {t.last_error ? (
          <>
            <Text size="sm" className="wrap-anywhere">{t.last_error}</Text>
            <Text size="xs" c="dimmed"><When at={t.last_error_at} /></Text>
          </>
        ) : <Text size="sm" c="dimmed">none</Text>}
      </Table.Td>
    </Table.Tr>
  );
}
