package adminapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// hosts are the names that the admin listener may be called by, beside localhost and
// addresses. A page of another site can make its own name lead here, and then reads what
// is answered to requests without a token, or with a session's cookie: its browser takes
// both for one site. The name that it sends gives it away.
type hosts []string

// misdirected refuses a request that a browser was led here with; nil: it was not. A
// request with an Authorization header comes from somebody who has a token, or guesses.
func (h hosts) misdirected(r *http.Request) *problem {
	name := strings.ToLower(r.Host)
	if bare, _, err := net.SplitHostPort(name); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(name, ".")
	_, noAddress := netip.ParseAddr(strings.Trim(name, "[]"))
	switch {
	case name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || noAddress == nil:
	case r.Header.Get("Authorization") != "" || !address(r).IsValid(): // or over a Unix socket
	case slices.ContainsFunc(h, func(known string) bool { return strings.EqualFold(known, name) }):
	default:
		if len(name) > maxID {
			name = strings.ToValidUTF8(name[:maxID], "") + "…"
		}
		return refusal(http.StatusMisdirectedRequest, "unknown_host", fmt.Sprintf(
			"the admin listener does not know itself as %q: call it by its address or as localhost, send an admin token, or put the name into tollgate.adminHosts of the configuration", name))
	}
	return nil
}
