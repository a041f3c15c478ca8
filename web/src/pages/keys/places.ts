import type { KeySearch } from './list';

interface Place {
  /** Cursor of the page before; absent: the first page. */
  before?: string;
  /** Number of the page's first key. */
  first: number;
}

// A cursor leads forward only. Where the pages that were seen lie is remembered for as long as
// the console is open, so that coming back from a key finds the way.
const places = new Map<string, Place>();

function name(search: KeySearch, after: string): string {
  const question = Object.entries({ ...search, after }).filter(([, value]) => value !== undefined);
  return JSON.stringify(question.sort());
}

/** Remembers where the next page lies. */
export function remember(search: KeySearch, next: string, shown: number) {
  const first = placeOf(search)?.first;
  if (first !== undefined) {
    places.set(name(search, next), { before: search.after, first: first + shown });
  }
}

/** Where the page of an address lies; undefined if nobody came here from the first. */
export function placeOf(search: KeySearch): Place | undefined {
  return search.after === undefined ? { first: 1 } : places.get(name(search, search.after));
}
