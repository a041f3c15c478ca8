package expression

import (
	"errors"
	"net/netip"
	"net/textproto"
	"strings"

	"tollgate/internal/caller"
	"tollgate/internal/secret"
	"tollgate/internal/usage"
)

// Input is what expressions see of one exchange. Whoever evaluates fills in
// what there is at that moment; parts that are nil or zero are absent, and may
// be set later. The costly forms (the whole URI, the parsed body) are made when
// an expression first asks for them, so an Input serves one goroutine at a
// time. It must not be copied once it has been used; assign Input{} to reuse it.
type Input struct {
	Method, Scheme, Host, Path string
	Query                      string // raw, without "?"
	Version                    string // for instance HTTP/1.1
	// Headers are the request's header lines by canonical name; nil is the
	// same as empty.
	Headers  map[string][]string
	Caller   *caller.Caller // nil or without KeyID: apiKey is absent
	Source   netip.AddrPort // invalid: source is absent
	LLM      *LLM
	Body     []byte // JSON text of the request's body; set it once
	Backend  string // name of the target in the configuration
	Response *Response

	body     any // Body parsed
	bodyErr  error
	bodyRead bool
	objects  [rootBody]object
	headers  [2]headers // of the request, of the response
}

// LLM is what is known about the model call in a request.
type LLM struct {
	RequestModel  string
	ResponseModel string // "": not known yet
	Provider      string // "": not chosen yet
	Streaming     bool
	Usage         *usage.Usage // nil: not known yet
}

// Response is the head of an answer.
type Response struct {
	Code    int
	Headers map[string][]string // by canonical name
}

// errAbsent is wrapped by every error about a value that is not there.
var errAbsent = errors.New("no such value")

// root is a variable.
type root uint8

const (
	rootRequest root = iota
	rootAPIKey
	rootSource
	rootLLM
	rootResponse
	rootBackend
	rootBody // behind the shapes: it may be any value
)

// shape describes a variable that has members.
type shape struct {
	name string
	// fields are the members that can have a value. A variable without any has
	// members of any name.
	fields []string
	// missing are members that agentgateway fills and tollgate does not.
	missing []string
	// present tells whether the variable is there at all.
	present func(*Input) bool
	// field gives a member.
	field func(in *Input, name string) (any, bool)
}

var shapes = [rootBody]shape{
	rootRequest: {
		name:    "request",
		fields:  []string{"method", "uri", "path", "pathAndQuery", "host", "scheme", "version", "headers"},
		missing: []string{"body", "bodyPrefix", "startTime", "endTime"},
		present: func(*Input) bool { return true },
		field:   (*Input).request,
	},
	rootAPIKey: {
		name:    "apiKey",
		present: func(in *Input) bool { return in.Caller != nil && in.Caller.KeyID != "" },
		field:   (*Input).apiKey,
	},
	rootSource: {
		name:   "source",
		fields: []string{"address", "port", "rawAddress", "rawPort"},
		missing: []string{"identity", "subjectAltNames", "issuer", "subject", "subjectCn", "certificate",
			"unverifiedWorkload", "connectHeaders"},
		present: func(in *Input) bool { return in.Source.IsValid() },
		field:   (*Input).source,
	},
	rootLLM: {
		name: "llm",
		fields: []string{"requestModel", "responseModel", "provider", "streaming", "inputTokens", "cachedInputTokens",
			"cacheCreationInputTokens", "outputTokens", "reasoningTokens", "totalTokens", "params"},
		missing: []string{"inputImageTokens", "inputTextTokens", "inputAudioTokens", "outputImageTokens",
			"outputTextTokens", "outputAudioTokens", "serviceTier", "timeToFirstToken", "timePerOutputToken",
			"countTokens", "prompt", "completion", "toolCalls", "cost", "costRates", "providerInputTokens"},
		present: func(in *Input) bool { return in.LLM != nil },
		field:   (*Input).llm,
	},
	rootResponse: {
		name:    "response",
		fields:  []string{"code", "headers"},
		missing: []string{"grpcStatus", "body", "bodyPrefix"},
		present: func(in *Input) bool { return in.Response != nil },
		field:   (*Input).response,
	},
	rootBackend: {
		name:    "backend",
		fields:  []string{"name"},
		missing: []string{"type", "protocol"},
		present: func(in *Input) bool { return in.Backend != "" },
		field:   (*Input).backend,
	},
}

// bodyVariable is the one variable without a shape.
const bodyVariable = "llmRequest"

// emptyVariables are variables of agentgateway that never have a value here.
// They are known, so that an expression which asks for one loads and does not match.
var emptyVariables = []string{"jwt", "basicAuth", "env", "proxy", "destination", "mcp", "extauthz", "extproc",
	"mcpGuardrails", "metadata"}

func (in *Input) request(name string) (any, bool) {
	switch name {
	case "method":
		return in.Method, true
	case "path":
		return in.Path, true
	case "host":
		return in.Host, true
	case "scheme":
		return in.Scheme, true
	case "version":
		return in.Version, true
	case "headers":
		in.headers[0].lines = in.Headers
		return &in.headers[0], true
	case "pathAndQuery":
		return in.pathAndQuery(), true
	case "uri":
		return in.Scheme + "://" + in.Host + in.pathAndQuery(), true
	default:
		return nil, false
	}
}

func (in *Input) pathAndQuery() string {
	if in.Query == "" {
		return in.Path
	}
	return in.Path + "?" + in.Query
}

// apiKey gives what is known about the caller's key. The metadata come first:
// they are what agentgateway shows. The key itself is never shown.
func (in *Input) apiKey(name string) (any, bool) {
	if name == "key" {
		return secret.Text{}.String(), true
	}
	if v, ok := in.Caller.Metadata[name]; ok {
		return v, true
	}
	switch {
	case name == "id":
		return in.Caller.KeyID, true
	case name == "name" && in.Caller.Name != "":
		return in.Caller.Name, true
	default:
		return nil, false
	}
}

func (in *Input) source(name string) (any, bool) {
	switch name {
	case "address", "rawAddress":
		return in.Source.Addr().Unmap().String(), true
	case "port", "rawPort":
		return int64(in.Source.Port()), true
	default:
		return nil, false
	}
}

func (in *Input) llm(name string) (any, bool) {
	switch name {
	case "requestModel":
		return in.LLM.RequestModel, true
	case "responseModel":
		return in.LLM.ResponseModel, in.LLM.ResponseModel != ""
	case "provider":
		return in.LLM.Provider, in.LLM.Provider != ""
	case "streaming":
		return in.LLM.Streaming, true
	case "params":
		return in.params()
	}
	u := in.LLM.Usage
	if u == nil {
		return nil, false
	}
	switch name {
	case "inputTokens":
		return u.Input(), true
	case "cachedInputTokens":
		return u.CacheRead, true
	case "cacheCreationInputTokens":
		return u.CacheWrite(), true
	case "outputTokens":
		return u.Output(), true
	case "reasoningTokens":
		return u.OutputReasoning, true
	case "totalTokens":
		return u.Input() + u.Output(), true
	default:
		return nil, false
	}
}

// parameters are the members of a body that llm.params shows.
var parameters = [...]string{"temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "max_tokens",
	"encoding_format", "dimensions"}

func (in *Input) params() (any, bool) {
	body, err := in.parsedBody()
	members, ok := body.(map[string]any)
	if err != nil || !ok {
		return nil, false
	}
	out := make(map[string]any)
	for _, name := range parameters {
		if v, ok := members[name]; ok {
			out[name] = v
		}
	}
	return out, true
}

func (in *Input) response(name string) (any, bool) {
	switch name {
	case "code":
		return int64(in.Response.Code), true
	case "headers":
		in.headers[1].lines = in.Response.Headers
		return &in.headers[1], true
	default:
		return nil, false
	}
}

func (in *Input) backend(name string) (any, bool) { return in.Backend, name == "name" }

// parsedBody gives the parsed body, an error if there is none or it is no JSON.
func (in *Input) parsedBody() (any, error) {
	if in.Body == nil {
		return nil, errAbsent
	}
	if !in.bodyRead {
		in.body, in.bodyErr = parseJSON(in.Body)
		in.bodyRead = true
	}
	return in.body, in.bodyErr
}

// ResolveName implements CEL's Activation; it is of no use to others.
func (in *Input) ResolveName(name string) (any, bool) {
	if name == bodyVariable {
		v, err := in.parsedBody()
		return v, err == nil
	}
	for r := range shapes {
		if s := &shapes[r]; s.name == name {
			if !s.present(in) {
				return nil, false
			}
			in.objects[r] = object{in, s}
			return &in.objects[r], true
		}
	}
	return nil, false
}

// headerValue gives a header by its canonical name, several lines as one.
func headerValue(lines map[string][]string, canonical string) (string, bool) {
	values := lines[canonical]
	return strings.Join(values, ", "), len(values) > 0
}

func canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }
