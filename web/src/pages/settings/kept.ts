import { some } from '../../format/numbers';

/** A duration of the health answer, for people: "30d" is "30 days". */
export function keptFor(text: string): string {
  const days = /^(\d+)d$/.exec(text);
  const hours = /^(\d+)h(0m0s)?$/.exec(text);
  return days ? some(Number(days[1]), 'day') : hours ? some(Number(hours[1]), 'hour') : text;
}
