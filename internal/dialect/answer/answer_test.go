package answer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect/answer"
)

func TestMembers(t *testing.T) {
	tests := []struct {
		in       string
		want     string
		complete bool
	}{
		{`{"a":1,"b":"x","c":[1,[2]],"d":{"e":null}}`, `a=1 b="x" c=[1,[2]] d={"e":null} `, true},
		{" {\n\t\"a\" : -1.5e3 , \"b\" : true }\r\n", `a=-1.5e3 b=true `, true},
		{`{}`, ``, true},
		{`{"a":"\"\\"}`, `a="\"\\" `, true},
		{`{"a":[1.5, -2, 3],"b":[[1],["]"]],"c":[{"d":"[1]"}]}`, `a=[1.5, -2, 3] b=[[1],["]"]] c=[{"d":"[1]"}] `, true},
		{`{"a":1} x`, `a=1 `, false},
		{`{"a":1,"b":"x`, `a=1 `, false},
		{`{"a":1,"b":"x\"`, `a=1 `, false},
		{`{"a":1,"b":[1,2`, `a=1 `, false},
		{`{"a":12`, ``, false},
		{`{"a"`, ``, false},
		{`{"a":}`, ``, false},
		{`{a:1}`, ``, false},
		{`[1]`, ``, false},
		{``, ``, false},
	}
	for _, tt := range tests {
		o := answer.Members([]byte(tt.in))
		var got strings.Builder
		for {
			name, v, ok := o.Next()
			if !ok {
				break
			}
			fmt.Fprintf(&got, "%s=%s ", name, v)
		}
		if got.String() != tt.want || o.Complete() != tt.complete {
			t.Errorf("%s: %s complete %v", tt.in, &got, o.Complete())
		}
	}
}

func TestElements(t *testing.T) {
	for in, want := range map[string]string{
		`[1, "a,]" ,{"b":[2]},[]]`: `1;"a,]";{"b":[2]};[];|true`,
		`[]`:                       `|true`,
		`[1,2`:                     `1;|false`,
		`{"a":1}`:                  `|false`,
		``:                         `|false`,
	} {
		a := answer.Elements([]byte(in))
		var got strings.Builder
		for {
			v, ok := a.Next()
			if !ok {
				break
			}
			fmt.Fprintf(&got, "%s;", v)
		}
		if fmt.Fprintf(&got, "|%v", a.Complete()); got.String() != want {
			t.Errorf("%s: %s", in, &got)
		}
	}
}

func TestCursor(t *testing.T) {
	c := answer.Visit([]byte(`{"a":{"b":[{"c":"d"}]},"e":"f: {","g":{"h":1},"i":[] }`))
	var got strings.Builder
	for {
		name, depth, ok := c.Next()
		if !ok {
			break
		}
		fmt.Fprintf(&got, "%s%d%c%v ", name, depth, c.Kind(), c.HasElements())
		if string(name) == "g" {
			fmt.Fprintf(&got, "(%s) ", c.Value())
		}
	}
	if want := `a1{true b2[true c4"false e1"false g1{true ({"h":1}) i1[false `; got.String() != want {
		t.Errorf("%s\nwant %s", &got, want)
	}
}

func TestNumbers(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "12": 12, `"12"`: 12, "12.0": 12, "12.6": 13, "1e3": 1000, "9007199254740992": 1 << 53,
		"-1": -1, "-0.5": -1, "9007199254740993": -1, "1e300": -1, "NaN": -1, "null": -1, "true": -1, `""`: -1, "": -1, "{}": -1,
		`"x"`: -1, `"-1"`: -1, "1x": -1, "Infinity": -1, "0x10": -1, strings.Repeat("9", 40): -1,
	} {
		n, ok := answer.Int([]byte(in))
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%s: %d, %v", in, n, ok)
		}
	}
}

func TestString(t *testing.T) {
	for in, want := range map[string]string{
		`"plain"`: "plain", `"a\n\t\r\b\f\/\\\""`: "a\n\t\r\b\f/\\\"", `"\u00e9\ud83d\udea2"`: "é🚢",
		`"\ud83d"`: "\ufffd", `"\ud83dx"`: "\ufffdx", `"\uzz"`: "\ufffdzz", `"\"`: `\`, "12": "", "": "", `"`: "",
	} {
		if got := answer.String([]byte(in)); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestNoteError(t *testing.T) {
	for in, want := range map[string]string{
		`null`: "", `{}`: "", `""`: "", `false`: "", ``: "",
		`{"message":"no"}`: "no", `"no"`: "no", `{"code":1}`: "?", `true`: "?",
	} {
		var s answer.State
		s.NoteError([]byte(in))
		if s.Failed != (want != "") || s.Failed && s.Failure != strings.Trim(want, "?") {
			t.Errorf("%s: %v %q", in, s.Failed, s.Failure)
		}
	}
}

// FuzzMembers holds the lenient walk against a strict one wherever that agrees
// that the text is JSON.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5,[3]],"b":{"c":"\\\""},"d":"\u0041"}`))
	f.Add([]byte("{\"a\" : [ 1 , 2 ] ,\n\"b\":[{}]}"))
	f.Add([]byte(`{"a":"\"`))
	f.Fuzz(func(t *testing.T, in []byte) {
		o := answer.Members(in)
		var got [][2]string
		for {
			name, v, ok := o.Next()
			if !ok {
				break
			}
			got = append(got, [2]string{string(name), string(v)})
			answer.AppendUnescaped(nil, name)
		}
		c := answer.Visit(in)
		for n := 0; ; n++ {
			if _, _, ok := c.Next(); !ok {
				break
			}
			if n%3 == 0 {
				c.Value()
			}
		}
		answer.Without(in, "a")
		if !json.Valid(in) || !bytes.HasPrefix(bytes.TrimSpace(in), []byte("{")) {
			return
		}
		var want [][2]string
		d := jsontext.NewDecoder(bytes.NewReader(in), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if _, err := d.ReadToken(); err != nil {
			t.Skip(err)
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadValue()
			if err != nil {
				t.Skip(err)
			}
			quoted := strings.Trim(string(name), " ")
			v, err := d.ReadValue()
			if err != nil {
				t.Skip(err)
			}
			want = append(want, [2]string{quoted[1 : len(quoted)-1], string(v)})
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || !o.Complete() {
			t.Fatalf("%q\n got %q, complete %v\nwant %q", in, got, o.Complete(), want)
		}
	})
}

// Deep and repetitive texts must not cost more than their length.
func TestLinear(t *testing.T) {
	for _, piece := range []string{"[", "[1,", `{"a":`, `"\\`, `[1],"x",`} {
		text := []byte(`{"a":` + strings.Repeat(piece, 1<<20/len(piece)))
		o := answer.Members(text)
		o.Next()
		c := answer.Visit(text)
		for {
			if _, _, ok := c.Next(); !ok {
				break
			}
		}
	}
}
