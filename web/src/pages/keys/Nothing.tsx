import { Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconKey, IconSearch } from '@tabler/icons-react';
import { useMay } from '../../app/session';
import { Copy } from '../../parts/copy';
import { Empty } from '../../parts/states';

const line = 'tollgate keys import keys.ndjson --format litellm --dry-run';

/** There is no key yet: what one is for, and how to get the first. */
export function NoKeys({ create, take }: { create: () => void; take: () => void }) {
  const may = useMay();
  return (
    <Empty icon={IconKey} title="No keys yet" action={(
      <Stack align="center" gap="lg" mt="sm">
        {may('createKey') && <Button onClick={create}>Create the first key</Button>}
        {may('importKeys') && (
          <Stack gap="xs" align="center">
            <Text size="sm">Coming from LiteLLM? Clients keep their keys: export the table of keys and try it out first.</Text>
            <Group gap={4} wrap="nowrap">
              <Code className="wrap-anywhere">{line}</Code>
              <Copy text={line} label="Copy the command" variant="subtle" />
            </Group>
            <Button variant="subtle" size="xs" onClick={take}>Import a file here</Button>
          </Stack>
        )}
      </Stack>
    )}>
      A virtual key is what an application uses instead of a provider’s credential. It has its own limits, its own models and its own end, and can be switched off while all others work on.
    </Empty>
  );
}

/** There are keys, but none like that. */
export function NoMatch({ clear }: { clear: () => void }) {
  return (
    <Empty icon={IconSearch} title="No key matches" action={<Button variant="default" onClick={clear}>Clear the filters</Button>}>
      Search looks at names, ids, values of labels and the last characters of secrets.
    </Empty>
  );
}
