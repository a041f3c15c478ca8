// Package request reads just enough of a request to authorize, limit and route
// it, and edits it without touching any other byte: unknown members survive,
// and what a provider caches by content stays the same.
//
// It reads bodies strictly, because two programs that read one body differently
// are a way around every limit: names that occur twice, invalid UTF-8 and names
// that differ from the ones we act on only in case are refused.
//
// It knows paths, members and form fields, but no provider, no policy and no HTTP
// server.
package request
