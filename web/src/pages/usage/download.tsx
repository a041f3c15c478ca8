import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

/** The sums that are seen as CSV, to the last digit. The browser asks with its own session. */
export function Download({ query, icon }: { query: Record<string, string | number | string[]>; icon: ReactNode }) {
  const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : String(value)]));
  return (
    <Button component="a" href={`/api/v1/usage.csv?${params}`} download variant="default" leftSection={icon}>
      Download CSV
    </Button>
  );
}
