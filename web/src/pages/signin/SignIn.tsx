import { Alert, Anchor, Button, Card, Center, Code, Group, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { ApiError } from '../../api/client';
import { sessionOver } from '../../app/queries';
import { useSignIn } from '../../app/session';
import { some } from '../../format/numbers';
import { Mark } from '../../parts/logo';

/** The door: an admin token opens it. The browser keeps a session, never the token. */
export function SignIn() {
  const signIn = useSignIn();
  const over = useQueryClient().getQueryData(sessionOver) === true;
  const [token, setToken] = useState('');
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);

  async function enter(e: FormEvent) {
    e.preventDefault();
    if (token.trim() === '') {
      setWrong('Paste an admin token.');
      return;
    }
    setBusy(true);
    setWrong('');
    try {
      await signIn(token.trim());
    } catch (why) {
      setWrong(refusal(why));
      setBusy(false);
    }
  }

  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder padding="xl" w="100%" maw={420} shadow="sm">
        <form onSubmit={(e) => void enter(e)} noValidate>
          <Stack>
            <Group gap="sm">
              <Mark size={32} />
              <Title order={1}>tollgate</Title>
            </Group>
            {over && <Alert color="gray" variant="light" role="status">Your session is over. Sign in again to go on where you were.</Alert>}
            <PasswordInput
              label="Admin token"
              description="The one that tollgate showed when it started for the first time, or one made since. Its role says what the console offers."
              placeholder="tga-…"
              autoComplete="current-password"
              spellCheck={false}
              value={token}
              onChange={(e) => setToken(e.currentTarget.value)}
              error={wrong}
              data-autofocus
              autoFocus
            />
            <Button type="submit" loading={busy} fullWidth>
              Sign in
            </Button>
            <Text size="xs" c="dimmed">
              Lost it? On the machine that tollgate runs on, <Code>tollgate tokens create NAME --role owner</Code> makes another.{' '}
              <Anchor href="/api/v1/openapi.json" size="xs">The API</Anchor> takes the same tokens.
            </Text>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}

function refusal(why: unknown): string {
  if (why instanceof ApiError && why.status === 401) {
    return 'No admin token is like this. It may be mistyped, expired or deleted; a virtual key opens nothing here.';
  }
  if (why instanceof ApiError && why.status === 429) {
    return `There were too many failed tries from this address. Try again in ${some(why.retryAfter ?? 1, 'second')}.`;
  }
  return why instanceof Error ? why.message : String(why);
}
