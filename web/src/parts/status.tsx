import { Badge } from '@mantine/core';
import type { Schemas } from '../api/client';

type Status = Schemas['Key']['status'];

const colors: Record<Status, string> = { active: 'toll', disabled: 'gray', expired: 'yellow', revoked: 'red' };

/** Whether a key works, as a dot and a word. */
export function KeyStatus({ status }: { status: Status }) {
  return (
    <Badge variant="dot" color={colors[status]} size="md" radius="sm" tt="none" fw={500} style={{ flex: 'none' }}>
      {status}
    </Badge>
  );
}
