import { Alert, Grid, Stack } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '../../app/session';
import { Empty, PageHead } from '../../parts/states';
import { Answer } from './answered';
import { Cost } from './cost';
import { Curl } from './curl';
import { useExchange } from './exchange';
import { PromptForm, type Draft } from './form';
import { Headers } from './headertable';
import { Standing } from './standing';
import { bodyOf, operationOf, pathOf } from './request';

/** Sends a prompt with a key and shows everything that the application would get. */
export function Try() {
  const may = useMay()('tryKey');
  const search = useSearch({ from: '/try' });
  const navigate = useNavigate({ from: '/try' });
  const [draft, setDraft] = useState<Draft>({ system: '', user: 'Say hello in one sentence.', maxTokens: 200, stream: true });
  const { exchange, send, cancel } = useExchange();
  if (!may) {
    return <Empty icon={IconPlayerPlay} title="Your role may not send requests">Ask an administrator, or send one with a key of your own.</Empty>;
  }
  const operation = operationOf(search.operation);
  const prompt = { ...draft, operation, model: search.model ?? '' };
  const running = exchange?.phase === 'sent' || exchange?.phase === 'answering';
  return (
    <>
      <PageHead title="Try it">What an application with this key would send and get. It is a real request: limits hold, and it is charged to the key.</PageHead>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 5, lg: 4 }}>
          <Stack gap="md">
            <PromptForm
              search={search} operation={operation} draft={draft} setDraft={setDraft} running={running} onCancel={cancel}
              set={(change) => void navigate({ search: (s) => ({ ...s, ...change }), replace: true, resetScroll: false })}
              onSend={() => void send({ key: search.key ?? '', path: pathOf(operation), body: bodyOf(prompt) })}
            />
            {search.key && <Standing id={search.key} running={running} />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7, lg: 8 }}>
          <Stack gap="md">
            {exchange ? <Answer exchange={exchange} /> : (
              <Alert variant="light" color="gray" icon={<IconPlayerPlay aria-hidden />} title="Nothing was sent yet">
                Choose a key and a model. The answer appears here as it arrives, with its headers, what it cost and why.
              </Alert>
            )}
            {exchange && !running && exchange.requestId && !exchange.failed && <Cost key={exchange.requestId} id={exchange.requestId} />}
            {exchange && exchange.headers.length > 0 && <Headers list={exchange.headers} />}
            <Curl prompt={prompt} />
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}
