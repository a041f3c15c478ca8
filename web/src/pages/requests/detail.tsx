import { ActionIcon, Group, Skeleton, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { Copy } from '../../parts/copy';
import { When } from '../../parts/figures';
import { OutcomeBadge, Sentences, whyQuery } from '../../parts/requests';
import { Failed } from '../../parts/states';
import { Attempts } from './attempts';
import { Cost } from './cost';
import { RefusalBar } from './refusal';
import { Summary, Tokens } from './summary';
import classes from './requests.module.css';

/** One exchange: how it ended and why, what was tried, and how its cost is made up. */
export function Detail({ id, step, close }: { id: string; step: (by: 1 | -1) => void; close: () => void }) {
  const why = useQuery(whyQuery(id));
  return (
    <Stack gap="md">
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Title order={2} size="h3" className={classes.id} title={id}>{id}</Title>
        <Group gap={4} wrap="nowrap">
          <Copy text={id} label="Copy the request id" variant="subtle" />
          <Act label="The one before (k)" onClick={() => step(-1)}><IconChevronUp size={18} aria-hidden /></Act>
          <Act label="The next one (j)" onClick={() => step(1)}><IconChevronDown size={18} aria-hidden /></Act>
          <Act label="Close" onClick={close}><IconX size={18} aria-hidden /></Act>
        </Group>
      </Group>
      {why.isError ? <Failed why={why.error} again={() => void why.refetch()} /> : why.isPending ? <Pending /> : (
        <Exchange request={why.data.request} sentences={why.data.sentences ?? []} />
      )}
    </Stack>
  );
}

function Act({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={onClick}>{children}</ActionIcon>
    </Tooltip>
  );
}

function Pending() {
  return <Stack gap="sm" aria-busy="true" aria-label="Loading">{[40, 120, 90, 140].map((h) => <Skeleton key={h} height={h} />)}</Stack>;
}

function Exchange({ request: r, sentences }: { request: Schemas['Request']; sentences: string[] }) {
  const attempts = r.attempts ?? [];
  const answer = (
    <Part title={question(r)}>
      {r.refusal && <RefusalBar refusal={r.refusal} keyID={r.key_id} />}
      <Sentences sentences={sentences} />
    </Part>
  );
  // Who looks at what went wrong asks why; who looks at what went well asks what it cost.
  const asksWhy = r.outcome !== 'served' && r.outcome !== 'answered';
  return (
    <>
      <Group gap="sm" wrap="wrap">
        <OutcomeBadge outcome={r.outcome} code={r.code} status={r.status} />
        <Text size="sm" c="dimmed"><When at={r.at} /></Text>
      </Group>
      {asksWhy && answer}
      <Part title="Request"><Summary request={r} /></Part>
      {attempts.length > 0 && <Part title={attempts.length === 1 ? 'Attempt' : 'Attempts'}><Attempts attempts={attempts} /></Part>}
      {attempts.length > 0 && <Part title="Tokens"><Tokens tokens={r.tokens} /></Part>}
      {attempts.length > 0 && <Part title="Cost"><Cost request={r} /></Part>}
      {!asksWhy && answer}
    </>
  );
}

function question(r: Schemas['Request']): string {
  switch (r.outcome) {
    case 'refused':
      return 'Why was this refused?';
    case 'served':
      return 'Why this price?';
    case 'answered':
      return 'What happened?';
    default:
      return 'Why did this fail?';
  }
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <Title order={3} size="sm" mb={6}>{title}</Title>
      <Stack gap="xs">{children}</Stack>
    </section>
  );
}
