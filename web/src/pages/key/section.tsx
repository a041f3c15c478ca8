import { Group, Title } from '@mantine/core';
import { useId, type ReactNode } from 'react';

/** A part of a page with its own heading. */
export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <Group justify="space-between" align="flex-end" mb="sm" mih={28}>
        <Title order={2} id={id}>{title}</Title>
        {aside}
      </Group>
      {children}
    </section>
  );
}
