import { Alert, Anchor, Button, Group, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertTriangle, IconMoodEmpty, type Icon } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client';

/** What went wrong and what to do about it, in the words of the API. */
export function Failed({ why, again }: { why: unknown; again?: () => void }) {
  const problem = why instanceof ApiError ? why : undefined;
  const fields = Object.entries(problem?.fields ?? {});
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={problem?.problem.title ?? 'That did not work'} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="wrap-anywhere">{why instanceof Error ? why.message : String(why)}</Text>
        {fields.map(([path, message]) => (
          <Text size="sm" key={path} className="wrap-anywhere">
            <code>{path}</code>: {message}
          </Text>
        ))}
        {problem?.problem.request_id && (
          <Text size="xs" c="dimmed">
            request id {problem.problem.request_id}
          </Text>
        )}
        {again && (
          <Button size="xs" variant="light" color="red" onClick={again}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Nothing is here yet: why, and the next step. */
export function Empty({ icon: Shown = IconMoodEmpty, title, children, action }: { icon?: Icon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <ThemeIcon size={48} radius="xl" variant="light" color="gray">
        <Shown size={26} aria-hidden />
      </ThemeIcon>
      <Text fw={600}>{title}</Text>
      {children && (
        <Text size="sm" c="dimmed" maw={460}>
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}

/** The place of a table that is on its way: as high as the table will be. */
export function Rows({ rows = 8, height = 44 }: { rows?: number; height?: number }) {
  return (
    <Stack gap={6} role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={height - 6} radius="sm" />
      ))}
    </Stack>
  );
}

export function PagePending() {
  return (
    <Stack gap="lg">
      <Skeleton height={32} width={220} />
      <Rows />
    </Stack>
  );
}

export function PageFailed({ error }: { error: unknown }) {
  return <Failed why={error} again={() => window.location.reload()} />;
}

export function Missing() {
  return (
    <Empty title="There is no such page" action={<Anchor component={Link} to="/">To the overview</Anchor>}>
      The address may be wrong, or what was there has been deleted.
    </Empty>
  );
}

/** The head of a page: its name, what it is about, and what can be done here. */
export function PageHead({ title, children, actions }: { title: ReactNode; children?: ReactNode; actions?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
      <div style={{ minWidth: 0 }}>
        <Title order={1} className="wrap-anywhere">{title}</Title>
        {children && (
          <Text c="dimmed" size="sm" mt={2}>
            {children}
          </Text>
        )}
      </div>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
