// Reads answers of every dialect as far as a person wants to: the text that was generated.

type Json = unknown;

function at(value: Json, ...path: (string | number)[]): Json {
  let now: Json = value;
  for (const step of path) {
    now = now !== null && typeof now === 'object' ? (now as Record<string | number, Json>)[step] : undefined;
  }
  return now;
}

function text(value: Json): string {
  return typeof value === 'string' ? value : '';
}

/** Server-sent events put together from pieces that end anywhere. */
export class Events {
  #rest = '';

  /** The data of the events that a piece completes. */
  add(piece: string): string[] {
    const blocks = (this.#rest + piece).replaceAll('\r\n', '\n').split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.map(dataOf).filter((data) => data !== '');
  }
}

function dataOf(block: string): string {
  return block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, '')).join('\n');
}

/** What an event of a stream adds to the text. */
export function deltaOf(data: string): string {
  const event = parsed(data);
  if (at(event, 'type') === 'response.output_text.delta') {
    return text(at(event, 'delta'));
  }
  return text(at(event, 'choices', 0, 'delta', 'content')) || text(at(event, 'delta', 'text'));
}

/** The text of an answer that is no stream, and a word about what has none. */
export function textOf(body: string): string {
  const answer = parsed(body);
  const vector = at(answer, 'data', 0, 'embedding');
  if (Array.isArray(vector)) {
    return `A vector of ${vector.length} numbers: ${vector.slice(0, 4).map((n) => Number(n).toPrecision(4)).join(', ')} …`;
  }
  const parts = (list: Json, ...path: string[]) => (Array.isArray(list) ? list.map((part) => text(at(part, ...path))).join('') : '');
  const output = at(answer, 'output');
  return text(at(answer, 'choices', 0, 'message', 'content'))
    || (Array.isArray(output) ? output.map((item) => parts(at(item, 'content'), 'text')).join('') : '')
    || parts(at(answer, 'content'), 'text');
}

/** What an answer says went wrong, in any dialect: after the first byte of a stream it is an event. */
export function wrongOf(data: string): { code: string; message: string } | undefined {
  const answer = parsed(data);
  const error = at(answer, 'error') ?? at(answer, 'response', 'error');
  if (error === undefined || error === null) {
    return undefined;
  }
  return { code: text(at(error, 'code')) || text(at(error, 'type')), message: text(at(error, 'message')) || text(error) };
}

function parsed(data: string): Json {
  try {
    return JSON.parse(data);
  } catch {
    return undefined; // [DONE], and what providers keep a connection alive with
  }
}

/** JSON as people read it; anything else as it is. */
export function pretty(body: string): string {
  const value = parsed(body);
  return value === undefined ? body : JSON.stringify(value, null, 2);
}
