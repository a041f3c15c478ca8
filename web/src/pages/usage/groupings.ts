// Groupings as the address has them: one or two, with a comma between.

const known = [
  { value: 'key', label: 'Key' },
  { value: 'model', label: 'Model' },
  { value: 'provider', label: 'Provider' },
  { value: 'day', label: 'Day' },
  { value: 'hour', label: 'Hour' },
];

/** The name of a grouping, as a column is headed. */
export function groupingName(by: string): string {
  return known.find((k) => k.value === by)?.label ?? (by.startsWith('label.') ? by.slice('label.'.length) : by);
}

function isGrouping(by: string): boolean {
  return known.some((k) => k.value === by) || /^label\.[A-Za-z0-9_.-]{1,63}$/.test(by);
}

/** The groupings of an address; by model if it names none, which is quick however many keys there are. */
export function groupingsOf(text: string | undefined): string[] {
  const found = [...new Set((text ?? '').split(',').filter(isGrouping))].slice(0, 2);
  return found.length > 0 ? found : ['model'];
}

/** The text of groupings of which one is chosen anew; the second can be none. */
export function setGrouping(by: string[], place: 0 | 1, value: string | null): string {
  const next = place === 0 ? [value ?? by[0], by[1]] : [by[0], value];
  return [...new Set(next.filter((b) => b))].join(',');
}

/** What can be chosen: labels by the names that keys have, and those in use. */
export function optionsOf(labels: string[], by: string[]): { value: string; label: string }[] {
  const names = [...new Set([...labels, ...by.filter((b) => b.startsWith('label.')).map((b) => b.slice('label.'.length))])];
  return [...known, ...names.map((name) => ({ value: `label.${name}`, label: `Label: ${name}` }))];
}
