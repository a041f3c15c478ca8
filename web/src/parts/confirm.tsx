import { Button, Group, Modal, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useReturnFocus } from './focus';
import { Failed } from './states';

interface ConfirmProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, and to whom. */
  children: ReactNode;
  /** What the button says: the deed, not "OK". */
  action: string;
  /** Cannot be undone. */
  danger?: boolean;
  /** What must be typed first, such as the name of what is deleted. */
  typed?: string;
  /** Asks for a reason, which goes to the audit trail. */
  reason?: boolean;
  onConfirm: (reason: string | undefined) => Promise<unknown>;
}

/** Asks before something is done. It closes when it is done and says what went wrong otherwise. */
export function Confirm(props: ConfirmProps) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title} centered>
      <Question {...props} />
    </Modal>
  );
}

// Apart from the dialog, so that every opening begins anew.
function Question({ onClose, children, action, danger = false, typed, reason: asks = false, onConfirm }: ConfirmProps) {
  const [text, setText] = useState('');
  useReturnFocus();
  const [reason, setReason] = useState('');
  const deed = useMutation({ mutationFn: () => onConfirm(reason.trim() || undefined), onSuccess: onClose });
  const sure = typed === undefined || text.trim() === typed;
  return (
    <form onSubmit={(e) => {
      e.preventDefault();
      if (sure) {
        deed.mutate();
      }
    }}>
      <Stack gap="md">
        <Text size="sm" component="div" className="wrap-anywhere">{children}</Text>
        {asks && (
          <Textarea label="Reason" description="Kept in the audit trail" value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} autosize minRows={1} data-autofocus={typed === undefined || undefined} />
        )}
        {typed !== undefined && (
          <TextInput
            label={<>Type <b className="wrap-anywhere">{typed}</b> to go on</>} value={text} onChange={(e) => setText(e.currentTarget.value)}
            autoComplete="off" spellCheck={false} data-autofocus
          />
        )}
        {deed.isError && <Failed why={deed.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" color={danger ? 'red' : undefined} disabled={!sure} loading={deed.isPending}>{action}</Button>
        </Group>
      </Stack>
    </form>
  );
}
