// Package simulated is a provider without a model: it answers at once, in
// process, in the OpenAI, Anthropic and Cohere dialects, for first steps,
// demonstrations, load tests and the tests of the gateway. It counts truly: one
// token is one word, a run of characters between white space, so whatever it
// reports can be checked with wc -w. What it streams is one event per token.
//
// The last message of the user may hold a line that begins with "simulate:" and
// tells it to behave otherwise:
//
//	simulate: tokens=200 delay=5ms       an answer of 200 tokens, one every 5 ms
//	simulate: latency=300ms              the first byte after 300 ms
//	simulate: status=429 retry-after=2   an error, to be tried again after 2 s
//	simulate: status=429 code=insufficient_quota
//	simulate: cut-after=3                the answer breaks off after 3 tokens
//
// The package knows the wire formats by the dialect packages, and nothing of
// keys, limits or configuration.
package simulated
