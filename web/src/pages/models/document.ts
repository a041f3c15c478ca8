// The operator's price list, in the format tollgate/prices/1. It is changed member by member:
// what the form does not know (tiers, periods, service levels …) stays as it stands.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Doc = { [name: string]: Json };

/** The price of one model as the form knows it: dollars for a million tokens, as decimal text. */
export interface Setting {
  provider: string;
  model: string;
  free: boolean;
  rates: Record<string, string>;
}

/** A model of the list. */
export interface Entry extends Setting {
  /** Members of the entry that the form does not show. */
  others: string[];
}

export const format = 'tollgate/prices/1';

/** The kinds that the form has fields for, in the words of the format. */
export const kinds = [
  { kind: 'input', label: 'Input' },
  { kind: 'output', label: 'Output' },
  { kind: 'cacheRead', label: 'Cached input read' },
  { kind: 'cacheWrite', label: 'Cached input written' },
] as const;

function members(value: Json | undefined): Doc {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function modelsOf(doc: Doc, provider: string): Doc {
  return members(members(members(doc.providers)[provider]).models);
}

/** All models that the list has an entry for. */
export function entries(doc: Doc): Entry[] {
  return Object.keys(members(doc.providers)).flatMap((provider) =>
    Object.entries(modelsOf(doc, provider)).map(([model, raw]) => {
      const entry = members(raw);
      const rates = Object.fromEntries(Object.entries(members(entry.rates)).map(([kind, price]) => [kind, String(price)]));
      return { provider, model, free: entry.free === true, rates, others: Object.keys(entry).filter((name) => name !== 'free' && name !== 'rates') };
    }));
}

/** The list with the price of a model set, and everything else as it was. */
export function withModel(doc: Doc, { provider, model, free, rates }: Setting): Doc {
  const entry = { ...members(modelsOf(doc, provider)[model]) };
  delete entry.free;
  delete entry.rates;
  if (free) {
    // What is free has no prices, whatever they were for.
    delete entry.tiers;
    delete entry.periods;
    entry.free = true;
  } else {
    entry.rates = rates;
  }
  return withModels(doc, provider, { ...modelsOf(doc, provider), [model]: entry });
}

/** The list without an entry for a model; a provider that has nothing left goes with it. */
export function withoutModel(doc: Doc, provider: string, model: string): Doc {
  const models = { ...modelsOf(doc, provider) };
  delete models[model];
  return withModels(doc, provider, models);
}

function withModels(doc: Doc, provider: string, models: Doc): Doc {
  const providers = { ...members(doc.providers) };
  const book = { ...members(providers[provider]), models };
  if (Object.keys(models).length === 0) {
    delete (book as Doc).models;
  }
  if (Object.keys(book).length === 0) {
    delete providers[provider];
  } else {
    providers[provider] = book;
  }
  return { format, ...doc, providers };
}

/** What is wrong with the text of a price; nothing if nothing is. Empty: it is left out. */
export function wrongPrice(text: string): string | undefined {
  if (text.trim() === '') {
    return undefined;
  }
  if (!/^\d+(\.\d+)?$/.test(text.trim())) {
    return 'Write dollars as a decimal number, such as 1.25';
  }
  return /\.\d{7,}$/.test(text.trim()) ? 'At most six decimals: prices are counted in millionths of a dollar for a million tokens' : undefined;
}

/** What is different between two lists about one model. */
export interface Change {
  provider: string;
  model: string;
  deed: 'added' | 'changed' | 'removed';
  /** Member by member, as people read them; absent: there was or will be nothing. */
  lines: { name: string; before?: string; after?: string }[];
}

/** What another list changes, model by model. */
export function changes(before: Doc, after: Doc): Change[] {
  const was = flat(before);
  const will = flat(after);
  return [...new Set([...was.keys(), ...will.keys()])].sort().flatMap((id) => {
    const [a, b] = [was.get(id), will.get(id)];
    const lines = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])]
      .map((name) => ({ name, before: a?.[name], after: b?.[name] }))
      .filter((l) => l.before !== l.after);
    const [provider, model] = JSON.parse(id) as [string, string];
    return lines.length > 0 || !a !== !b ? [{ provider, model, deed: !a ? 'added' as const : !b ? 'removed' as const : 'changed' as const, lines }] : [];
  });
}

function flat(doc: Doc): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>();
  for (const [provider, book] of Object.entries(members(doc.providers))) {
    const { models, ...rest } = members(book);
    if (Object.keys(rest).length > 0) {
      found.set(JSON.stringify([provider, '']), told(rest));
    }
    for (const [model, entry] of Object.entries(members(models))) {
      found.set(JSON.stringify([provider, model]), told(members(entry)));
    }
  }
  return found;
}

function told(entry: Doc): Record<string, string> {
  const { rates, ...rest } = entry;
  return Object.fromEntries([
    ...Object.entries(members(rates)).map(([kind, price]) => [kind, `$${String(price)}`]),
    ...Object.entries(rest).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  ]);
}

/** Reads a list that somebody typed, or says what is wrong with it. */
export function parseDoc(text: string): { doc: Doc } | { wrong: string } {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (why) {
    return { wrong: why instanceof Error ? why.message : 'This is no JSON.' };
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { wrong: 'A price list is an object with "format" and "providers".' };
  }
  return value.format === format ? { doc: value } : { wrong: `"format" has to be "${format}".` };
}
