package request_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
)

// edit applies edits to a body and gives the result.
func edit(t *testing.T, op dialect.Operation, body string, change func(*request.Edits)) string {
	t.Helper()
	var p request.Peeked
	if err := request.Peek(op, []byte(body), &p); err != nil {
		t.Fatal(err)
	}
	var e request.Edits
	e.Begin(op, []byte(body), &p)
	change(&e)
	first := string(e.Apply(nil))
	if again := e.Apply([]byte("kept")); e.Changed() && string(again) != "kept"+first {
		t.Errorf("Apply gave %s, then %s", first, again)
	}
	return first
}

func TestEdits(t *testing.T) {
	type E = *request.Edits
	tests := []struct {
		name string
		op   dialect.Operation
		body string
		do   func(E)
		want string
	}{
		{"model", dialect.Chat, ` { "model" : "a" , "x":1.0}`, func(e E) { e.SetModel(`b"`) }, ` { "model" : "b\"" , "x":1.0}`},
		{"model, the same", dialect.Chat, `{"model":"\u0061"}`, func(e E) { e.SetModel("a") }, `{"model":"\u0061"}`},
		{"model, null", dialect.Chat, `{"model":null}`, func(e E) { e.SetModel("a") }, `{"model":"a"}`},
		{"model, absent", dialect.Chat, `{"x":1}`, func(e E) { e.SetModel("a") }, `{"model":"a","x":1}`},
		{"model, of nothing", dialect.Chat, ` { } `, func(e E) { e.SetModel("a") }, ` {"model":"a" } `},
		{"model, there and back", dialect.Chat, `{"model":"a"}`, func(e E) { e.SetModel("b"); e.SetModel("a") }, `{"model":"a"}`},
		{"model, escaped name", dialect.Chat, `{"mod\u0065l":"a"}`, func(e E) { e.SetModel("b") }, `{"mod\u0065l":"b"}`},

		{"usage, no stream", dialect.Chat, `{"model":"a"}`, E.ForceIncludeUsage, `{"model":"a"}`},
		{"usage, stream false", dialect.Chat, `{"stream":false}`, E.ForceIncludeUsage, `{"stream":false}`},
		{"usage, other operation", dialect.Responses, `{"stream":true}`, E.ForceIncludeUsage, `{"stream":true}`},
		{"usage, absent", dialect.Completions, `{"stream":true}`, E.ForceIncludeUsage, `{"stream_options":{"include_usage":true},"stream":true}`},
		{"usage, null", dialect.Chat, `{"stream":true,"stream_options": null}`, E.ForceIncludeUsage, `{"stream":true,"stream_options": {"include_usage":true}}`},
		{"usage, empty", dialect.Chat, `{"stream":true,"stream_options":{ }}`, E.ForceIncludeUsage, `{"stream":true,"stream_options":{"include_usage":true }}`},
		{"usage, refused", dialect.Chat, `{"stream":true,"stream_options":{"a":1, "include_usage" : false}}`, E.ForceIncludeUsage, `{"stream":true,"stream_options":{"a":1, "include_usage" : true}}`},
		{"usage, not named", dialect.Chat, `{"stream":true,"stream_options":{"a": [1]}}`, E.ForceIncludeUsage, `{"stream":true,"stream_options":{"include_usage":true,"a": [1]}}`},
		{"usage, asked", dialect.Chat, `{"stream":true,"stream_options":{"include_usage":true}}`, E.ForceIncludeUsage, `{"stream":true,"stream_options":{"include_usage":true}}`},
		{"usage, twice", dialect.Chat, `{"stream":true,"stream_options":{"a":1}}`, func(e E) { e.ForceIncludeUsage(); e.ForceIncludeUsage() }, `{"stream":true,"stream_options":{"include_usage":true,"a":1}}`},
		{"usage, stream by override", dialect.Chat, `{"stream":false}`, func(e E) { e.Set("stream", " true"); e.ForceIncludeUsage() }, `{"stream_options":{"include_usage":true},"stream":true}`},
		{"usage, options by override", dialect.Chat, `{"stream":true,"stream_options":{"a":1}}`, func(e E) {
			e.Set("stream_options", `{"b":2}`)
			e.ForceIncludeUsage()
			e.ForceIncludeUsage()
		}, `{"stream":true,"stream_options":{"include_usage":true,"b":2}}`},
		{"usage, options added", dialect.Chat, `{"stream":true}`, func(e E) {
			e.Set("stream_options", `{"include_usage":false}`)
			e.ForceIncludeUsage()
		}, `{"stream_options":{"include_usage":true},"stream":true}`},
		{"options by override after usage", dialect.Chat, `{"stream":true,"stream_options":{"a":1}}`, func(e E) {
			e.ForceIncludeUsage()
			e.Set("stream_options", `{"b":2}`)
		}, `{"stream":true,"stream_options":{"b":2}}`},

		{"set and default", dialect.Chat, `{"a":1,"b":[2]}`, func(e E) {
			e.Set("a", "10")
			e.Set("c", `{"x":1}`)
			e.Set("c", "3")
			e.SetDefault("b", "20")
			e.SetDefault("c", "30")
			e.SetDefault("d", `"4"`)
		}, `{"c":3,"d":"4","a":10,"b":[2]}`},
		{"default, null is there", dialect.Chat, `{"a":null}`, func(e E) { e.SetDefault("a", "1") }, `{"a":null}`},

		{"rename", dialect.Chat, `{"max_tokens" : 5,"x":1}`, func(e E) { e.Rename("max_tokens", "max_completion_tokens") }, `{"max_completion_tokens" : 5,"x":1}`},
		{"rename, absent", dialect.Chat, `{"x":1}`, func(e E) { e.Rename("max_tokens", "max_completion_tokens") }, `{"x":1}`},
		{"rename, taken", dialect.Chat, `{"max_tokens":5,"max_completion_tokens":6}`, func(e E) { e.Rename("max_tokens", "max_completion_tokens") }, `{"max_completion_tokens":6}`},
		{"rename, taken by null", dialect.Chat, `{"max_completion_tokens":null,"max_tokens":5}`, func(e E) { e.Rename("max_tokens", "max_completion_tokens") }, `{"max_completion_tokens":5}`},
		{"rename, of a default", dialect.Chat, `{}`, func(e E) { e.SetDefault("a", "1"); e.Rename("a", "b") }, `{"b":1}`},
		{"rename, of a default, taken", dialect.Chat, `{"b":2}`, func(e E) { e.SetDefault("a", "1"); e.Rename("a", "b") }, `{"b":2}`},
		{"rename, then set", dialect.Chat, `{"a":1}`, func(e E) { e.Rename("a", "b"); e.Set("b", "2"); e.Set("a", "3") }, `{"a":3,"b":2}`},

		{"remove the first", dialect.Chat, `{ "a":1 , "b":2}`, func(e E) { e.Remove("a") }, `{ "b":2}`},
		{"remove one within", dialect.Chat, `{"a":1,"b":2,"c":3}`, func(e E) { e.Remove("b") }, `{"a":1,"c":3}`},
		{"remove the last two", dialect.Chat, `{"a":1,"b":2 ,"c":3 }`, func(e E) { e.Remove("c"); e.Remove("b") }, `{"a":1 }`},
		{"remove all", dialect.Chat, `{"a":1,"b":2}`, func(e E) { e.Remove("a"); e.Remove("b") }, `{}`},
		{"remove all and add", dialect.Chat, `{"a":1,"b":2}`, func(e E) { e.Remove("a"); e.Set("c", "3"); e.Remove("b") }, `{"c":3}`},
		{"remove what was set", dialect.Chat, `{"a":1,"b":2}`, func(e E) { e.Set("a", "3"); e.Set("c", "4"); e.Remove("a"); e.Remove("c") }, `{"b":2}`},
		{"remove what was renamed", dialect.Chat, `{"a":1,"b":2}`, func(e E) { e.Rename("a", "c"); e.Remove("c") }, `{"b":2}`},
		{"remove nothing", dialect.Chat, `{"a":1}`, func(e E) { e.Remove("b") }, `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := edit(t, tt.op, tt.body, tt.do); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestPrompts(t *testing.T) {
	front := []string{`{"role":"system","content":"S"}`, `{"role":"user","content":[{"type":"text","text":"T"}]}`}
	back := []string{`{"role":"system","content":"\"Z\""}`}
	both := func(e *request.Edits) { e.PrependMessages(front); e.AppendMessages(back) }
	tests := []struct {
		name string
		op   dialect.Operation
		body string
		want string
	}{
		{"chat", dialect.Chat, `{"messages": [ {"role":"user"} ]}`,
			`{"messages": [` + front[0] + `,` + front[1] + `, {"role":"user"} ,` + back[0] + `]}`},
		{"chat, empty", dialect.Chat, `{"messages":[ ]}`, `{"messages":[` + front[0] + `,` + front[1] + ` ,` + back[0] + `]}`},
		{"chat, absent", dialect.Chat, `{}`, `{"messages":[` + front[0] + `,` + front[1] + `,` + back[0] + `]}`},
		{"chat, null", dialect.Chat, `{"messages":null}`, `{"messages":[` + front[0] + `,` + front[1] + `,` + back[0] + `]}`},
		{"anthropic, system text", dialect.Messages, `{"system":"a\nb","messages":[{}]}`,
			`{"system":"S\n\na\nb\n\n\"Z\"","messages":[` + front[1] + `,{}]}`},
		{"anthropic, system blocks", dialect.Messages, `{"system":[{"type":"text","text":"x","cache_control":{}}],"messages":[{}]}`,
			`{"system":[{"type":"text","text":"S"},{"type":"text","text":"x","cache_control":{}},{"type":"text","text":"\"Z\""}],"messages":[` + front[1] + `,{}]}`},
		{"anthropic, no system", dialect.CountTokens, `{"messages":[]}`,
			`{"system":"S\n\n\"Z\"","messages":[` + front[1] + `]}`},
		{"responses, list", dialect.Responses, `{"input":[{"a":1}]}`, `{"input":[` + front[0] + `,` + front[1] + `,{"a":1},` + back[0] + `]}`},
		{"responses, text", dialect.Responses, `{"input":"h\"i","x":1}`,
			`{"input":[` + front[0] + `,` + front[1] + `,{"role":"user","content":"h\"i"},` + back[0] + `],"x":1}`},
		{"responses, absent", dialect.Responses, `{}`, `{"input":[` + front[0] + `,` + front[1] + `,` + back[0] + `]}`},
		{"embeddings", dialect.Embeddings, `{"input":"a"}`, `{"input":"a"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := edit(t, tt.op, tt.body, both); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	got := edit(t, dialect.Chat, `{"messages":[]}`, func(e *request.Edits) {
		e.PrependMessages(back)
		e.PrependMessages(front[:1])
		e.AppendMessages(nil)
		e.AppendMessages(front[1:])
	})
	if want := `{"messages":[` + front[0] + `,` + back[0] + `,` + front[1] + `]}`; got != want {
		t.Errorf("twice\ngot  %s\nwant %s", got, want)
	}
}

func TestNoEditsNoCopy(t *testing.T) {
	var p request.Peeked
	if err := request.Peek(dialect.Chat, chatBody, &p); err != nil {
		t.Fatal(err)
	}
	var e request.Edits
	e.Begin(dialect.Chat, chatBody, &p)
	e.SetModel("gpt-4o-mini")
	e.Rename("absent", "else")
	if got := e.Apply(make([]byte, 0, 10)); e.Changed() || &got[0] != &chatBody[0] {
		t.Error("the body was copied")
	}
	e.SetModel("b")
	if !e.Changed() {
		t.Error("the change was not seen")
	}
	e.Begin(dialect.Chat, chatBody, &p)
	if e.Changed() {
		t.Error("Begin kept an edit")
	}
}

func TestManyMembers(t *testing.T) {
	var body bytes.Buffer
	want := map[string]any{"model": "b", "m39": 1.0}
	body.WriteString(`{"model":"a"`)
	for i := range 40 {
		body.WriteString(`,"m` + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `":0`)
		want["m"+string(rune('0'+i/10))+string(rune('0'+i%10))] = 0.0
	}
	body.WriteString(`}`)
	want["m39"] = 1.0
	delete(want, "m20")
	got := edit(t, dialect.Chat, body.String(), func(e *request.Edits) {
		e.SetModel("b")
		e.Set("m39", "1")
		e.Remove("m20")
	})
	var read map[string]any
	if err := json.Unmarshal([]byte(got), &read); err != nil || !reflect.DeepEqual(read, want) {
		t.Errorf("%v: %s", err, got)
	}
}

func FuzzPeekAndEdit(f *testing.F) {
	for _, seed := range []string{
		string(chatBody), `{}`, ` { } `, `{"model":"a","stream":true,"stream_options":{"include_usage":false}}`,
		`{"mod\u0065l":"a","messages":[],"max_tokens":1}`, `{"messages":[{}],"system":"x","input":"y","stream":true}`,
		`{"a":1,"max_tokens":2,"max_completion_tokens":3}`, `{"stream":true,"stream_options":{"a":[]}}`, `[]`, `{"a":{"b":1,"b":2}}`,
	} {
		for op := range 3 {
			f.Add([]byte(seed), uint8(op))
		}
	}
	ops := []dialect.Operation{dialect.Chat, dialect.Messages, dialect.Responses}
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		op := ops[int(which)%len(ops)]
		var p request.Peeked
		if err := request.Peek(op, body, &p); err != nil {
			return
		}
		var before, after map[string]json.RawMessage
		if err := json.Unmarshal(body, &before); err != nil {
			t.Fatalf("Peek accepted what is no JSON: %v", err)
		}
		var e request.Edits
		e.Begin(op, body, &p)
		e.SetModel("new")
		e.ForceIncludeUsage()
		e.Rename("max_tokens", "max_completion_tokens")
		e.SetDefault("default", "1")
		e.Set("set", `[true]`)
		e.Remove("gone")
		e.PrependMessages([]string{`{"role":"system","content":"p"}`, `{"role":"user","content":"q"}`})
		e.AppendMessages([]string{`{"role":"system","content":"r"}`})
		out := e.Apply(nil)

		// The result must be as unambiguous as the body was.
		var p2 request.Peeked
		if err := request.Peek(op, out, &p2); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if p2.Model != "new" || string(after["set"]) != "[true]" || after["gone"] != nil || after["default"] == nil {
			t.Fatalf("an edit is missing\n%s", out)
		}
		if op == dialect.Chat && p.Stream && !p2.IncludeUsage {
			t.Fatalf("no usage is asked for\n%s", out)
		}
		if after["max_tokens"] != nil || p.MaxTokens != 0 && op == dialect.Chat && p2.MaxTokens == 0 {
			t.Fatalf("the bound is lost\n%s", out)
		}
		if text := op == dialect.Responses; !text && p2.Messages < p.Messages+1 {
			t.Fatalf("%d messages became %d\n%s", p.Messages, p2.Messages, out)
		}
		for name, value := range before {
			switch name {
			case "model", "stream_options", "max_tokens", "max_completion_tokens", "set", "gone", "messages", "system", "input":
			default:
				if !bytes.Equal(value, after[name]) {
					t.Fatalf("%q was %s and became %s", name, value, after[name])
				}
			}
		}
		if _, err := request.Texts(op, out); err != nil {
			t.Fatalf("Texts: %v\n%s", err, out)
		}
	})
}
