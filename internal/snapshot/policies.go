package snapshot

import (
	"fmt"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/config"
	"tollgate/internal/dialect/request"
	"tollgate/internal/expression"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/ratelimit"
)

// gate compiles what a request must pass.
func (k *compiler) gate(p *config.GatewayPolicies) gateway.Gate {
	rules, late := k.rulesOf(p.Authorization)
	return gateway.Gate{CORS: cors(p.CORS), Auth: k.auth(p.APIKey), Rules: rules, Late: late}
}

func (k *compiler) location(l *config.Location) *gateway.Location {
	switch {
	case l == nil:
		return nil
	case l.Header != nil:
		return &gateway.Location{Header: textproto.CanonicalMIMEHeaderKey(l.Header.Name), Prefix: l.Header.Prefix}
	case l.Query != nil:
		return &gateway.Location{Query: l.Query.Name}
	case l.Cookie != nil:
		return &gateway.Location{Cookie: l.Cookie.Name}
	default:
		return &gateway.Location{Expression: k.expression(l.Expression)}
	}
}

var effects = map[config.Effect]access.Effect{config.Allow: access.Allow, config.Deny: access.Deny, config.Require: access.Require}

// rulesOf compiles authorization rules. late tells that they ask about the model
// or the body, so that they say nothing before these are known.
func (k *compiler) rulesOf(a *config.Authorization) (rules *access.Rules, late bool) {
	if a == nil {
		return nil, false
	}
	list := make([]access.Rule, 0, len(a.Rules))
	for i := range a.Rules {
		r := &a.Rules[i]
		p := k.condition(r.Expr)
		if p != nil && r.Effect == config.Deny && len(p.Missing()) > 0 {
			// A rule that fails does not deny: it must not look as if it guarded something.
			k.report.Add(r.At, "%s is not supported yet, so this rule would never deny anything", p.Missing()[0])
		}
		if p != nil {
			list = append(list, access.Rule{Effect: effects[r.Effect], Condition: p})
			late = late || p.Uses("llm") || p.Uses("llmRequest")
			k.refuseUnknowable(p, r)
		}
	}
	return access.NewRules(list), late
}

// refuseUnknowable refuses a deny on what nobody knows yet when rules are
// checked: it would look as if it guarded something.
func (k *compiler) refuseUnknowable(p *expression.Program, r *config.Rule) {
	for _, name := range [...]string{"response", "backend"} {
		if r.Effect == config.Deny && p.Uses(name) {
			k.report.Add(r.At, "%s is not known when the rules are checked, so this rule would never deny anything", name)
		}
	}
}

func cors(c *config.CORS) *gateway.CORS {
	if c == nil {
		return nil
	}
	out := &gateway.CORS{
		Origins: c.AllowOrigins, Credentials: c.AllowCredentials, Echo: c.EchoOrigin,
		Methods: strings.Join(c.AllowMethods, ", "), Headers: strings.Join(c.AllowHeaders, ", "), Expose: strings.Join(c.ExposeHeaders, ", "),
	}
	if c.MaxAge > 0 {
		out.MaxAge = strconv.Itoa(int(c.MaxAge / time.Second))
	}
	return out
}

// limits notes the rate limits of a route; their limiters are known later.
func (k *compiler) limits(route *gateway.Route, limits config.RateLimits) {
	for i := range limits {
		l := &limits[i]
		rule := ratelimit.Rule{
			// The identity of the buckets: it survives a reload as long as the
			// route keeps its name and the limit its place in the list.
			ID:  fmt.Sprintf("%s/%s/localRateLimit[%d]", route.Place.Listener, route.Place.Route, i),
			Max: l.MaxTokens, PerFill: l.TokensPerFill, Interval: l.FillInterval, Keyed: !l.Key.Empty(),
		}
		if route.Place.RouteRule != "" {
			rule.ID += ":" + route.Place.RouteRule
		}
		// Routes of the same names on different ports are different routes.
		if taken := k.taken[rule.ID]; taken != nil && taken != route {
			rule.ID += "@" + route.Place.Bind
		}
		if taken := k.taken[rule.ID]; taken != nil && taken != route { // of the same port at another address
			rule.ID += "@" + route.Place.Gateway
		}
		k.taken[rule.ID] = route
		if l.Shared != "" {
			rule.ID = "shared/" + l.Shared
		}
		if l.Type == "tokens" {
			rule.Kind = ratelimit.Tokens
		}
		place := len(k.rules)
		if l.Shared != "" {
			if at := slices.IndexFunc(k.rules, func(r ratelimit.Rule) bool { return r.ID == rule.ID }); at >= 0 {
				place = at
			}
		}
		k.pending = append(k.pending, pendingLimit{route: route, rule: place, key: k.expression(l.Key)})
		if place == len(k.rules) {
			k.rules = append(k.rules, rule)
		}
	}
}

func headerPolicy(m *config.HeaderModifier) *gateway.HeaderPolicy {
	if m == nil {
		return nil
	}
	out := &gateway.HeaderPolicy{Add: headerFields(m.Add), Set: headerFields(m.Set)}
	for _, name := range m.Remove {
		out.Remove = append(out.Remove, textproto.CanonicalMIMEHeaderKey(name))
	}
	return out
}

func headerFields(m config.Map[string]) []provider.Field {
	fields := make([]provider.Field, 0, len(m))
	for i := range m {
		fields = append(fields, provider.Field{Name: textproto.CanonicalMIMEHeaderKey(m[i].Name), Value: m[i].Value})
	}
	return fields
}

// ai compiles what a route changes in the requests of models.
func (k *compiler) ai(a *config.AI) *gateway.AI {
	if a == nil {
		return nil
	}
	out := &gateway.AI{
		Body:    gateway.BodyPolicy{Overrides: members(a.Overrides), Defaults: members(a.Defaults)},
		Prepend: messages(a.Prompts.Prepend), Append: messages(a.Prompts.Append),
	}
	for i := range a.ModelAliases {
		e := &a.ModelAliases[i]
		pattern, err := access.ParsePattern(e.Name)
		if err != nil {
			k.report.Add(e.At, "%v", err)
			continue
		}
		out.Aliases = append(out.Aliases, gateway.Alias{Pattern: pattern, Model: e.Value})
	}
	slices.SortStableFunc(out.Aliases, func(a, b gateway.Alias) int {
		switch {
		case a.Pattern.Exact() != b.Pattern.Exact() && a.Pattern.Exact():
			return -1
		case a.Pattern.Exact() != b.Pattern.Exact():
			return 1
		default:
			return a.Pattern.Compare(b.Pattern)
		}
	})
	k.aiRoutes(a, out)
	return out
}

func (k *compiler) aiRoutes(a *config.AI, out *gateway.AI) {
	for i := range a.Routes {
		e := &a.Routes[i]
		op, served, _ := request.ParseRouteType(e.Value)
		if !served {
			k.report.Add(e.At, "the route type %q is not supported yet", e.Value)
			continue
		}
		out.Routes = append(out.Routes, gateway.PathOperation{Suffix: e.Name, Operation: op})
	}
	slices.SortStableFunc(out.Routes, func(a, b gateway.PathOperation) int {
		return suffixRank(b.Suffix) - suffixRank(a.Suffix)
	})
}

// suffixRank orders longer suffixes before shorter ones and the star last.
func suffixRank(s string) int {
	if s == "*" {
		return -1
	}
	return len(s)
}

func members(m config.Map[config.JSON]) []gateway.Member {
	out := make([]gateway.Member, 0, len(m))
	for i := range m {
		out = append(out, gateway.Member{Name: m[i].Name, Value: string(m[i].Value)})
	}
	return out
}
