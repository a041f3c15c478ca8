package adminapi

import (
	"net/http"
	"strings"

	"tollgate/internal/actor"
)

// route is one row of the table of everything that the admin listener answers.
type route struct {
	operation string // its name in the OpenAPI document
	method    string
	path      string
	action    string // its name in the audit trail; what stands before the dot is the kind of its target
	owner     bool
	admin     bool
	auditor   bool
	viewer    bool
}

const (
	yes = true
	no  = false
)

// routes is the one place where the admin listener's routes are named and where
// it stands who may use them. Nothing can be served without a row: handlers are
// mounted by the name of the operation, and method and path are only here.
//
// Owners may do everything, admins everything but manage admin tokens; auditors
// read everything and change nothing; viewers see neither secrets (nor what is
// known about them) nor requests, and no audit trail.
var routes = []route{
	//                                                                                                       owner admin auditor viewer
	{"createKey", "POST", "/api/v1/keys", "key.create", yes, yes, no, no},
	{"listKeys", "GET", "/api/v1/keys", "key.list", yes, yes, yes, yes},
	{"getKey", "GET", "/api/v1/keys/{id}", "key.read", yes, yes, yes, yes},
	{"editKey", "PATCH", "/api/v1/keys/{id}", "key.edit", yes, yes, no, no},
	{"deleteKey", "DELETE", "/api/v1/keys/{id}", "key.delete", yes, yes, no, no},
	{"disableKey", "POST", "/api/v1/keys/{id}/disable", "key.disable", yes, yes, no, no},
	{"enableKey", "POST", "/api/v1/keys/{id}/enable", "key.enable", yes, yes, no, no},
	{"revokeKey", "POST", "/api/v1/keys/{id}/revoke", "key.revoke", yes, yes, no, no},
	{"rotateKey", "POST", "/api/v1/keys/{id}/rotate", "key.rotate", yes, yes, no, no},
	{"getKeyUsage", "GET", "/api/v1/keys/{id}/usage", "usage.read", yes, yes, yes, yes},
	{"importKeys", "POST", "/api/v1/keys:import", "key.import", yes, yes, no, no},
	{"tryKey", "POST", "/api/v1/keys/{id}/try", "key.try", yes, yes, no, no},
	{"check", "POST", "/api/v1/check", "key.check", yes, yes, yes, yes},
	{"listLabels", "GET", "/api/v1/labels", "key.labels", yes, yes, yes, yes},

	{"createLimit", "POST", "/api/v1/limits", "limit.create", yes, yes, no, no},
	{"listLimits", "GET", "/api/v1/limits", "limit.list", yes, yes, yes, yes},
	{"getLimit", "GET", "/api/v1/limits/{id}", "limit.read", yes, yes, yes, yes},
	{"editLimit", "PATCH", "/api/v1/limits/{id}", "limit.edit", yes, yes, no, no},
	{"deleteLimit", "DELETE", "/api/v1/limits/{id}", "limit.delete", yes, yes, no, no},
	{"adjustLimit", "POST", "/api/v1/limits/{id}/adjust", "limit.adjust", yes, yes, no, no},

	{"createCredential", "POST", "/api/v1/credentials", "credential.create", yes, yes, no, no},
	{"listCredentials", "GET", "/api/v1/credentials", "credential.list", yes, yes, yes, no},
	{"getCredential", "GET", "/api/v1/credentials/{id}", "credential.read", yes, yes, yes, no},
	{"editCredential", "PATCH", "/api/v1/credentials/{id}", "credential.edit", yes, yes, no, no},
	{"deleteCredential", "DELETE", "/api/v1/credentials/{id}", "credential.delete", yes, yes, no, no},
	{"rotateCredential", "POST", "/api/v1/credentials/{id}/rotate", "credential.rotate", yes, yes, no, no},
	{"testCredential", "POST", "/api/v1/credentials/{id}/test", "credential.test", yes, yes, no, no},

	{"createAdminToken", "POST", "/api/v1/admin-tokens", "admin_token.create", yes, no, no, no},
	{"listAdminTokens", "GET", "/api/v1/admin-tokens", "admin_token.list", yes, no, yes, no},
	{"deleteAdminToken", "DELETE", "/api/v1/admin-tokens/{id}", "admin_token.delete", yes, no, no, no},
	{"whoAmI", "GET", "/api/v1/whoami", "admin_token.whoami", yes, yes, yes, yes},

	{"createSession", "POST", "/api/v1/session", "session.create", yes, yes, yes, yes},
	{"deleteSession", "DELETE", "/api/v1/session", "session.end", yes, yes, yes, yes},

	{"listModels", "GET", "/api/v1/models", "model.list", yes, yes, yes, yes},
	{"listProviders", "GET", "/api/v1/providers", "provider.list", yes, yes, yes, no},
	{"listPrices", "GET", "/api/v1/prices", "prices.read", yes, yes, yes, yes},
	{"getPriceOverrides", "GET", "/api/v1/prices/overrides", "prices.read_overrides", yes, yes, yes, yes},
	{"setPriceOverrides", "PUT", "/api/v1/prices/overrides", "prices.set_overrides", yes, yes, no, no},

	{"getUsage", "GET", "/api/v1/usage", "usage.read", yes, yes, yes, yes},
	{"exportUsage", "GET", "/api/v1/usage.csv", "usage.export", yes, yes, yes, yes},
	{"listRequests", "GET", "/api/v1/requests", "request.list", yes, yes, yes, no},
	{"getRequest", "GET", "/api/v1/requests/{id}", "request.read", yes, yes, yes, no},
	{"explainRequest", "GET", "/api/v1/requests/{id}/why", "request.explain", yes, yes, yes, no},
	{"getOverview", "GET", "/api/v1/overview", "overview.read", yes, yes, yes, yes},
	{"getHealth", "GET", "/api/v1/health", "health.read", yes, yes, yes, yes},

	{"listEvents", "GET", "/api/v1/audit", "audit.list", yes, yes, yes, no},
	{"exportEvents", "GET", "/api/v1/audit/export", "audit.export", yes, yes, yes, no},
	{"verifyAudit", "GET", "/api/v1/audit/verify", "audit.verify", yes, yes, yes, no},
	{"backup", "GET", "/api/v1/backup", "backup.create", yes, yes, no, no},

	// What agentgateway serves there, and the process itself; no part of the API.
	{"budgetStatus", "GET", "/api/budgets/status", "budget.read", yes, yes, yes, yes},
	{"dumpConfiguration", "GET", "/config_dump", "configuration.dump", yes, yes, yes, no},
	{"getLogLevel", "GET", "/logging", "logging.read", yes, yes, yes, no},
	{"setLogLevel", "POST", "/logging", "logging.set", yes, yes, no, no},
	{"profiles", "GET", "/debug/pprof/", "profile.read", yes, yes, no, no},
	{"profileCPU", "GET", "/debug/pprof/profile", "profile.cpu", yes, yes, no, no},
	{"profileSymbol", "GET", "/debug/pprof/symbol", "profile.symbol", yes, yes, no, no},
	{"profileTrace", "GET", "/debug/pprof/trace", "profile.trace", yes, yes, no, no},
}

// open are the routes that ask for no token: they tell nothing about this server
// but its metrics.
var open = []route{
	{operation: "index", method: "GET", path: "/{$}"},
	{operation: "console", method: "GET", path: "/ui/"},
	{operation: "consoleRoot", method: "GET", path: "/ui"},
	{operation: "metrics", method: "GET", path: "/metrics"},
	{operation: "openapi", method: "GET", path: "/api/v1/openapi.json"},
}

// pattern is the route as http.ServeMux has it.
func (r *route) pattern() string { return r.method + " " + r.path }

// kind is the kind of thing that the route is about.
func (r *route) kind() string {
	kind, _, _ := strings.Cut(r.action, ".")
	return kind
}

// changes tells whether the route changes anything that is kept.
func (r *route) changes() bool { return r.method != http.MethodGet && r.action != "key.check" }

// permits tells whether a role may use the route.
func (r *route) permits(role actor.Role) bool {
	switch role {
	case actor.Owner:
		return r.owner
	case actor.Admin:
		return r.admin
	case actor.Auditor:
		return r.auditor
	case actor.Viewer:
		return r.viewer
	}
	return false
}
