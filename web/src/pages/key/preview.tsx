import { Alert, List, Text } from '@mantine/core';
import { IconAlertTriangle, IconArrowRight } from '@tabler/icons-react';
import classes from './edit.module.css';
import type { Effect } from './effect';

/** What saving would change. */
export function Preview({ effects, whole }: { effects: Effect[]; whole: boolean }) {
  const warned = effects.some((e) => e.warns);
  return (
    <section aria-live="polite" aria-label="What changes" className={classes.preview}>
      <Text fw={600} size="sm" component="h3" mb={effects.length > 0 ? 'xs' : 0}>What changes</Text>
      {effects.length === 0 && <Text size="sm" c="dimmed">{whole ? 'Nothing yet.' : 'To be told once every field is right.'}</Text>}
      <List size="sm" spacing={6} listStyleType="none">
        {effects.map((e) => <List.Item key={`${e.what} ${e.before ?? ''} ${e.after ?? ''}`} className="wrap-anywhere"><Line of={e} /></List.Item>)}
      </List>
      {warned && (
        <Alert variant="default" mt="sm" icon={<IconAlertTriangle color="var(--mantine-color-yellow-filled)" aria-hidden />}>
          <Text size="sm" c="var(--mantine-color-text)">From the next request on, requests will be refused that are admitted now.</Text>
        </Alert>
      )}
    </section>
  );
}

function Line({ of: e }: { of: Effect }) {
  return (
    <>
      <Text span inherit c="dimmed">{e.what}: </Text>
      {e.before !== undefined && <Text span inherit td={e.after === undefined ? 'line-through' : undefined}>{e.before}</Text>}
      {e.before !== undefined && e.after !== undefined && <IconArrowRight size={14} aria-label="becomes" style={{ margin: '0 6px', verticalAlign: -2 }} />}
      {e.after !== undefined && <Text span inherit fw={600}>{e.after}</Text>}
      {e.note && <Text span inherit c={e.warns ? undefined : 'dimmed'} className={e.warns ? classes.warns : undefined}>{e.before === undefined && e.after !== undefined ? ' ' : '; '}{e.note}</Text>}
    </>
  );
}
