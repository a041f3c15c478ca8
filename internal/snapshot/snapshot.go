// Package snapshot compiles a configuration into what the gateway serves by. It
// is the one place that knows both sides: config, which is plain data, and
// gateway, routing, vkey and the others, which know no configuration. It touches
// nothing that is live; whoever calls it puts the result in force.
package snapshot

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/config"
	"tollgate/internal/dialect/request"
	"tollgate/internal/expression"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

// maxEvent bounds one event of a stream, in bytes: images and long tool
// arguments come as one event.
const maxEvent = 32 << 20

// Parts are what outlives a configuration and what its snapshot is built on.
type Parts struct {
	Transport provider.Transport
	Limits    *ratelimit.Registry
	Health    *routing.Registry
	Now       func() time.Time
	Started   time.Time // of the process, shown as the age of models
	Version   string
	// Proxy gives the forward proxy for a place, nil for none; nil: never one.
	Proxy func(*url.URL) (*url.URL, error)
	// Managed are the virtual keys beside those of the configuration; nil: none.
	Managed *vkey.Directory
	// Shared are the shared limits beside those of the configuration.
	Shared []*budget.Limit
	// Credential gives a stored provider credential for a provider that is reached
	// at a host (host:port). The error is for people. Without it stored credentials
	// are taken as given, which is for checking a configuration only.
	Credential func(name, provider, host string, tls bool) (secret.Text, error)
}

// Compiled is a snapshot with what has to be put in force together with it.
type Compiled struct {
	Snapshot *gateway.Snapshot
	// Limits is committed, and Targets is what the registry of health keeps,
	// once the snapshot is in force.
	Limits  *ratelimit.Adoption
	Targets map[string]bool
	// Models are the configured names of models.
	Models []string
	// Real tells that a provider other than the simulated one is configured,
	// Open the places where requests need no virtual key.
	Real bool
	Open []string
	// Declared are the virtual keys of the configuration as data, each once, and Shared
	// its shared limits.
	Declared []*vkey.Key
	Shared   []*budget.Limit
	// Budgets are those of the limits in Declared that stand there in agentgateway's form,
	// by the ids of the limits: the names that they have there.
	Budgets map[string]string
	// Callable lists what callers can name.
	Callable []Callable
	// Reached are the targets, in the order of the configuration.
	Reached []*Reached
	// Credentials are the stored provider credentials that the configuration names.
	Credentials []Use
}

// Use is a place where a configuration names something that is stored.
type Use struct {
	Name string
	At   config.Position
}

// compiler gathers what is found on the way.
type compiler struct {
	parts   Parts
	config  *config.Config
	report  *config.Report
	rules   []ratelimit.Rule
	pending []pendingLimit
	keys    []vkey.Entry              // of all gates
	taken   map[string]*gateway.Route // whose limit has an id
	opened  map[opening]opened        // stored credentials
	auths   map[*config.APIKeys]*gateway.Auth
	// declared are the keys of out, by their ids.
	declared map[string]*vkey.Key
	reach    map[*gateway.Target]*Reached
	out      *Compiled
}

// pendingLimit is a rule of a route whose limiter is known once all rules are.
type pendingLimit struct {
	route *gateway.Route
	rule  int // in compiler.rules
	key   *expression.Program
}

// Compile compiles a configuration. Problems are added to the report; the
// result is nil if there are any, also those that were there before.
func Compile(c *config.Config, report *config.Report, parts Parts) *Compiled {
	k := &compiler{parts: parts, config: c, report: report, out: &Compiled{Targets: map[string]bool{}}, taken: map[string]*gateway.Route{}, opened: map[opening]opened{}, auths: map[*config.APIKeys]*gateway.Auth{}, declared: map[string]*vkey.Key{}, reach: map[*gateway.Target]*Reached{}}
	snap := &gateway.Snapshot{
		Binds:     map[string]*gateway.Bind{},
		Plain:     c.Tollgate.Compat == "agentgateway",
		MaxBody:   c.Tollgate.Limits.MaxBodyBytes,
		MaxAnswer: int(c.Tollgate.Limits.MaxResponseBodyBytes),
		MaxEvent:  maxEvent,
		Managed:   parts.Managed,

		UnknownCharge: unknownCharges[c.Tollgate.UnknownCharge],
		CallerLeft:    callersLeft[c.Tollgate.CallerLeft],
		Form: request.Limits{
			Memory: 1 << 20, Total: c.Tollgate.Limits.MaxSpoolBytes, Fields: 1 << 20,
		},
	}
	k.out.Snapshot = snap
	names := FieldNames(c)
	snap.MetricFields = k.fields(c.Process.Metrics.Fields.Add)
	snap.LogFields = k.fields(c.Frontend.AccessLog.Add)
	if len(names.Metric)+len(names.Log) > 0 {
		snap.FieldNames = &names
	}
	k.sharedLimits()
	k.binds(snap)
	snap.Keys, snap.Managed = k.allKeys(), k.parts.Managed
	name(k.out.Declared)
	if len(report.Problems) > 0 {
		return nil
	}
	k.adopt()
	return k.out
}

var unknownCharges = map[string]gateway.UnknownCharge{
	"input": gateway.ChargeInput, "bound": gateway.ChargeBound, "nothing": gateway.ChargeNothing,
}

var callersLeft = map[string]gateway.CallerLeft{
	"finish": gateway.LeftFinish, "stop": gateway.LeftStop, "wait": gateway.LeftWait,
}

// allKeys gives the virtual keys of all gates as one set. The same key may stand
// at several.
func (k *compiler) allKeys() *vkey.Set {
	seen := map[vkey.Digest]bool{}
	unique := slices.DeleteFunc(slices.Clone(k.keys), func(e vkey.Entry) bool {
		again := seen[e.Digest]
		seen[e.Digest] = true
		return again
	})
	set, err := vkey.NewSet(nil, unique)
	if err != nil {
		k.report.Add(config.Position{}, "virtual keys: %v", err)
	}
	return set
}

// adopt gives every route the limiters of its rules: those that are live
// already where the rule is, so that nothing is refilled.
func (k *compiler) adopt() {
	k.out.Limits = k.parts.Limits.Adopt(k.rules, k.parts.Now())
	for _, p := range k.pending {
		p.route.Limits = append(p.route.Limits, &quota.Rule{Limiter: k.out.Limits.Limiter(&k.rules[p.rule]), Key: p.key})
	}
}

// FieldNames gives the names of the extra fields of a configuration.
func FieldNames(c *config.Config) gateway.FieldNames {
	var names gateway.FieldNames
	for i := range c.Process.Metrics.Fields.Add {
		names.Metric = append(names.Metric, c.Process.Metrics.Fields.Add[i].Name)
	}
	for i := range c.Frontend.AccessLog.Add {
		names.Log = append(names.Log, c.Frontend.AccessLog.Add[i].Name)
	}
	return names
}

func (k *compiler) fields(add config.Map[config.Expr]) []*expression.Program {
	programs := make([]*expression.Program, 0, len(add))
	for i := range add {
		if p := k.expression(add[i].Value); p != nil {
			programs = append(programs, p)
		}
	}
	return programs
}

// expression compiles an expression, nil if it is empty or wrong.
func (k *compiler) expression(e config.Expr) *expression.Program {
	if e.Empty() {
		return nil
	}
	p, err := expression.Compile(e.Text)
	if err != nil {
		k.report.Add(e.At, "%v", err)
		return nil
	}
	for _, name := range p.Missing() {
		k.report.Warn(e.At, "%s is not known here, so the expression fails wherever it needs it", name)
	}
	return p
}

// condition compiles an expression that must be true or false, nil if it is
// empty or wrong.
func (k *compiler) condition(e config.Expr) *expression.Program {
	p := k.expression(e)
	if p != nil && !p.CanHold() {
		k.report.Add(e.At, "the expression is never true or false, so it is no condition")
		return nil
	}
	return p
}

// place makes the names of a route for metrics and logs.
func place(port int, gatewayName, listener, route, rule string) *gateway.Place {
	return &gateway.Place{
		Bind: fmt.Sprintf("bind/%d", port), Gateway: gatewayName, Listener: listener, Route: route, RouteRule: rule,
	}
}
