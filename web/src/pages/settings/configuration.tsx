import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef, useState, type FormEvent } from 'react';
import { ApiError, type Problem } from '../../api/client';
import { some } from '../../format/numbers';
import { Copy } from '../../parts/copy';
import { Failed, Rows } from '../../parts/states';
import { parts } from './search';
import classes from './settings.module.css';

/** The dump is no part of the described API, so it is asked for without the typed client. */
async function dump(signal: AbortSignal): Promise<string> {
  const answer = await fetch('/config_dump', { signal, credentials: 'same-origin' });
  if (!answer.ok) {
    throw new ApiError(answer.status, (await answer.json().catch(() => ({}))) as Partial<Problem>);
  }
  return JSON.stringify(await answer.json(), null, 2);
}

/** The configuration as it was understood, credentials masked, with a search in it. */
export function Configuration() {
  const config = useQuery({ queryKey: ['health', 'configuration'], queryFn: ({ signal }) => dump(signal) });
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const box = useRef<HTMLPreElement>(null);
  const found = useMemo(() => parts(config.data ?? '', text), [config.data, text]);
  const hits = (found.length - 1) / 2;

  const next = (e: FormEvent) => {
    e.preventDefault();
    const marks = box.current?.querySelectorAll('mark') ?? [];
    const to = marks[at % Math.max(1, marks.length)];
    to?.scrollIntoView({ block: 'center' });
    setAt((n) => (n + 1) % Math.max(1, marks.length));
  };

  if (config.isError) {
    return <Failed why={config.error} again={() => void config.refetch()} />;
  }
  if (config.isPending) {
    return <Rows rows={10} height={26} />;
  }
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="sm">
        <form onSubmit={next}>
          <Group gap="xs">
            <TextInput
              aria-label="Search in the configuration" placeholder="Search" leftSection={<IconSearch size={16} aria-hidden />} value={text}
              onChange={(e) => {
                setText(e.currentTarget.value);
                setAt(0);
              }}
            />
            <Button type="submit" variant="default" disabled={hits === 0}>Next</Button>
            <Text size="sm" c="dimmed" aria-live="polite">{text && some(hits, 'place')}</Text>
          </Group>
        </form>
        <Copy text={config.data} label="Copy the configuration">Copy</Copy>
      </Group>
      <pre ref={box} className={classes.dump} tabIndex={0} aria-label="Configuration in force">
        {found.map((part, i) => (i % 2 ? <mark key={i} className={classes.hit}>{part}</mark> : part))}
      </pre>
    </Stack>
  );
}
