package anthropic

import (
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// figures is a usage object as it stands on the wire. Its input leaves out what
// the cache read and wrote.
type figures struct {
	input, output       answer.Count
	readCount, written  answer.Count
	fiveMinutes, hour   answer.Count // parts of written
	thinking            answer.Count // part of output
	searches, fetches   answer.Count
	interpreterRequests answer.Count
}

// read overwrites the figure of that name and tells whether it is one of the
// sums, without which an object is no usage.
func (f *figures) read(name, v []byte) (sum bool) {
	switch string(name) {
	case "input_tokens":
		return f.input.Read(v)
	case "output_tokens":
		return f.output.Read(v)
	case "cache_read_input_tokens":
		return f.readCount.Read(v)
	case "cache_creation_input_tokens":
		return f.written.Read(v)
	case "cache_creation":
		f.fiveMinutes.Read(answer.Get(v, "ephemeral_5m_input_tokens"))
		f.hour.Read(answer.Get(v, "ephemeral_1h_input_tokens"))
	case "output_tokens_details":
		f.thinking.Read(answer.Get(v, "thinking_tokens"))
	case "server_tool_use":
		f.searches.Read(answer.Get(v, "web_search_requests"))
		f.fetches.Read(answer.Get(v, "web_fetch_requests"))
		f.interpreterRequests.Read(answer.Get(v, "code_execution_requests"))
	}
	return false
}

// usage brings the figures into the normal form.
func (f *figures) usage() (u usage.Usage) {
	written := f.written
	if !written.Named && (f.fiveMinutes.Named || f.hour.Named) {
		written = answer.Count{N: usage.Add(f.fiveMinutes.N, f.hour.N), Named: true}
	}
	u.InputUncached, u.CacheRead = f.input.N, f.readCount.N
	u.SplitWrites(written.N, f.hour.N)
	u.SplitOutput(f.output.N, f.thinking.N)
	u.WebSearches, u.WebFetches, u.CodeSessions = f.searches.N, f.fetches.N, f.interpreterRequests.N
	u.Senseless = f.input.Senseless || f.output.Senseless || f.readCount.Senseless || f.written.Senseless
	u.Report(usage.CacheRead, f.readCount.Named)
	u.Report(usage.CacheWrite, written.Named)
	u.Report(usage.Reasoning, f.thinking.Named)
	return u
}

// iterations are the model calls inside one answer. The figures of the answer
// leave out what compaction and advisors consumed.
type iterations struct {
	own    usage.Usage // calls of the answer's model, compaction included
	named  bool        // there was such a call
	served string      // model that took over, "" if none did
	others []usage.Other
}

// read replaces the iterations by a raw list.
func (p *iterations) read(list []byte) {
	*p = iterations{}
	a := answer.Elements(list)
	for {
		item, ok := a.Next()
		if !ok {
			return
		}
		p.add(item)
	}
}

func (p *iterations) add(item []byte) {
	var f figures
	var kind, model []byte
	o := answer.Members(item)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "type":
			kind = answer.Inner(v)
		case "model":
			model = v
		default:
			f.read(name, v)
		}
	}
	u := f.usage()
	u.Source = usage.Reported
	switch string(kind) {
	case "advisor_message":
		p.others = append(p.others, usage.Other{Model: answer.String(model), Usage: u})
	case "fallback_message":
		p.served = answer.String(model)
	default: // message, compaction, and whatever comes next: tokens are not lost
		p.own.AddTokens(&u)
		p.named = true
	}
}

// apply corrects the figures of the answer. After a fallback they are right as
// they are, but at the price of the model that took over.
func (p *iterations) apply(u *usage.Usage) {
	u.Others = p.others
	switch {
	case p.served != "":
		u.ServedModel = p.served
	case p.named:
		own := p.own
		// The parts that the iterations do not tell apart, the answer may.
		hour := max(own.CacheWrite1h, min(u.CacheWrite1h, own.CacheWrite()))
		thinking := max(own.OutputReasoning, min(u.OutputReasoning, own.Output()))
		u.InputUncached, u.CacheRead = own.InputUncached, own.CacheRead
		u.SplitWrites(own.CacheWrite(), hour)
		u.SplitOutput(own.Output(), thinking)
		u.Reported |= own.Reported
	}
}
