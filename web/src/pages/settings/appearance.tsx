import { SegmentedControl, Stack, Text, useMantineColorScheme } from '@mantine/core';
import { absolute, ownZone } from '../../format/time';

/** What is only for this browser. */
export function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Stack gap="lg" maw={860} align="flex-start">
      <div>
        <Text size="sm" fw={600} mb={4} id="colours">Colours</Text>
        <SegmentedControl
          aria-labelledby="colours" value={colorScheme} onChange={(v) => setColorScheme(v as 'light' | 'dark' | 'auto')}
          data={[{ value: 'auto', label: 'As the system has them' }, { value: 'light', label: 'Light' }, { value: 'dark', label: 'Dark' }]}
        />
      </div>
      <div>
        <Text size="sm" fw={600} mb={4}>Times</Text>
        <Text size="sm">
          Moments are shown in the zone of this browser, {ownZone()}: it is {absolute(new Date())}. Sums of days and hours are made in UTC; each limit
          counts in the zone that its window names.
        </Text>
      </div>
    </Stack>
  );
}
