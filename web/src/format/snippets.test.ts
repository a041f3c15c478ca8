import { expect, test } from 'vitest';
import { baseOf, snippets } from './snippets';

test('every snippet has the address, the secret and the model', () => {
  for (const s of snippets('http://localhost:4000', 'sk-tg-secret', 'gpt-5')) {
    expect(s.code).toContain('http://localhost:4000/v1');
    expect(s.code).toContain('sk-tg-secret');
    expect(s.code).toContain('gpt-5');
  }
});

test.each(['http://gate:4000', 'http://gate:4000/', 'http://gate:4000/v1', ' http://gate:4000/v1/ '])('the address %s', (base) => {
  expect(snippets(base, 's', 'm')[1]!.code).toContain('base_url="http://gate:4000/v1"');
});

test('a quote in a name does not end what a shell reads', () => {
  expect(snippets('http://g', 's', "it's")[0]!.code).toContain(`"model":"it'\\''s"`);
});

test.each([
  [[{ address: '0.0.0.0:4000', tls: false }], 'http://gate.internal:4000'],
  [[{ address: '[::]:443', tls: true }], 'https://gate.internal'],
  [[{ address: ':8080', tls: false }], 'http://gate.internal:8080'],
  [[{ address: 'localhost:80', tls: false }], 'http://gate.internal'],
  [[{ address: 'unix:/run/gate', tls: false }, { address: '10.1.2.3:4000', tls: false }], 'http://10.1.2.3:4000'],
  [[], 'http://gate.internal:4000'],
])('the base URL for %j', (doors, want) => {
  expect(baseOf({ hostname: 'gate.internal' }, doors)).toBe(want);
});
