const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** A moment beside now: "3 minutes ago", "in 2 weeks". */
export function ago(at: string | Date, now: Date = new Date()): string {
  const s = (new Date(at).getTime() - now.getTime()) / 1000;
  for (const [unit, length] of steps) {
    if (Math.abs(s) >= length) {
      return relative.format(Math.trunc(s / length), unit);
    }
  }
  return Math.abs(s) < 10 ? 'now' : relative.format(Math.trunc(s), 'second');
}

const full = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short', year: 'numeric', month: 'short', day: 'numeric',
  hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short',
});

/** A moment to the second, with the zone of the browser. */
export function absolute(at: string | Date): string {
  return full.format(new Date(at));
}

/** The zone of the browser, as in "Europe/Berlin". */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** All zones that the browser knows, UTC first. */
export function zones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')];
}

const day = new Intl.DateTimeFormat('en-GB', { month: 'short', day: 'numeric', timeZone: 'UTC' });

/** A day of usage, which is counted in UTC: "21 Nov". */
export function dayOf(at: string | Date): string {
  return day.format(new Date(at));
}
