package gateway_test

import (
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/expression"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
)

func TestSwap(t *testing.T) {
	s := newScene(t)
	other := *s.snap
	other.Binds = nil
	s.up.replies = append(s.up.replies, func(r *sent) (*provider.Response, error) {
		s.gateway.Swap(&other) // a request under way keeps its snapshot
		return whole(200, good)(r)
	})
	s.do(call{}).want(t, 200, "")
	s.do(call{}).want(t, 404, "route_not_found")
	if s.gateway.Snapshot() != &other {
		t.Error("the snapshot in force is another one")
	}
}

func TestRefuse(t *testing.T) {
	s := newScene(t)
	req := &gateway.Request{Address: "a", Host: "gw.example", Path: "/v1/messages", Method: "POST", Header: gateway.Header{"User-Agent": {"curl"}}, Proto: "HTTP/1.1"}
	out := &caughtAnswer{header: gateway.Header{}}
	s.gateway.Refuse(req, out, fault.New(fault.Invalid, "invalid_path", "No."))
	out.want(t, 400, `{"type":"error","error":{"type":"invalid_request_error","message":"No.","code":"invalid_path"},"request_id":"req_`)
	x := s.last()
	if x.Place != s.listener.Place || x.Outcome != gateway.Refused || x.Reason != "InvalidRequest" || x.Dialect != dialect.Anthropic || x.UserAgent != "curl" ||
		x.ID != out.header.Get("X-Request-Id") || x.BytesOut != int64(out.body.Len()) || x.Caller.Name != "" {
		t.Errorf("recorded %+v", x)
	}
	req.Address = "elsewhere"
	out = &caughtAnswer{header: gateway.Header{}}
	s.gateway.Refuse(req, out, fault.New(fault.TooLarge, "request_body_too_large", "No."))
	if out.want(t, 413, "request_too_large"); s.last().Place == nil {
		t.Error("recorded at no place")
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	s := newScene(t)
	seen := map[string]bool{}
	for range 1000 {
		seen[s.do(call{header: gateway.Header{}}).header.Get("X-Request-Id")] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d ids for 1000 requests", len(seen))
	}
}

func TestConfiguredFields(t *testing.T) {
	s := newScene(t)
	s.snap.FieldNames = &gateway.FieldNames{Metric: []string{"team"}, Log: []string{"code", "used", "model", "nothing", "client", "where", "empty"}}
	s.snap.MetricFields = []*expression.Program{expr("apiKey.team")}
	s.snap.LogFields = []*expression.Program{expr("response.code"), expr("llm.outputTokens"), expr(`llm.requestModel + "/" + llm.responseModel + "/" + llm.provider`),
		expr("jwt.sub"), expr("source.address"), expr("backend.name"), expr(`""`)}
	s.do(call{}).want(t, 200, "")
	x := s.last()
	if got := strings.Join(append(x.MetricFields, x.LogFields...), " "); got != "a 200 9 gpt-5/gpt-5-2026/openai unknown 192.0.2.7 main unknown" || x.FieldNames != s.snap.FieldNames {
		t.Errorf("fields are %s", got)
	}
	// Nothing of one request is seen in the next.
	s.do(call{header: gateway.Header{}}).want(t, 401, "")
	if x := s.last(); strings.Join(append(x.MetricFields, x.LogFields...), " ") != "unknown 401 unknown unknown unknown 192.0.2.7 unknown unknown" {
		t.Errorf("fields are %q %q", x.MetricFields, x.LogFields)
	}
}

// What a record says of a request that came through.
func TestRecords(t *testing.T) {
	s := newScene(t)
	h := bearer(aliceKey)
	h["User-Agent"] = []string{"sdk/1"}
	s.do(call{header: h, body: `{"model":"gpt-5","messages":[],"max_tokens":7,"temperature":0.5}`}).want(t, 200, "")
	x := s.last()
	if x.Method != "POST" || x.Path != chatPath || x.Host != "gw.example" || x.Scheme != "http" || x.Proto != "HTTP/1.1" || x.RemoteAddr != "192.0.2.7:1234" || x.UserAgent != "sdk/1" {
		t.Errorf("recorded %+v", x)
	}
	if x.MaxTokens != 7 || !x.HasTemperature || x.Temperature != 0.5 || x.Provider != "openai" || x.Backend != "main" || x.Endpoint != "main.example:443" || x.Operation != dialect.Chat ||
		x.Dialect != dialect.OpenAI || x.Streamed || x.Duration <= 0 || x.Processing <= 0 || x.FirstByte <= 0 || x.BytesOut != int64(len(good)) || x.ModelServed != "gpt-5-2026" {
		t.Errorf("recorded %+v", x)
	}
}
