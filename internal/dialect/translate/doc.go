// Package translate lets callers of one dialect be served by providers of another: it
// turns their request into the provider's, and its answer, whole or as a stream, and its
// errors back. There is one direction, chat completions of OpenAI's dialect served by
// messages of Anthropic's.
//
// What has no counterpart and would change the answer is refused by name; what only tunes
// it is left out. Bodies are written anew from members that are known, so that nothing
// reaches the provider which only its own dialect has; their values are copied as text, so
// that no number and no schema changes. docs/translation.md lists all of it.
//
// It reads requests that request.Peek has accepted, knows two formats, and no provider, no
// policy and no HTTP.
package translate
