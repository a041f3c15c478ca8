import { Alert, Code, Stack, Text } from '@mantine/core';
import { IconLockOff } from '@tabler/icons-react';
import { Copy } from '../../parts/copy';

const lines = `(umask 077; openssl rand -hex 32 > master.key)
export TOLLGATE_MASTER_KEY_FILE=$PWD/master.key     # in the environment of the server
tollgate serve`;

/** Without a master key nothing can be sealed: how to get one, instead of a button that fails. */
export function MasterKeyMissing() {
  return (
    <Alert color="yellow" variant="light" icon={<IconLockOff aria-hidden />} styles={{ label: { whiteSpace: 'normal', overflow: 'visible' } }} title="This server has no master key, so no credential can be stored">
      <Stack gap="xs">
        <Text size="sm">Credentials are sealed under 32 bytes that only the server knows. Make them once, and start the server anew:</Text>
        <Lines text={lines} label="Copy the commands" />
        <Text size="sm">The file can be named in the configuration as well:</Text>
        <Lines text={'tollgate:\n  masterKeyFile: master.key'} label="Copy the configuration" />
        <Text size="sm">
          Keep a copy elsewhere: a backup holds the sealed credentials and not this key. Until then a configuration can refer to
          the environment (<Code>apiKey: $OPENAI_API_KEY</Code>) and to files (<Code>{'apiKey: {file: /run/secrets/openai}'}</Code>).
        </Text>
      </Stack>
    </Alert>
  );
}

export function Lines({ text, label }: { text: string; label: string }) {
  return (
    <div style={{ position: 'relative' }}>
      <Code block pr={52} style={{ overflowX: 'auto' }} tabIndex={0}>{text}</Code>
      <div style={{ position: 'absolute', top: 6, right: 6 }}><Copy text={text} label={label} variant="subtle" /></div>
    </div>
  );
}
