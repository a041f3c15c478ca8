package gateway

import (
	"net/url"
	"strings"

	"tollgate/internal/dialect"
	"tollgate/internal/expression"
	"tollgate/internal/provider"
	"tollgate/internal/routing"
	"tollgate/internal/secret"
)

// Target is a place that a request can be sent to: a provider, an upstream
// model and a credential, prepared as far as they can be before a request is
// there. A Target belongs to a snapshot and never changes.
type Target struct {
	Name      string // of the backend or model entry in the configuration
	Provider  string // name for logs and metrics, for instance "openai"
	Transport provider.Transport
	Endpoint  *provider.Endpoint
	Authority string // Host header
	// Static are prepared header lines in wire form: the credential, the
	// accepted encodings, and what the configuration sets.
	Static string
	// Passthrough sends the caller's own credential on, unless it is a virtual
	// key; such a target has no credential of its own.
	Passthrough *Passthrough
	Paths       Paths
	Operations  Operations
	Model       string // upstream model; "" sends the one that was asked for
	Body        BodyPolicy
	// Drop are canonical names of the caller's header lines that this target
	// is not sent; ResponseHeaders changes what comes back.
	Drop            []string
	ResponseHeaders *HeaderPolicy
	// Secret is the target's credential, so that an error of the provider's that
	// quotes it can be kept from the caller.
	Secret secret.Text
	// Opaque tells that operations which are not known pass through unmetered.
	Opaque bool
	// Unhealthy says which answers are failures, instead of 429 and 5xx.
	Unhealthy *expression.Program
	// Tokenize counts the input with a tokenizer before limits are asked.
	Tokenize bool
	Health   *routing.Health
	Cooling  routing.Cooling
}

// Passthrough says how a caller's own provider credential is sent on.
type Passthrough struct {
	// Header and Prefix place it; an empty Header keeps the place it came in.
	Header, Prefix string
}

// Operations is the set of operations that a target understands natively.
type Operations uint32

// Of makes a set.
func Of(ops ...dialect.Operation) Operations {
	var set Operations
	for _, op := range ops {
		set |= 1 << op
	}
	return set
}

// Has tells whether an operation is in the set.
func (o Operations) Has(op dialect.Operation) bool { return o&(1<<op) != 0 }

// Paths says how the path of an upstream request is made.
type Paths struct {
	// Keep forwards the caller's path as it is.
	Keep bool
	// Full replaces it whole.
	Full string
	// Prefix stands before the operation's own path, for instance "/v1".
	Prefix string
	// ByOperation are paths that the configuration gives single operations,
	// below Base.
	ByOperation map[dialect.Operation]string
	Base        string
}

// upstream gives the escaped path for an operation that was called on path,
// which is decoded, and "" if it was called under the path of another one. What the configuration says is taken as it is.
func (p *Paths) upstream(op dialect.Operation, path string) string {
	switch {
	case p.Full != "":
		return p.Full
	case p.ByOperation[op] != "":
		return p.Base + p.ByOperation[op]
	case p.Keep && path != "":
		return escaped(path)
	default:
		return p.Prefix + escaped(operationPath(op, path))
	}
}

// escaped gives a path as it stands in a request target: what came decoded must
// not be read as anything else than a path again.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// operationPath is the part of a path behind the version: the operation's own
// path where it has one, and what the caller wrote for operations with several.
func operationPath(op dialect.Operation, path string) string {
	switch op {
	case dialect.Chat:
		return "/chat/completions"
	case dialect.Completions:
		return "/completions"
	case dialect.Responses:
		return "/responses"
	case dialect.Embeddings:
		return "/embeddings"
	case dialect.Moderations:
		return "/moderations"
	case dialect.Messages:
		return "/messages"
	case dialect.CountTokens:
		return "/messages/count_tokens"
	case dialect.Rerank:
		return "/rerank"
	case dialect.Speech:
		return "/audio/speech"
	case dialect.Images:
		if i := strings.LastIndex(path, "/images/"); i >= 0 {
			return path[i:]
		}
		return "/images/generations"
	case dialect.Transcriptions:
		if i := strings.LastIndex(path, "/audio/"); i >= 0 {
			return path[i:]
		}
		return "/audio/transcriptions"
	default:
		return strings.TrimPrefix(path, "/v1")
	}
}

// BodyPolicy is what the configuration changes in a request's body.
type BodyPolicy struct {
	Overrides []Member // always set
	Defaults  []Member // set where the caller left them out
	// OutputBound is the member in which chat targets want the bound of an output,
	// max_tokens or max_completion_tokens; "": in that which the caller used.
	OutputBound string
}

// Member is one top-level member of a JSON body; Value is JSON text.
type Member struct {
	Name  string
	Value string
}

// HeaderPolicy changes header lines: first Remove, then Set, then Add.
type HeaderPolicy struct {
	Add, Set []provider.Field
	Remove   []string // canonical names
}

// Apply changes h.
func (p *HeaderPolicy) Apply(h Header) {
	if p == nil {
		return
	}
	for _, name := range p.Remove {
		delete(h, name)
	}
	for _, f := range p.Set {
		h[f.Name] = []string{f.Value}
	}
	for _, f := range p.Add {
		h[f.Name] = append(h[f.Name], f.Value)
	}
}

// Choice is a target together with the model to ask it for.
type Choice struct {
	*Target
	As string // model to send where the target names none itself
}

// Condition implements routing.Candidate.
func (c Choice) Condition() *routing.Health { return c.Health }

// model gives the name sent upstream for a caller who asked for asked.
func (c Choice) model(asked string) string {
	switch {
	case c.Target.Model != "":
		return c.Target.Model
	case c.As != "":
		return c.As
	default:
		return asked
	}
}
