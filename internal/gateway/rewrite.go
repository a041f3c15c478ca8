package gateway

import (
	"net"
	"strings"

	"tollgate/internal/routing"
)

// rewritten gives the path to go on with after a route's rewriting.
func rewritten(path string, r *Rewrite, by *routing.Match) string {
	switch {
	case r == nil:
		return path
	case r.FullPath != "":
		return r.FullPath
	case r.PrefixPath != nil && by != nil && by.Path.Kind == routing.PathPrefix:
		return routing.ReplacePathPrefix(path, by.Path.Value, *r.PrefixPath)
	default:
		return path
	}
}

// host gives the Host header for a target that is known as authority.
func (r *Rewrite) host(authority string) string {
	switch {
	case r.Authority != "":
		return r.Authority
	case r.Port != "":
		host := authority
		if h, _, err := net.SplitHostPort(authority); err == nil {
			host = h
		}
		return net.JoinHostPort(strings.Trim(host, "[]"), r.Port)
	default:
		return authority
	}
}
