import { Button, Group, Loader, Paper, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

interface Props {
  /** Whether sums are being made of which nothing is shown yet. */
  running: boolean;
  /** Whether somebody stopped them. */
  stopped: boolean;
}

/** Sums over many keys take seconds: says so, and lets them be stopped. */
export function Progress({ running, stopped }: Props) {
  const cache = useQueryClient();
  if (stopped) {
    return (
      <Line text="Stopped before the sums were made.">
        <Button size="xs" variant="default" onClick={() => void cache.refetchQueries({ queryKey: ['usage'], type: 'active', predicate: (q) => q.state.data === undefined })}>Add them up</Button>
      </Line>
    );
  }
  return running ? (
    <Later>
      <Line text="Adding up. By key or by label this takes some seconds where there are very many keys." busy>
        <Button size="xs" variant="default" onClick={() => void cache.cancelQueries({ queryKey: ['usage'] })}>Stop</Button>
      </Line>
    </Later>
  ) : null;
}

/** What is shown only if it is still wanted after most answers would be there. */
function Later({ children }: { children: React.ReactNode }) {
  const [due, setDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), 700);
    return () => clearTimeout(timer);
  }, []);
  return due ? children : null;
}

function Line({ text, busy, children }: { text: string; busy?: boolean; children: React.ReactNode }) {
  return (
    <Paper withBorder px="md" py="xs">
      <Group justify="space-between" gap="sm">
        <Group gap="sm" role="status">
          {busy && <Loader size="xs" aria-hidden />}
          <Text size="sm">{text}</Text>
        </Group>
        {children}
      </Group>
    </Paper>
  );
}
