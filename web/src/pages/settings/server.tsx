import { Alert, Button, Card, Code, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { count } from '../../format/numbers';
import { When } from '../../parts/figures';
import { TextLink } from '../../parts/links';
import { Failed, Rows } from '../../parts/states';
import classes from './settings.module.css';

export function useHealth() {
  return useQuery({ queryKey: ['health'], queryFn: ({ signal }) => ask(api.GET('/api/v1/health', { signal })), refetchInterval: 10_000 });
}

/** The version, the last reload and where the data are. */
export function Server() {
  const may = useMay();
  const health = useHealth();
  if (health.isError) {
    return <Failed why={health.error} again={() => void health.refetch()} />;
  }
  if (health.isPending) {
    return <Rows rows={6} height={34} />;
  }
  const h = health.data;
  return (
    <Stack gap="lg" maw={860}>
      {h.reload_error && (
        <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title="The last change of the configuration was not taken" role="alert">
          <Text size="sm">The one before it stays in force. Correct the file; it is read again within a second.</Text>
          <Code block mt="xs" className="wrap-anywhere" style={{ whiteSpace: 'pre-wrap' }}>{h.reload_error}</Code>
        </Alert>
      )}
      <Card withBorder>
        <dl className={classes.facts}>
          <Fact name="Version"><code>{h.version}</code></Fact>
          <Fact name="Started"><When at={h.started_at} /></Fact>
          <Fact name="Configuration read"><When at={h.reloaded_at} />{h.reload_error ? ', refused' : ''}</Fact>
          <Fact name="Data directory"><code>{h.data_dir}</code></Fact>
          <Fact name="Database"><code>{h.database}</code></Fact>
          <Fact name="Ledger">{count(h.ledger_rows)} rows found at the start</Fact>
          <Fact name="Master key">
            {h.master_key ? 'there: credentials can be stored' : <>none: {may('listCredentials') ? <TextLink to="/credentials" inherit>how to get one</TextLink> : 'credentials cannot be stored'}</>}
          </Fact>
        </dl>
      </Card>
      {may('backup') && <Backup />}
    </Stack>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div className={classes.fact}><dt>{name}</dt><dd>{children}</dd></div>;
}

function Backup() {
  return (
    <Card withBorder>
      <Stack gap="xs" align="flex-start">
        <Title order={2} size="h3">Backup</Title>
        <Text size="sm">
          A tar archive of the databases and the pepper, made while everything goes on. Who has it can read the digests of keys, not the keys; the
          master key is not in it. A download that breaks off is no backup.
        </Text>
        <Button component="a" href="/api/v1/backup" download="tollgate-backup.tar" variant="default" leftSection={<IconDownload size={16} aria-hidden />}>Download a backup</Button>
      </Stack>
    </Card>
  );
}
