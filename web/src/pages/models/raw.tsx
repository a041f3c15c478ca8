import { Anchor, Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { parseDoc, type Doc } from './document';

/** The whole list as JSON, for all that the form has no field for. */
export function Raw({ doc, may, onDone }: { doc: Doc; may: boolean; onDone: (doc: Doc) => void }) {
  const [text, setText] = useState(() => JSON.stringify(doc, null, 2));
  const parsed = parseDoc(text);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        The format tollgate/prices/1: <code>rates</code> for a million tokens, <code>units</code> for one piece, <code>tiers</code>, <code>match</code>, <code>free</code> and more.
        The same text is what <code>tollgate prices overrides --set FILE</code> takes.
      </Text>
      <Textarea aria-label="Price list as JSON" value={text} onChange={(e) => setText(e.currentTarget.value)} readOnly={!may} autosize minRows={12} maxRows={26}
        spellCheck={false} error={'wrong' in parsed ? parsed.wrong : undefined} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }} />
      {may && (
        <Group justify="space-between">
          <Anchor component="button" type="button" size="sm" onClick={() => 'doc' in parsed && setText(JSON.stringify(parsed.doc, null, 2))}>Format</Anchor>
          <Button disabled={'wrong' in parsed} onClick={() => 'doc' in parsed && onDone(parsed.doc)}>Review the change</Button>
        </Group>
      )}
    </Stack>
  );
}
