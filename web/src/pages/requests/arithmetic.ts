import type { Schemas } from '../../api/client';

type Line = Schemas['CostLine'];

const kinds: Record<string, string> = {
  input: 'Input tokens', output: 'Output tokens', cacheRead: 'Input tokens from the cache', cacheWrite: 'Tokens written to the cache',
  cacheWrite1h: 'Tokens written to the cache for an hour', reasoning: 'Reasoning tokens', inputAudio: 'Audio input tokens',
  cacheReadAudio: 'Audio input tokens from the cache', outputAudio: 'Audio output tokens', inputImage: 'Image input tokens',
  cacheReadImage: 'Image input tokens from the cache', outputImage: 'Image output tokens', character: 'Characters', webSearch: 'Web searches',
  fileSearch: 'File searches', webFetch: 'Web fetches', codeSession: 'Code sessions', toolCall: 'Tool calls', request: 'Requests',
  picture: 'Pictures', rerankUnit: 'Rerank units', audioHour: 'Seconds of audio',
};

/** What is charged for, in words; a kind that is new here by its own name. */
export function kindWords(kind: string): string {
  return kinds[kind] ?? kind;
}

/** Prices for one of something have no unit worth a word. */
export function perWords(per: string): string {
  return per === 'one' ? '' : ` per ${per}`;
}

const sources: Record<string, string> = {
  none: 'The provider did no work for it.',
  exact: 'The figures are those that the provider reported.',
  estimated: 'The provider reported no figures, so tollgate counted what passed through it.',
  unknown: 'Nobody knows how far the provider got, so what it may have done is charged.',
  cut: 'The answer was cut off, so what had been delivered is charged.',
  rejected: 'What the provider reported made no sense, so what had been set aside is charged.',
};

/** Where the figures of a charge come from. */
export function sourceWords(source: string | undefined): string {
  return source ? (sources[source] ?? source) : '';
}

/** The exact sum of what the lines cost, as decimal text. */
export function total(lines: readonly Pick<Line, 'cost_usd'>[]): string {
  const places = Math.max(0, ...lines.map((l) => l.cost_usd.split('.')[1]?.length ?? 0));
  const sum = lines.reduce((so, l) => {
    const [whole = '0', part = ''] = l.cost_usd.split('.');
    return so + BigInt(whole + part.padEnd(places, '0'));
  }, 0n);
  const digits = sum.toString().padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** Tells whether two amounts are the same: 0.10 is 0.1. */
export function same(a: string, b: string): boolean {
  const bare = (s: string) => (s.includes('.') ? s.replace(/\.?0+$/, '') : s);
  return bare(a) === bare(b);
}
