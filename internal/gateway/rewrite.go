package gateway

import (
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

// hasSuffixPath tells whether a path ends in suffix.
func hasSuffixPath(path, suffix string) bool { return strings.HasSuffix(path, suffix) }
