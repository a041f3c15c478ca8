/** What is left until a moment, in its two greatest units: "9 d 8 h", "12 min 05 s". */
export function until(at: string | Date, now: Date = new Date()): string {
  const s = Math.max(0, Math.ceil((new Date(at).getTime() - now.getTime()) / 1000));
  const [days, hours, minutes, seconds] = [Math.floor(s / 86_400), Math.floor((s % 86_400) / 3600), Math.floor((s % 3600) / 60), s % 60];
  if (days > 0) {
    return `${days} d ${hours} h`;
  }
  if (hours > 0) {
    return `${hours} h ${two(minutes)} min`;
  }
  return minutes > 0 ? `${minutes} min ${two(seconds)} s` : `${seconds} s`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** A moment to the minute as a clock in a zone shows it: "Tue 1 Dec 2026, 00:00 Europe/Berlin". */
export function clock(at: string | Date, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: zone,
  }).formatToParts(new Date(at));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.find((p) => p.type === name)?.value ?? '';
  return `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}, ${part('hour')}:${part('minute')} ${zone}`;
}

/** Tells whether a moment is over. */
export function past(at: string | Date, now: Date = new Date()): boolean {
  return new Date(at) <= now;
}
