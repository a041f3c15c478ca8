import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import type { Asked } from './filters';

/** The events that the filters let through, as a file with one JSON object a line. */
export function Export({ asked }: { asked: Asked }) {
  const query = new URLSearchParams(Object.entries(asked).filter((pair): pair is [string, string] => Boolean(pair[1])));
  const filtered = query.size > 0;
  return (
    <Button
      component="a" variant="default" href={`/api/v1/audit/export${filtered ? `?${query}` : ''}`} download="audit.ndjson"
      leftSection={<IconDownload size={16} aria-hidden />} title={filtered ? 'The events that the filters let through' : 'The whole trail; choose a time to have less'}
    >
      {filtered ? 'Export these' : 'Export'}
    </Button>
  );
}
