package telemetry_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"tollgate/internal/caller"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/telemetry"
	"tollgate/internal/usage"
)

// stream is an exchange with everything that a line can say of a success.
func stream() *gateway.Exchange {
	x := chat(alice)
	x.Place = &gateway.Place{Gateway: "default/gw", Listener: "llm", RouteRule: "rule0", Route: "internal/llm:request"}
	x.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	x.Streamed, x.ModelAsked = true, "fast"
	x.MaxTokens, x.Temperature, x.HasTemperature = 256, 0.2, true
	x.Usage = usage.Usage{InputUncached: 4, CacheRead: 6, CacheWrite5m: 3, OutputText: 5, OutputReasoning: 4, Source: usage.Reported}
	x.Attempts = append([]gateway.Attempt{{Provider: "openai", Backend: "spare", Err: errors.New("refused")}}, x.Attempts...)
	return x
}

// broken is an exchange that failed.
func broken() *gateway.Exchange {
	x := chat(caller.Anonymous)
	x.Provider, x.ModelSent, x.ModelServed, x.Backend, x.Endpoint, x.Attempts = "", "", "", "", "", nil
	x.Usage, x.FirstByte, x.BytesOut = usage.Usage{}, 0, 64
	x.Status, x.Outcome, x.Reason = 503, gateway.Failed, "UpstreamFailure"
	x.Err = &fault.Error{Code: "upstream_unreachable", Message: "Nobody answers.", Err: errors.New("connect: refused")}
	return x
}

func TestTextLines(t *testing.T) {
	want := "2026-11-21T12:00:01.500000Z\tinfo\trequest gateway=default/gw listener=llm route_rule=rule0 route=internal/llm:request" +
		" endpoint=api.openai.com:443 src.addr=127.0.0.1:50000 http.method=POST http.host=localhost:4000 http.path=/v1/chat/completions" +
		" http.version=HTTP/1.1 http.status=200 trace.id=0af7651916cd43dd8448eb211c80319c span.id=b7ad6b7169203331 protocol=llm" +
		" gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=gpt-3.5-turbo gen_ai.response.model=gpt-3.5-turbo-0125" +
		" gen_ai.usage.input_tokens=13 gen_ai.usage.cache_creation.input_tokens=3 gen_ai.usage.cache_read.input_tokens=6" +
		" gen_ai.usage.output_tokens=9 gen_ai.usage.reasoning_tokens=4" +
		" agw.ai.time_to_first_token=900ms agw.ai.time_per_output_token=66.666ms" +
		" gen_ai.request.temperature=0.2 gen_ai.request.max_tokens=256 retry.attempt=1 reason=Upstream duration=1500ms" +
		" request.id=req_1 key.id=key_alice key.name=alice model.asked=fast backend=gpt usage.source=reported attempts=2" +
		" outcome=served first_byte=900ms streamed=true bytes.in=100 bytes.out=400\n" +
		"2026-11-21T12:00:01.500000Z\tinfo\trequest listener=llm route=internal/llm:request" +
		" src.addr=127.0.0.1:50000 http.method=POST http.host=localhost:4000 http.path=/v1/chat/completions" +
		` http.version=HTTP/1.1 http.status=503 error="upstream_unreachable: Nobody answers.: connect: refused"` +
		" reason=UpstreamFailure duration=1500ms request.id=req_1 model.asked=gpt-3.5-turbo outcome=failed" +
		" error.code=upstream_unreachable bytes.in=100 bytes.out=64\n"
	if got := logged(t, telemetry.Settings{}, stream(), broken()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSONLines(t *testing.T) {
	want := `{"level":"info","time":"2026-11-21T12:00:01.500000Z","scope":"request","gateway":"default/gw","listener":"llm","route_rule":"rule0",` +
		`"route":"internal/llm:request","endpoint":"api.openai.com:443","src.addr":"127.0.0.1:50000","http.method":"POST",` +
		`"http.host":"localhost:4000","http.path":"/v1/chat/completions","http.version":"HTTP/1.1","http.status":200,` +
		`"trace.id":"0af7651916cd43dd8448eb211c80319c","span.id":"b7ad6b7169203331","protocol":"llm","gen_ai.operation.name":"chat",` +
		`"gen_ai.provider.name":"openai","gen_ai.request.model":"gpt-3.5-turbo","gen_ai.response.model":"gpt-3.5-turbo-0125",` +
		`"gen_ai.usage.input_tokens":13,"gen_ai.usage.cache_creation.input_tokens":3,"gen_ai.usage.cache_read.input_tokens":6,` +
		`"gen_ai.usage.output_tokens":9,"gen_ai.usage.reasoning_tokens":4,"agw.ai.time_to_first_token":"900ms",` +
		`"agw.ai.time_per_output_token":"66.666ms","gen_ai.request.temperature":0.2,"gen_ai.request.max_tokens":256,"retry.attempt":1,` +
		`"reason":"Upstream","duration":"1500ms","request.id":"req_1","key.id":"key_alice","key.name":"alice","model.asked":"fast",` +
		`"backend":"gpt","usage.source":"reported","attempts":2,"outcome":"served","first_byte":"900ms","streamed":true,` +
		`"bytes.in":100,"bytes.out":400,"team":"red"}` + "\n"
	x := stream()
	x.LogFields = []string{"red"}
	s := telemetry.Settings{LogFormat: telemetry.JSON, Fields: gateway.FieldNames{Log: []string{"team"}}}
	if got := logged(t, s, x); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNoForgery puts hostile text wherever a client or a provider has a say.
func TestNoForgery(t *testing.T) {
	for _, hostile := range []string{
		"x http.status=200", "x\n2026-11-21T12:00:01Z\tinfo\trequest http.status=200", "x\r\nfoo=bar", `x" http.status="200`,
		`x\" a=b`, "\x1b[2Jx", "x\u009b31m", "x\u2028y=z", "x\u202egpj", "\xff\xfe=", `"},{"http.status":200,"a":"`, "a=b", "\x00", "\u200b", "😀", "\U000e0041",
	} {
		x := chat(&caller.Caller{KeyID: hostile, Name: hostile})
		x.Method, x.Host, x.Path, x.Proto, x.RemoteAddr, x.ID = hostile, hostile, "/"+hostile, hostile, hostile, hostile
		x.ModelAsked, x.ModelSent, x.ModelServed, x.Provider, x.Reason = hostile, hostile, hostile, hostile, hostile
		x.Err = fault.New(fault.Invalid, hostile, "%s", hostile)
		x.LogFields, x.TraceParent = []string{hostile}, hostile
		fields := gateway.FieldNames{Log: []string{"team"}}

		text := logged(t, telemetry.Settings{Fields: fields}, x)
		if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
			t.Errorf("%q makes several lines:\n%q", hostile, text)
		}
		if got := names(t, text); got["http.status"] != 1 || len(got) != 32 {
			t.Errorf("%q: fields %v\n%s", hostile, got, text)
		}
		for _, r := range strings.TrimSuffix(text, "\n") {
			if !unicode.IsPrint(r) && r != '\t' {
				t.Errorf("%q: %U is in the log", hostile, r)
			}
		}

		line := logged(t, telemetry.Settings{Fields: fields, LogFormat: telemetry.JSON}, x)
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil || strings.Count(line, "\n") != 1 {
			t.Fatalf("%q: %v in %s", hostile, err, line)
		}
		want := strings.ToValidUTF8(hostile, "\ufffd")
		if hostile == "\xff\xfe=" {
			want = "\ufffd\ufffd="
		}
		if object["key.name"] != want || object["team"] != want || object["http.status"] != 200.0 {
			t.Errorf("%q reads as %q", hostile, object["key.name"])
		}
	}
}

// names reads a line of text as its grammar has it, and counts its fields.
func names(t *testing.T, line string) map[string]int {
	t.Helper()
	found := map[string]int{}
	_, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\trequest ")
	for ok && rest != "" {
		name, value, cut := strings.Cut(rest, "=")
		if !cut || strings.ContainsAny(name, ` "\`) {
			t.Fatalf("no field at %q", rest)
		}
		found[name]++
		if value != "" && value[0] == '"' {
			i := 1
			for ; i < len(value) && value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
			rest = strings.TrimPrefix(value[min(i+1, len(value)):], " ")
			continue
		}
		_, rest, _ = strings.Cut(value, " ")
	}
	return found
}

func TestLongValuesAreCut(t *testing.T) {
	x := chat(alice)
	x.ModelAsked = strings.Repeat("é", 5000)
	x.Path = "/" + strings.Repeat("a", 100_000)
	x.Err = fault.New(fault.Invalid, "c", "%s", strings.Repeat("b", 100_000))
	line := logged(t, telemetry.Settings{}, x)
	if len(line) > 4000 {
		t.Errorf("%d bytes", len(line))
	}
	if !strings.Contains(line, ` model.asked="`+strings.Repeat("é", 128)+`…" `) {
		t.Errorf("%s", line)
	}
}

func TestNoNumber(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		x := stream()
		x.Temperature = value
		if line := logged(t, telemetry.Settings{LogFormat: telemetry.JSON}, x); !json.Valid([]byte(line)) {
			t.Error(line)
		}
	}
}

func TestQueryIsNotLogged(t *testing.T) {
	x := chat(alice)
	x.Path = "/v1/models?key=canary"
	if line := logged(t, telemetry.Settings{}, x); strings.Contains(line, "canary") || !strings.Contains(line, "http.path=/v1/models ") {
		t.Error(line)
	}
}

func TestRequestsAreNotQuoted(t *testing.T) {
	x := refused()
	x.Err = &fault.Error{Kind: fault.Invalid, Code: "invalid_request_body", Message: "duplicate name hush", Err: errors.New("at hush")}
	if line := logged(t, telemetry.Settings{}, x); strings.Contains(line, "hush") || !strings.Contains(line, "error=invalid_request_body") {
		t.Errorf("line %s", line)
	}
}

func TestConfiguredLogFields(t *testing.T) {
	names := &gateway.FieldNames{Log: []string{"user", "odd name=", "reason", "gone"}}
	x := chat(alice)
	x.FieldNames, x.LogFields = names, []string{"alice", "v", "mine", "never"}
	s := telemetry.Settings{Fields: *names, RemovedLogFields: []string{"http.host", "bytes.in", "gone", "first_byte", "duration"}}
	line := logged(t, s, x)
	for _, want := range []string{" user=alice", " odd_name_=v", " reason=mine"} {
		if !strings.Contains(line, want) {
			t.Errorf("no%s in %s", want, line)
		}
	}
	for _, gone := range []string{"http.host=", "bytes.in=", "gone=", "reason=Upstream", "first_byte=", "duration="} {
		if strings.Contains(line, gone) {
			t.Errorf("%s is in %s", gone, line)
		}
	}
	// An exchange that began under other settings is read by its own names.
	x.FieldNames, x.LogFields = &gateway.FieldNames{Log: []string{"gone", "user"}}, []string{"never", "bob"}
	if line := logged(t, s, x); !strings.Contains(line, " user=bob") || strings.Contains(line, "never") {
		t.Error(line)
	}
}

func TestEveryFieldCanBeRemoved(t *testing.T) {
	all := names(t, logged(t, telemetry.Settings{}, stream()))
	for name := range names(t, logged(t, telemetry.Settings{}, broken())) {
		all[name]++
	}
	var removed []string
	for name := range all {
		removed = append(removed, name)
	}
	got := logged(t, telemetry.Settings{RemovedLogFields: removed}, stream(), broken())
	if left := strings.ReplaceAll(got, "2026-11-21T12:00:01.500000Z\tinfo\trequest\n", ""); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestZeroExchange(t *testing.T) {
	x := &gateway.Exchange{Started: noon, Duration: time.Second}
	for _, format := range []telemetry.Format{telemetry.Text, telemetry.JSON} {
		if line := logged(t, telemetry.Settings{LogFormat: format}, x); !strings.Contains(line, "aborted") {
			t.Error(line)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("gpt-4o", "team=\"x\"\n")
	f.Add("\xff\u2028\x1b", `\`)
	f.Fuzz(func(t *testing.T, model, value string) {
		x := chat(alice)
		x.ModelAsked, x.LogFields = model, []string{value}
		s := telemetry.Settings{Fields: gateway.FieldNames{Log: []string{"team"}}}
		text := logged(t, s, x)
		if got := names(t, text); strings.Count(text, "\n") != 1 || got["bytes.out"] != 1 || got["team"] > 1 {
			t.Errorf("%v in %q", got, text)
		}
		s.LogFormat = telemetry.JSON
		line := logged(t, s, x)
		if !json.Valid([]byte(line)) || strings.Count(line, "\n") != 1 {
			t.Errorf("no JSON line: %q", line)
		}
	})
}
