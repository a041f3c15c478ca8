package gateway

import (
	"net/netip"

	"tollgate/internal/caller"
	"tollgate/internal/expression"
)

// unknownField is the value of a configured field whose expression fails.
const unknownField = "unknown"

// expressionInput gives what expressions see of the exchange so far.
func (x *exchange) expressionInput() *expression.Input {
	in := &x.input
	if !x.hasInput {
		x.hasInput = true
		in.Method, in.Scheme, in.Host, in.Path = x.Method, x.Scheme, x.Host, x.Path
		in.Query, in.Version, in.Headers = x.req.Query, x.Proto, x.req.Header
		in.Source, _ = netip.ParseAddrPort(x.RemoteAddr)
	}
	in.Backend = x.Backend
	if x.Caller != caller.Anonymous {
		in.Caller = x.Caller
	}
	if x.body != nil {
		in.Body = x.body
	}
	if (x.body != nil || x.spooled != nil) && !x.plain() {
		x.llm = expression.LLM{RequestModel: x.ModelAsked, ResponseModel: x.ModelServed, Provider: x.Provider, Streaming: x.Streamed}
		in.LLM = &x.llm
	}
	return in
}

// noteStatus makes the status of an answer visible to expressions.
func (x *exchange) noteStatus(status int) {
	x.head = expression.Response{Code: status}
	x.input.Response = &x.head
}

// computeFields evaluates the extra fields of metrics and logs.
func (x *exchange) computeFields() {
	if len(x.snap.MetricFields)+len(x.snap.LogFields) == 0 {
		return
	}
	in := x.expressionInput()
	x.noteStatus(x.Status)
	if in.LLM != nil {
		in.LLM.Usage = &x.Usage
	}
	x.MetricFields = appendFields(x.MetricFields, x.snap.MetricFields, in)
	x.LogFields = appendFields(x.LogFields, x.snap.LogFields, in)
}

func appendFields(dst []string, programs []*expression.Program, in *expression.Input) []string {
	for _, p := range programs {
		value, err := p.String(in)
		if err != nil || value == "" {
			value = unknownField
		}
		dst = append(dst, value)
	}
	return dst
}
