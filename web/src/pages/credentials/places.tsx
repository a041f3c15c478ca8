import { Code, List, Text } from '@mantine/core';

/** Where the configuration in force names a credential, before anything is tried that this forbids. */
export function UsedBy({ places }: { places: string[] }) {
  if (places.length === 0) {
    return <Text size="sm" c="dimmed">nothing</Text>;
  }
  return (
    <>
      {places.slice(0, 2).map((p) => <Text key={p} size="sm" className="wrap-anywhere">{p}</Text>)}
      {places.length > 2 && <Text size="xs" c="dimmed">and {places.length - 2} more</Text>}
    </>
  );
}

/** What stands in the way of renaming or deleting a credential. */
export function InUse({ name, places, deed }: { name: string; places: string[]; deed: string }) {
  return (
    <>
      <Text size="sm">
        The configuration in force names <b className="wrap-anywhere">{name}</b>, so it cannot be {deed}. Take it out there first; the file is watched, and this dialog notices:
      </Text>
      <List size="sm" spacing={4} aria-label="Where the configuration names it">
        {places.map((p) => <List.Item key={p}><Code className="wrap-anywhere">{p}</Code></List.Item>)}
      </List>
    </>
  );
}
