package manifest

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/provider"
)

// The types and reasons of a backend's conditions.
const (
	conditionAccepted = "Accepted"
	conditionResolved = "ResolvedRefs"

	reasonAccepted = "Accepted"
	reasonResolved = "ResolvedRefs"
	// reasonPartial: some of its providers are served, others not.
	reasonPartial = "PartiallyAccepted"
	// reasonInvalid: it contradicts itself. reasonUnsupported: it is right, and not served.
	reasonInvalid     = "Invalid"
	reasonUnsupported = "Unsupported"

	reasonSecretNotFound = "SecretNotFound"
	reasonSecretKey      = "SecretKeyMissing"
	reasonConfigMap      = "ConfigMapNotFound"
)

// upstream is a provider of either API, in the one form that both come down to.
type upstream struct {
	at       config.Position
	name     string
	provider config.Provider
	host     string
	port     int32
	remote   bool   // the host must be another machine
	path     string // instead of that of each operation
	prefix   string // in front of those
	headers  config.Map[string]
	auth     *config.BackendAuth
	ai       *config.AI
	tls      *config.BackendTLS
	health   *config.Health

	// wrong tells why it cannot be served, missing which credential it lacks.
	wrong, missing fault
}

// finding is what is found out about a backend while it is compiled.
type finding struct {
	ref        Ref
	generation int64
	at         config.Position
	remote     bool // its hosts must be other machines
	// wrong tells why the backend as a whole cannot be served, without what is not there,
	// dropped which of its providers are left out.
	wrong, missing fault
	dropped        faults
	notes          []string // what its author should know
	// base are the policies of somebody else, for what the backend does not say itself.
	base backendFields
	out  destination
}

func (k *compilation) judge(kind string, o metav1.Object) *finding {
	v := &finding{ref: Ref{kind, nameOf(o)}, generation: o.GetGeneration(), remote: !k.settings.Local}
	v.at = config.Position{File: v.ref.String(), Path: "spec"}
	if why, ok := k.broken(kind, o); ok {
		v.wrong = faultOf(reasonInvalid, "%s", why)
	}
	return v
}

// note adds what the author of the backend should know.
func (v *finding) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// serve makes the providers of a backend its destination, without those that cannot be
// served.
func (v *finding) serve(groups [][]*upstream) {
	ai := &config.AIBackend{At: v.at}
	missing, names := faults{}, map[string]bool{}
	for _, group := range groups {
		out := config.AIGroup{At: v.at}
		for _, u := range group {
			if u.name != "" && names[u.name] {
				u.wrong = u.wrong.or(faultOf(reasonInvalid, "two providers are called %s; give each a name of its own", u.name))
			}
			names[u.name] = true
			u.remote = v.remote
			u.check()
			missing.add(u.missing)
			v.dropped.add(u.wrong)
			if u.wrong.none() && u.missing.none() {
				out.Providers = append(out.Providers, u.compiled())
				v.out.passthrough = v.out.passthrough || u.auth != nil && u.auth.Passthrough != nil
			}
		}
		if len(out.Providers) > 0 {
			ai.Groups = append(ai.Groups, out)
		}
	}
	v.missing = missing.fault()
	if len(ai.Groups) == 0 {
		if v.missing.none() {
			v.wrong = v.wrong.or(v.dropped.fault())
		}
		return
	}
	v.out.ai = ai
	v.lift()
}

// lift moves what decides about names and operations, which comes before one of several
// providers is chosen, from the providers to the backend.
func (v *finding) lift() {
	var shape *config.AI
	said := false
	for i, g := range v.out.ai.Groups {
		for j := range g.Providers {
			p := &v.out.ai.Groups[i].Providers[j]
			own := shapeOf(p.Policies.AI)
			if shape == nil {
				shape = own
			}
			if !sameShape(shape, own) {
				v.wrong = faultOf(reasonUnsupported, "the providers have different routes, modelAliases or prompts, which are settled before one of them is chosen; give all of them the same, or make Backends of their own of them")
				return
			}
			if a := p.Policies.AI; a != nil {
				said = true
				p.Policies.AI = &config.AI{At: a.At, Defaults: a.Defaults, Overrides: a.Overrides}
			}
		}
	}
	if said {
		v.out.policies.AI = shape
	}
}

// shapeOf gives what an AI policy says about names, operations and messages.
func shapeOf(a *config.AI) *config.AI {
	if a == nil {
		return &config.AI{}
	}
	return &config.AI{At: a.At, Prompts: a.Prompts, ModelAliases: a.ModelAliases, Routes: a.Routes}
}

func sameShape(a, b *config.AI) bool {
	return reflect.DeepEqual(a.Prompts, b.Prompts) && sameEntries(a.ModelAliases, b.ModelAliases) && sameEntries(a.Routes, b.Routes)
}

// sameEntries compares maps without the places of their fields.
func sameEntries(a, b config.Map[string]) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Value != b[i].Value {
			return false
		}
	}
	return true
}

// destination gives what references to the backend lead to. Callers are told whom to ask,
// not what exactly is missing.
func (v *finding) destination() destination {
	f, status, why := v.wrong, 500, "is not set up correctly"
	switch {
	case f.reason == reasonUnsupported:
		status, why = 503, "is of a kind that is not served"
	case f.none() && v.out.ai == nil && len(v.out.endpoints) == 0:
		f, status, why = v.missing, 503, "cannot be called, because its provider credential or something else that it needs is not there"
	}
	if f.none() {
		return v.out
	}
	return destination{
		unserved: v.ref.String() + " " + why + ". Its conditions say more.", status: status,
		reason: gatewayv1.RouteConditionReason(f.reason),
	}
}

// conditions gives what the status of the backend has to say.
func (v *finding) conditions() []metav1.Condition {
	message := "The backend is served"
	if len(v.notes) > 0 {
		message = strings.Join(v.notes, "; ")
	}
	accepted := stands(conditionAccepted, reasonAccepted, message, v.wrong, v.generation)
	if left := v.dropped.fault(); v.wrong.none() && !left.none() {
		accepted = condition(conditionAccepted, metav1.ConditionTrue, reasonPartial,
			"Not all of it is served: "+strings.Join(append([]string{left.message}, v.notes...), "; "), v.generation)
	}
	return []metav1.Condition{
		accepted,
		stands(conditionResolved, reasonResolved, "Everything that the backend refers to is there", v.missing, v.generation),
	}
}

// compiled gives the provider as a configuration has it.
func (u *upstream) compiled() config.AIProvider {
	p := config.AIProvider{
		At: u.at, Name: u.name, Provider: u.provider, PathOverride: u.path, PathPrefix: u.prefix, Headers: u.headers,
		Policies: config.BackendPolicies{AI: u.ai, BackendAuth: u.auth, BackendTLS: u.tls, Health: u.health},
	}
	if u.host != "" {
		p.HostOverride = config.HostPort{Host: u.host, Port: int(u.port), At: u.at, Remote: u.remote}
		if p.PathPrefix == "" && p.Provider.Kind != config.KindCustom {
			p.PathPrefix = "/v1" // the provider's own paths, wherever it is: not the caller's
		}
		if u.port == 443 && u.tls == nil {
			p.Policies.BackendTLS = &config.BackendTLS{At: u.at}
		}
	}
	return p
}

// check finds what the data plane could not be given: one wrong address must not keep the
// others from being served.
func (u *upstream) check() {
	switch {
	case u.host == "" && u.port != 0:
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: port is set without host; set both or neither", u.at.Path))
	case u.host != "" && u.port == 0:
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: host is set without port; set both or neither", u.at.Path))
	case u.host != "":
		u.wrong = u.wrong.or(checkHost(u.at.Path, u.host, u.port, u.remote))
	case u.provider.Kind == config.KindCustom:
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: a custom provider needs host and port", u.at.Path))
	}
	u.wrong = u.wrong.or(checkPath(u.at.Path, "path", u.path)).or(checkPath(u.at.Path, "pathPrefix", u.prefix))
	for _, f := range u.provider.Formats {
		u.wrong = u.wrong.or(checkPath(u.at.Path, "formats.path", f.Path))
	}
	for _, h := range u.headers {
		if !provider.ValidName(h.Name) || !printable(h.Value) {
			u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: %s cannot be sent as a header", u.at.Path, h.Name))
		}
	}
	if t := u.tls; t != nil && u.wrong.none() {
		_, err := provider.NewEndpoint("https://"+net.JoinHostPort(cmp.Or(u.host, "localhost"), strconv.Itoa(int(cmp.Or(u.port, 443)))), provider.EndpointOptions{
			RootCAs: []byte(t.Root.Content.Reveal()), ClientCert: []byte(t.Cert.Content.Reveal()), ClientKey: t.Key.Content, ServerName: t.Hostname,
		})
		if err != nil {
			u.wrong = faultOf(reasonInvalid, "%s: tls: %v", u.at.Path, err)
		}
	}
}

// hostName is what hosts are called; addresses are another form of them.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$`)

func checkHost(at, host string, port int32, remote bool) fault {
	switch {
	case remote && near(host):
		return faultOf(reasonInvalid, "%s: %s is the gateway's own machine or its link, and is not called; name a host that others reach too", at, host)
	case port < 1 || port > 65535:
		return faultOf(reasonInvalid, "%s: the port %d is none; it must be between 1 and 65535", at, port)
	case net.ParseIP(host) == nil && !hostName.MatchString(host):
		return faultOf(reasonInvalid, "%s: host must be a host name or an address, without a scheme, port or path", at)
	default:
		return fault{}
	}
}

// near tells whether a host is this machine or its link. Names that lead there are found
// out when they are looked up.
func near(host string) bool {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	a, err := netip.ParseAddr(host)
	return err == nil && provider.Near(a) || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// checkPath checks a path that is sent as it stands.
func checkPath(at, field, path string) fault {
	switch {
	case path == "":
		return fault{}
	case path[0] != '/':
		return faultOf(reasonInvalid, "%s: %s must begin with /", at, field)
	case !printable(path) || strings.ContainsAny(path, " #"):
		return faultOf(reasonInvalid, "%s: %s has characters that a path cannot have; write them in percent-encoding", at, field)
	default:
		return fault{}
	}
}

// printable tells whether a text is made of printable ASCII alone.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
