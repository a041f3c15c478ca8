import '@mantine/dates/styles.css';

import { Group, Select } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useState } from 'react';
import { customPeriod, daysOf, nameOfPeriod, periods, rangeOf, type Period, type PeriodName } from '../format/period';

interface Props {
  value: Period;
  onChange: (value: Period) => void;
  /** The period that holds when none is named. */
  fallback?: PeriodName;
  /** Where what stands beside it has no label that is seen either. */
  bare?: boolean;
}

/** Chooses a period: one that moves with the clock, or days of UTC. */
export function PeriodPicker({ value, onChange, fallback = '30d', bare = false }: Props) {
  const name = nameOfPeriod(value, fallback);
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <Select
        label={bare ? undefined : 'Period'}
        aria-label="Period"
        data={periods}
        value={name}
        allowDeselect={false}
        w={140}
        onChange={(next) => {
          // What was seen before is where somebody begins who wants other days.
          onChange(next === 'custom' ? customPeriod(...daysOf(rangeOf(value, fallback))) : { period: next ?? fallback });
        }}
      />
      {name === 'custom' && <Days key={`${value.from} ${value.to}`} value={value} onChange={onChange} fallback={fallback} bare={bare} />}
    </Group>
  );
}

/** Two days; until the second is chosen nothing changes. */
function Days({ value, onChange, fallback, bare }: Required<Props>) {
  const [days, setDays] = useState<[string | null, string | null]>(daysOf(rangeOf(value, fallback)));
  return (
    <DatePickerInput
      type="range"
      allowSingleDateInRange
      label={bare ? undefined : 'Days (UTC)'}
      aria-label="Days (UTC)"
      valueFormat="D MMM YYYY"
      value={days}
      w={230}
      maxDate={new Date().toISOString().slice(0, 10)}
      onChange={([first, last]) => {
        setDays([first, last]);
        if (first && last) {
          onChange(customPeriod(first, last));
        }
      }}
    />
  );
}
