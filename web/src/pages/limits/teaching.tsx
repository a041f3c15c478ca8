import { Card, SimpleGrid, Text, ThemeIcon, UnstyledButton } from '@mantine/core';
import { IconGauge, IconStack2, IconUsersGroup } from '@tabler/icons-react';
import { Empty } from '../../parts/states';
import { examples } from './examples';
import { sentence } from './sentence';
import classes from './teaching.module.css';

const kinds = [
  { name: 'pool', icon: IconUsersGroup, title: 'One amount for a team', begin: 'Begin with this' },
  { name: 'each', icon: IconStack2, title: 'A default for every key', begin: 'Begin with this' },
] as const;

/** There is no shared limit yet: what they are for, and two to begin with. */
export function Teaching({ pick }: { pick?: (example: 'pool' | 'each') => void }) {
  return (
    <>
      <Empty icon={IconGauge} title="No shared limit yet">
        Limits of a key hold that key. A shared limit holds many: all of them together, or every one for itself, those that are made later, too.
      </Empty>
      <SimpleGrid cols={{ base: 1, sm: 2 }} maw={820} mx="auto">
        {kinds.map(({ name, icon: Mark, title, begin }) => {
          const body = (
            <>
              <ThemeIcon variant="default" size="lg" mb="sm"><Mark size={18} stroke={1.6} aria-hidden /></ThemeIcon>
              <Text fw={600} size="sm">{title}</Text>
              <Text size="sm" c="dimmed" mt={4}>{sentence(examples[name])}</Text>
              {pick && <Text size="sm" c="var(--mantine-color-anchor)" mt="sm" fw={500}>{begin}</Text>}
            </>
          );
          return pick
            ? <UnstyledButton key={name} className={classes.example} onClick={() => pick(name)}>{body}</UnstyledButton>
            : <Card key={name} withBorder padding="md">{body}</Card>;
        })}
      </SimpleGrid>
    </>
  );
}
