import { Alert, Button, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { some } from '../../format/numbers';
import { Lines } from '../credentials/masterkey';
import { Failed } from '../../parts/states';

/** Checks the chain of the trail, and that of the ledger, from end to end. */
export function Verify() {
  const [opened, { open, close }] = useDisclosure();
  const check = useMutation({ mutationFn: () => ask(api.GET('/api/v1/audit/verify')) });
  return (
    <>
      <Button
        variant="default" leftSection={<IconShieldCheck size={16} aria-hidden />}
        onClick={() => {
          open();
          check.mutate();
        }}
      >
        Verify
      </Button>
      <Modal opened={opened} onClose={close} title="Is the audit trail as it was written?" centered>
        {check.isError ? <Failed why={check.error} again={() => check.mutate()} /> : check.data ? <Result found={check.data} /> : <Skeleton height={120} aria-label="Verifying" />}
      </Modal>
    </>
  );
}

function Result({ found }: { found: Schemas['Verification'] }) {
  return (
    <Stack gap="sm">
      {found.ok ? (
        <Alert color="toll" variant="light" icon={<IconShieldCheck aria-hidden />} title={`All ${some(found.events, 'event')} verify`}>
          <Text size="sm">Nothing was altered, left out or put in between.</Text>
        </Alert>
      ) : (
        <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={`The trail does not verify: ${found.problem ?? 'unknown'}`} role="alert">
          <Text size="sm">{found.message}</Text>
        </Alert>
      )}
      <Text size="sm">
        The hash of the last event stands for the whole trail. Keep it elsewhere: a trail that was cut short later has another one.
      </Text>
      <Lines text={found.tip} label="Copy the hash of the last event" />
    </Stack>
  );
}
