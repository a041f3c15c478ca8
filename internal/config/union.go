package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// providerNames are the names of providers as they are written, with their kinds.
var providerNames = map[string]ProviderKind{
	"openAI": KindOpenAI, "openai": KindOpenAI, "anthropic": KindAnthropic,
	"simulated": KindSimulated, "custom": KindCustom, "reference": KindReference,
}

// laterProviders are known to agentgateway and refused.
var laterProviders = []string{"gemini", "vertex", "bedrock", "azure", "copilot"}

// providerModel is what may be said of a provider that has no further settings.
type providerModel struct {
	Model string   `json:"model,omitzero" doc:"Model sent upstream; the client's if it is left out."`
	_     struct{} `later:"moderation"`
}

// customProvider are the settings of a provider by its address.
type customProvider struct {
	Model    string   `json:"model,omitzero" doc:"Model sent upstream; the client's if it is left out."`
	Override string   `json:"providerOverride,omitzero" doc:"Name of the provider in metrics and logs."`
	Formats  []Format `json:"formats" doc:"What it speaks." required:"true"`
}

func (p *Provider) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	p.At = at
	if n.Kind == yaml.MappingNode {
		p.decodeObject(d, n, at)
		return
	}
	name, ok := d.text(n, at)
	if !ok || !p.setKind(d, n, name, at) {
		return
	}
	if p.Kind == KindCustom || p.Kind == KindReference {
		d.add(at, "write provider: {"+name+": …}", "%s needs settings", name)
	}
}

// decodeObject reads the form {kind: settings}.
func (p *Provider) decodeObject(d *decoder, n *yaml.Node, at Position) {
	if len(n.Content) != 2 {
		d.add(at, "", "must name exactly one kind of provider")
		return
	}
	key, value := n.Content[0], n.Content[1]
	name, ok := keyText(key)
	if !ok || !p.setKind(d, key, name, d.at(key, at.Path)) {
		return
	}
	path := join(at.Path, name)
	if isNull(value) {
		value = &yaml.Node{Kind: yaml.MappingNode, Line: key.Line, Column: key.Column}
	}
	switch p.Kind {
	case KindCustom:
		var c customProvider
		d.decode(value, &c, path)
		p.Model, p.Name, p.Formats = c.Model, c.Override, c.Formats
		if len(c.Formats) == 0 && c.Formats != nil {
			d.add(d.at(value, path+".formats"), "", "needs at least one format")
		}
	case KindReference:
		d.decode(value, &p.Reference, path)
	case KindSimulated:
		d.decode(value, &p.Simulated, path)
		p.Model = p.Simulated.Model
	default:
		var m providerModel
		d.decode(value, &m, path)
		p.Model = m.Model
	}
}

// setKind finds the kind of a name.
func (p *Provider) setKind(d *decoder, n *yaml.Node, name string, at Position) bool {
	if kind, ok := providerNames[name]; ok {
		p.Kind = kind
		return true
	}
	if p.Preset = PresetNamed(name); p.Preset != nil {
		p.Kind = ProviderKind(name)
		return true
	}
	if slices.Contains(laterProviders, name) {
		d.add(at, "", "%s is not yet supported", name)
		return false
	}
	known := knownProviders()
	hint := suggest(n.Value, known)
	if hint == "" {
		hint = "known are " + strings.Join(known, ", ")
	}
	d.add(at, hint, "unknown provider %s", quoteShort(n.Value))
	return false
}

// knownProviders lists the names that are served, for people to choose from.
func knownProviders() []string {
	names := []string{"openAI", "anthropic", "simulated", "custom", "reference"}
	for i := range Presets {
		names = append(names, Presets[i].Name)
	}
	return names
}

// aiGroups is the form of an AIBackend with priorities.
type aiGroups struct {
	Groups []AIGroup `json:"groups" doc:"Groups of providers; the next one when all of one fail." required:"true"`
}

func (b *AIBackend) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	b.At = at
	if hasField(n, "groups") {
		var g aiGroups
		d.object(n, reflect.ValueOf(&g).Elem(), at)
		b.Groups = g.Groups
		return
	}
	var p AIProvider
	d.object(n, reflect.ValueOf(&p).Elem(), at)
	b.Groups = []AIGroup{{At: at, Providers: []AIProvider{p}}}
}

func hasField(n *yaml.Node, name string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key, ok := keyText(n.Content[i]); ok && key == name {
			return true
		}
	}
	return false
}

func (g *GatewayRefs) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	if n.Kind != yaml.SequenceNode {
		var ref GatewayRef
		ref.decodeNode(d, n, at, nil)
		*g = GatewayRefs{ref}
		return
	}
	refs := []GatewayRef{}
	d.list(n, reflect.ValueOf(&refs).Elem(), at, &field{})
	*g = refs
}

func (g *GatewayRef) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	g.At = at
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	g.Gateway, g.Listener, _ = strings.Cut(text, "/")
	if g.Gateway == "" || strings.HasSuffix(text, "/") {
		d.add(at, "", "must be the name of a gateway, or gateway/listener")
	}
}

// MarshalText implements encoding.TextMarshaler.
func (g GatewayRef) MarshalText() ([]byte, error) {
	if g.Listener == "" {
		return []byte(g.Gateway), nil
	}
	return []byte(g.Gateway + "/" + g.Listener), nil
}

// ruleObject is the form of a rule that says its effect.
type ruleObject struct {
	Allow   Expr     `json:"allow,omitzero" doc:"Lets pass if it is true."`
	Deny    Expr     `json:"deny,omitzero" doc:"Refuses if it is true."`
	Require Expr     `json:"require,omitzero" doc:"Refuses unless it is true."`
	_       struct{} `oneof:"allow,deny,require"`
}

func (r *Rule) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	r.At, r.Effect = at, Allow
	if n.Kind != yaml.MappingNode {
		r.Expr.decodeNode(d, n, at, nil)
		return
	}
	var o ruleObject
	d.object(n, reflect.ValueOf(&o).Elem(), at)
	switch {
	case !o.Deny.Empty():
		r.Effect, r.Expr = Deny, o.Deny
	case !o.Require.Empty():
		r.Effect, r.Expr = Require, o.Require
	default:
		r.Expr = o.Allow
	}
}

func (l *RateLimits) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	if hasField(n, "conditional") {
		d.add(at.Child("conditional"), "", "is not yet supported")
		return
	}
	var limits []RateLimit
	d.list(n, reflect.ValueOf(&limits).Elem(), at, &field{})
	*l = limits
}

func (c *Credential) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	if n.Kind != yaml.MappingNode || hasField(n, "file") || hasField(n, "credential") {
		c.Value.decodeNode(d, n, at, nil)
		return
	}
	d.object(n, reflect.ValueOf(c).Elem(), at)
}

func (b *BackendAuth) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	if n.Kind == yaml.ScalarNode && n.Value == "copilot" {
		b.At = at
		d.add(at, "", "copilot is not yet supported")
		return
	}
	d.object(n, reflect.ValueOf(b).Elem(), at)
}

// authorityObject is the form of an authority that names a host or port.
type authorityObject struct {
	Full string   `json:"full,omitzero" doc:"host:port to tell."`
	Host string   `json:"host,omitzero" doc:"Host to tell, with the port as it is."`
	Port int      `json:"port,omitzero" doc:"Port to tell, with the host as it is." min:"1" max:"65535"`
	_    struct{} `oneof:"full,host,port"`
}

func (a *Authority) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	a.At = at
	if n.Kind != yaml.MappingNode {
		text, ok := d.text(n, at)
		if ok && text != "auto" && text != "none" {
			d.notOneOf(n, at, []string{"auto", "none"})
			return
		}
		a.Mode = text
		return
	}
	var o authorityObject
	d.object(n, reflect.ValueOf(&o).Elem(), at)
	switch {
	case o.Full != "":
		a.Mode, a.Host = "full", o.Full
	case o.Host != "":
		a.Mode, a.Host = "host", o.Host
	default:
		a.Mode, a.Port = "port", o.Port
	}
}
