// What the headers of an answer mean. See docs/api.md.

const meanings: Record<string, string> = {
  'x-request-id': 'Names the exchange in logs, traces and on the page of requests',
  'x-tollgate-key': 'Public id of the key',
  'x-tollgate-cost': 'What the request cost, in US dollars; with a stream it follows behind the body',
  'x-tollgate-max-tokens': 'The output bound that tollgate wrote into the request',
  'x-tollgate-rotate-before': 'Until when the secret that was used works',
  'x-tollgate-upstream-request-id': 'The provider’s own id',
  'x-ratelimit-limit': 'The limit on requests or tokens of which the least is left',
  'x-ratelimit-remaining': 'What is left of it',
  'x-ratelimit-reset': 'Seconds until there is more',
  'ratelimit-policy': 'All limits of the key',
  ratelimit: 'What is left of each limit, as it was at the admission',
  'retry-after': 'Seconds until another try makes sense',
  'retry-after-ms': 'The same in milliseconds',
  'x-should-retry': 'Whether another try can help',
  'content-type': 'What the body is',
};

/** What a header says, if tollgate says it. */
export function meaningOf(name: string): string | undefined {
  const known = meanings[name.toLowerCase()];
  if (known) {
    return known;
  }
  const kind = /^(x-ratelimit-(?:limit|remaining|reset))-(requests|tokens)$/.exec(name.toLowerCase());
  return kind ? `${meanings[kind[1]!]}, of ${kind[2]} alone` : undefined;
}
