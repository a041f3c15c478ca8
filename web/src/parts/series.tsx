import './series.css';

import { Box } from '@mantine/core';
import { absolute, dayOf } from '../format/time';
import { other, type Step } from '../format/usage';

/** The colour of a series by its place, as CSS. */
export function seriesColor(id: string, place: number): string {
  return id === other ? 'var(--series-other)' : `var(--series-${place % 9})`;
}

/** The square that stands for a series beside its name. */
export function Swatch({ id, place }: { id: string; place: number }) {
  return <Box w={10} h={10} bg={seriesColor(id, place)} style={{ borderRadius: 3, flex: 'none' }} aria-hidden />;
}

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** A span as it stands below its bar: days are those of UTC, hours those of the browser. */
export function spanName(step: Step, at: string): string {
  return step === 'day' ? dayOf(at) : hour.format(new Date(at));
}

/** A span where there is room for all of it. */
export function spanTitle(step: Step, at: string): string {
  return step === 'day' ? `${dayOf(at)} (UTC)` : absolute(at);
}
