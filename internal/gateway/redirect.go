package gateway

import (
	"cmp"
	"net"
	"strings"

	"tollgate/internal/routing"
)

// Redirect sends callers elsewhere. What it does not say stays as the caller asked for it.
type Redirect struct {
	Status int
	Scheme string // "": that of the request
	Host   string // without port; "": that of the request
	// Port is written unless it goes without saying. Without one it is that of the scheme
	// if there is one, else that of the listener.
	Port, ListenerPort string
	// Whole tells that Host and Port are the whole authority: no other port is written.
	Whole      bool
	FullPath   string
	PrefixPath *string // replaces the matched prefix
}

// wellKnown are the ports that go without saying.
var wellKnown = map[string]string{"http": "80", "https": "443"}

// answerRedirect tells the caller where else to ask.
func (x *exchange) answerRedirect(r *Redirect) {
	h := x.out.Header()
	h.Set("Location", r.location(x.req, x.matched))
	x.route.ResponseHeaders.Apply(h)
	x.Outcome, x.Reason = Answered, "DirectResponse"
	x.respond(r.Status, nil)
}

// location gives the address for a request that came by a match.
func (r *Redirect) location(req *Request, by *routing.Match) string {
	path := cmp.Or(req.RawPath, escaped(req.Path))
	switch {
	case r.FullPath != "":
		path = r.FullPath
	case r.PrefixPath != nil && by != nil && by.Path.Kind == routing.PathPrefix:
		path = escaped(routing.ReplacePathPrefix(req.Path, by.Path.Value, *r.PrefixPath))
	}
	if req.Query != "" {
		path += "?" + req.Query
	}
	host := strings.Trim(cmp.Or(r.Host, req.Host), "[]")
	if host == "" { // a caller of HTTP/1.0, who knows where it asked
		return path
	}
	scheme, port := cmp.Or(r.Scheme, req.Scheme), r.Port
	if port == "" && r.Scheme == "" && !r.Whole {
		port = r.ListenerPort
	}
	switch {
	case port != "" && port != wellKnown[scheme]:
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return scheme + "://" + host + path
}
