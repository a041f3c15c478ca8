import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

/** The sums that are seen as CSV, to the last digit. The browser asks with its own session. */
export function Download({ query, icon }: { query: Record<string, string | string[]>; icon: ReactNode }) {
  const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]));
  return (
    <Button component="a" href={`/api/v1/usage.csv?${params}`} download={`usage-${String(query.from).slice(0, 10)}.csv`} variant="default" leftSection={icon}>
      Download CSV
    </Button>
  );
}
