package request

import (
	"slices"
	"strings"
	"testing"

	"tollgate/internal/dialect"
)

func TestAlternatives(t *testing.T) {
	for _, c := range []struct {
		op     dialect.Operation
		models string
		want   []string
		says   string
	}{
		{dialect.Chat, `["a","b\u002fc"]`, []string{"a", "b/c"}, ""},
		{dialect.Chat, `[]`, nil, ""},
		{dialect.Chat, `null`, nil, ""},
		{dialect.Chat, `"a"`, nil, "must be a list of names"},
		{dialect.Messages, `[1]`, nil, "must be a list of names"},
		{dialect.Passthrough, `[{"id":1}]`, nil, ""},
		{dialect.Passthrough, `["a"]`, []string{"a"}, ""},
		{dialect.Chat, `["a"` + strings.Repeat(`,"a"`, maxAlternatives-1) + `]`, slices.Repeat([]string{"a"}, maxAlternatives), ""},
		{dialect.Chat, `["a"` + strings.Repeat(`,"a"`, maxAlternatives) + `]`, nil, "more than 16"},
	} {
		body := []byte(`{"model":"m","messages":[],"max_tokens":1,"models":` + c.models + `}`)
		var p Peeked
		if err := Peek(c.op, body, &p); err != nil {
			t.Fatal(err)
		}
		got, err := Alternatives(c.op, body, &p)
		if !slices.Equal(got, c.want) || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, %v", c.models, got, err)
		}
	}
	if got, err := Alternatives(dialect.Chat, []byte(`{}`), new(Peeked)); got != nil || err != nil {
		t.Errorf("without any: %q, %v", got, err)
	}
}
