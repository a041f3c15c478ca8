import { Alert, Autocomplete, Button, Card, Group, NumberInput, Select, Stack, Text } from '@mantine/core';
import { IconBan, IconCheck } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { api, ApiError, ask, type Schemas } from '../../api/client';
import { until } from '../../format/countdown';
import { figureOf, limitName } from '../../format/limits';
import { codeWords } from '../../format/outcome';
import { LimitBar } from '../../parts/limits';
import { Failed } from '../../parts/states';
import type { Key } from './queries';

/** What a request can be for, as the gateway counts it. */
const operations = ['chat', 'completions', 'responses', 'messages', 'embeddings', 'moderations', 'images', 'transcriptions', 'speech', 'rerank'];

/** Asks whether a request would pass, which spends nothing. */
export function Trial({ of: key }: { of: Key }) {
  const [model, setModel] = useState('');
  const [operation, setOperation] = useState('chat');
  const [input, setInput] = useState<number | string>(1000);
  const [output, setOutput] = useState<number | string>(1000);
  const heading = useId();
  const models = useQuery({ queryKey: ['models'], queryFn: ({ signal }) => ask(api.GET('/api/v1/models', { signal })), staleTime: 60_000 });
  const names = [...new Set((models.data?.models ?? []).map((m) => m.name))].filter((name) => !name.includes('*'));
  const asked = useMutation({
    mutationFn: () =>
      ask(api.POST('/api/v1/check', {
        body: { key: key.id, model: model.trim(), operation, input_tokens: Number(input) || undefined, max_tokens: Number(output) || undefined },
      })),
  });
  const fields = asked.error instanceof ApiError ? asked.error.fields : {};
  // The answer is about what was asked, not about what stands in the form since.
  const anew = asked.reset;
  return (
    <Card withBorder padding="md" component="section" aria-labelledby={heading}>
      <Text fw={600} size="sm" component="h2" id={heading}>Would this pass?</Text>
      <Text size="xs" c="dimmed" mb="sm">Asks all limits as they stand now. Nothing is spent or sent.</Text>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          asked.mutate();
        }}
      >
        <Stack gap="sm">
          <Autocomplete label="Model" required data={names} value={model} onChange={(v) => { setModel(v); anew(); }} placeholder="gpt-5" error={fields.model} />
          <Select label="Operation" data={operations} allowDeselect={false} value={operation} onChange={(v) => { setOperation(v ?? 'chat'); anew(); }} error={fields.operation} />
          <Group grow align="flex-start">
            <NumberInput label="Input tokens" min={0} allowDecimal={false} thousandSeparator="," value={input} onChange={(v) => { setInput(v); anew(); }} error={fields.input_tokens} />
            <NumberInput label="Output at most" min={0} allowDecimal={false} thousandSeparator="," value={output} onChange={(v) => { setOutput(v); anew(); }} error={fields.max_tokens} />
          </Group>
          <Button type="submit" variant="default" loading={asked.isPending} disabled={!model.trim()}>Ask</Button>
          <div aria-live="polite">
            {asked.isError && Object.keys(fields).length === 0 && <Failed why={asked.error} />}
            {asked.data && <Answer of={asked.data} />}
          </div>
        </Stack>
      </form>
    </Card>
  );
}

function Answer({ of: a }: { of: Schemas['Checked'] }) {
  const words = a.message ? a.message.charAt(0).toUpperCase() + a.message.slice(1) : '';
  return (
    <Stack gap="sm">
      <Alert
        variant="default"
        icon={a.allowed ? <IconCheck color="var(--mantine-color-toll-filled)" aria-hidden /> : <IconBan color="var(--mantine-color-red-filled)" aria-hidden />}
        title={a.allowed ? 'Yes, it would pass' : `No: ${a.status} ${codeWords(a.code ?? 'refused')}`}
      >
        <Text size="sm" c="var(--mantine-color-text)" className="wrap-anywhere">
          {a.allowed ? aside(a) : `${words}${/[.!?]$/.test(words) ? '' : '.'} ${aside(a)}`}
        </Text>
      </Alert>
      {a.limit && (
        <div>
          <Text size="xs" c="dimmed" mb={4}>The limit that refuses{a.limit.resets_at && <>, which resets in {until(a.limit.resets_at)}</>}</Text>
          <LimitBar limit={a.limit} />
        </div>
      )}
      {a.allowed && (a.limits?.length ?? 0) > 0 && (
        <Text size="xs" c="dimmed">
          Asked: {a.limits?.map((l) => `${limitName(l)} (${figureOf(l.kind, l.remaining)} left)`).join('; ')}.
        </Text>
      )}
    </Stack>
  );
}

/** What is set aside before such a request is sent. */
function aside(a: Schemas['Checked']): string {
  if (!a.bound) {
    return '';
  }
  const cost = a.price === 'unknown' ? 'no price is known for the model' : a.price === 'free' ? 'the model is declared free' : `at most ${figureOf('cost', a.bound.cost_usd)}`;
  return `It can come to ${figureOf('tokens', a.bound.tokens)} tokens; ${cost}${a.price === 'known' ? ' would be set aside for it' : ''}.`;
}
