import { Button, Group, Input, Text } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import '@mantine/dates/styles.css';
import { ownZone } from '../../../format/time';
import type { KeyFormState } from './use';
import { localTime } from './values';

const presets = [7, 30, 90];

/** When the key ends. A preset is so many days from now, to the next midnight. */
export function Ending({ form }: { form: KeyFormState }) {
  const inDays = (days: number) => {
    const at = new Date();
    at.setHours(0, 0, 0, 0);
    at.setDate(at.getDate() + days + 1);
    form.setFieldValue('expires', localTime(at));
  };
  const { value, error, onBlur } = form.getInputProps('expires') as { value: string; error?: string; onBlur?: () => void };
  return (
    <div>
      <Group gap="xs" align="flex-end" wrap="wrap">
        <DateTimePicker
          label="Expiration" placeholder="Never" value={value || null} onChange={(at) => form.setFieldValue('expires', at ?? '')} onBlur={onBlur}
          clearable valueFormat="D MMM YYYY, HH:mm" minDate={localTime(new Date())} error={!!error} flex="1 1 220px" highlightToday
          clearButtonProps={{ 'aria-label': 'No expiration' }} submitButtonProps={{ 'aria-label': 'Take this moment' }}
          timePickerProps={{ hoursInputLabel: 'Hours', minutesInputLabel: 'Minutes' }}
        />
        <Group gap={4} role="group" aria-label="Expires in">
          {presets.map((days) => <Button key={days} variant="default" size="sm" px="sm" onClick={() => inDays(days)}>{days} days</Button>)}
        </Group>
      </Group>
      {error ? <Input.Error mt={5}>{error}</Input.Error> : value && <Text size="xs" c="dimmed" mt={5}>In the time zone of this browser, {ownZone()}</Text>}
    </div>
  );
}
