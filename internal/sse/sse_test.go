package sse_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tollgate/internal/sse"
)

// event is a copy of what an sse.Event said.
type event struct {
	raw, name, data string
	noData, open    bool
}

func readAll(t testing.TB, r io.Reader, max int) ([]event, error) {
	t.Helper()
	rd := sse.NewReader(r, max)
	defer rd.Release()
	var all []event
	for {
		ev, err := rd.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, event{string(ev.Raw), string(ev.Name), string(ev.Data), ev.Data == nil, ev.Open})
	}
}

func TestReader(t *testing.T) {
	tests := []struct {
		name, in string
		want     []event
	}{
		{"line feeds", "data: a\n\ndata: b\n\n", []event{{raw: "data: a\n\n", data: "a"}, {raw: "data: b\n\n", data: "b"}}},
		{"CR LF", "data: a\r\n\r\ndata: b\r\n\r\n", []event{{raw: "data: a\r\n\r\n", data: "a"}, {raw: "data: b\r\n\r\n", data: "b"}}},
		{"CR", "data: a\r\rdata: b\r\r", []event{{raw: "data: a\r\r", data: "a"}, {raw: "data: b\r\r", data: "b"}}},
		{"mixed ends", "data: a\r\ndata: b\n\rdata: c\r\n\n", []event{{raw: "data: a\r\ndata: b\n\r", data: "a\nb"}, {raw: "data: c\r\n\n", data: "c"}}},
		{"no space", "data:a\n\n", []event{{raw: "data:a\n\n", data: "a"}}},
		{"one space only is dropped", "data:  a\n\n", []event{{raw: "data:  a\n\n", data: " a"}}},
		{"lines join", "data: a\ndata\ndata: b\n\n", []event{{raw: "data: a\ndata\ndata: b\n\n", data: "a\n\nb"}}},
		{"named", "event: ping\ndata: {}\n\n", []event{{raw: "event: ping\ndata: {}\n\n", name: "ping", data: "{}"}}},
		{"last name wins", "event: a\nevent: b\ndata: x\n\n", []event{{raw: "event: a\nevent: b\ndata: x\n\n", name: "b", data: "x"}}},
		{"id and retry", "id: 7\nretry: 10\ndata: x\n\n", []event{{raw: "id: 7\nretry: 10\ndata: x\n\n", data: "x"}}},
		{"comment", ": PROCESSING\n\ndata: x\n\n", []event{{raw: ": PROCESSING\n\n", noData: true}, {raw: "data: x\n\n", data: "x"}}},
		{"other fields", "database: x\ndat: y\n\n", []event{{raw: "database: x\ndat: y\n\n", noData: true}}},
		{"empty data", "data:\n\n", []event{{raw: "data:\n\n"}}},
		{"byte order mark", "\xef\xbb\xbfdata: x\n\n", []event{{raw: "\xef\xbb\xbfdata: x\n\n", data: "x"}}},
		{"byte order mark later is text", "data: x\n\n\xef\xbb\xbfdata: y\n\n", []event{{raw: "data: x\n\n", data: "x"}, {raw: "\xef\xbb\xbfdata: y\n\n", noData: true}}},
		{"stray blank lines", "\n\r\n\ndata: x\n\n\n", []event{{raw: "\n\r\n\ndata: x\n\n", data: "x"}, {raw: "\n", noData: true, open: true}}},
		{"cut without blank line", "data: x\n", []event{{raw: "data: x\n", data: "x", open: true}}},
		{"cut within a line", "data: x\n\ndata: y", []event{{raw: "data: x\n\n", data: "x"}, {raw: "data: y", data: "y", open: true}}},
		{"cut CR LF", "data: x\r\n\r", []event{{raw: "data: x\r\n\r", data: "x"}}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		for _, way := range []struct {
			name string
			wrap func(io.Reader) io.Reader
		}{{"whole", func(r io.Reader) io.Reader { return r }}, {"bytes", iotest.OneByteReader}, {"halves", iotest.HalfReader}, {"with the error", iotest.DataErrReader}} {
			t.Run(tt.name+"/"+way.name, func(t *testing.T) {
				got, err := readAll(t, way.wrap(strings.NewReader(tt.in)), 0)
				if err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
				}
			})
		}
	}
}

// steps gives one piece of a stream per read and blocks never.
type steps []string

func (s *steps) Read(p []byte) (int, error) {
	if len(*s) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, (*s)[0])
	if n == len((*s)[0]) {
		*s = (*s)[1:]
	} else {
		(*s)[0] = (*s)[0][n:]
	}
	return n, nil
}

// A complete event must not wait for the bytes behind it.
func TestReaderHoldsNothingBack(t *testing.T) {
	for _, first := range []string{"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r", ": comment\n\n"} {
		src := steps{first, "panic if read"}
		rd := sse.NewReader(&src, 0)
		if ev, err := rd.Next(); err != nil || string(ev.Raw) != first {
			t.Errorf("%q: %q, %v", first, ev.Raw, err)
		}
		if len(src) != 1 {
			t.Errorf("%q: read on before giving the event", first)
		}
	}
}

func TestReaderBuffered(t *testing.T) {
	src := steps{"data: a\ndata: A\n\ndata: b\ndata: B\n\ndata: c", "\n\n"}
	rd := sse.NewReader(&src, 0)
	for i, want := range []struct {
		data     string
		buffered bool
	}{{"a\nA", true}, {"b\nB", false}, {"c", false}} {
		ev, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := rd.Buffered(); got != want.buffered {
			t.Errorf("event %d: Buffered %v", i, got)
		}
		if string(ev.Data) != want.data { // Buffered must not disturb the event
			t.Errorf("event %d: %q", i, ev.Data)
		}
	}
	if _, err := rd.Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestReaderFailures(t *testing.T) {
	t.Run("a cut event is dropped on an error", func(t *testing.T) {
		src := steps{"data: a\n\ndata: b"}
		got, err := readAll(t, &src, 0)
		if len(got) != 1 || err != io.ErrUnexpectedEOF {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("too long", func(t *testing.T) {
		in := "data: ok\n\ndata: " + strings.Repeat("x", 100) + "\n\n"
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			got, err := readAll(t, r, 100)
			if len(got) != 1 || !errors.Is(err, sse.ErrTooLong) {
				t.Errorf("%v, %v", got, err)
			}
		}
		if got, err := readAll(t, strings.NewReader(in), 108); len(got) != 2 || err != nil {
			t.Errorf("exactly the limit: %v, %v", got, err)
		}
		if _, err := readAll(t, strings.NewReader("data: "+strings.Repeat("x", 100)), 100); !errors.Is(err, sse.ErrTooLong) {
			t.Errorf("open at the end: %v", err)
		}
	})
	t.Run("no progress", func(t *testing.T) {
		if _, err := readAll(t, stuck{}, 0); err != io.ErrNoProgress {
			t.Errorf("%v", err)
		}
	})
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestReaderLongLine(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	in := "data: a\n\ndata: " + long + "\r\n\r\ndata: b\n\n"
	got, err := readAll(t, iotest.HalfReader(strings.NewReader(in)), 0)
	if err != nil || len(got) != 3 || got[1].data != long || got[2].data != "b" {
		t.Errorf("%d events, %v", len(got), err)
	}
}

func TestAppend(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"", "x", "data: x\n\n"},
		{"error", `{"a":1}`, "event: error\ndata: {\"a\":1}\n\n"},
		{"", "a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{"", "", "data: \n\n"},
	}
	for _, tt := range tests {
		if got := string(sse.Append([]byte("+"), []byte(tt.name), []byte(tt.data))); got != "+"+tt.want {
			t.Errorf("%q, %q: %q", tt.name, tt.data, got)
		}
	}
}

// pieces reads a stream in pieces whose sizes the fuzzer chooses.
type pieces struct {
	in    []byte
	sizes []byte
	i     int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(p.sizes) > 0 {
		n = 1 + int(p.sizes[p.i%len(p.sizes)])
		p.i++
	}
	n = copy(b[:min(n, len(b))], p.in)
	p.in = p.in[n:]
	return n, nil
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("data: a\n\ndata: b\r\n\r\ndata: c\r\r\ndata: d"), []byte{0})
	f.Add([]byte("\xef\xbb\xbf: c\r\rdata: x\ndata:\ndata: y\r\n\r"), []byte{3, 1})
	f.Add([]byte("event: e\r\ndata: {\"a\":1}\r\n\r\nid: 1\nretry: 3\n\n\n\n"), []byte{7})
	f.Fuzz(func(t *testing.T, in, sizes []byte) {
		whole, err := readAll(t, bytes.NewReader(in), 0)
		if err != nil {
			t.Fatal(err)
		}
		split, err := readAll(t, &pieces{in: in, sizes: sizes}, 0)
		if err != nil || !slices.Equal(whole, split) {
			t.Fatalf("%v\nwhole %+v\nsplit %+v", err, whole, split)
		}
		var raw strings.Builder
		for _, ev := range whole {
			raw.WriteString(ev.raw)
		}
		if raw.String() != string(in) {
			t.Fatalf("%q became %q", in, raw.String())
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("ping"), []byte("a\nb"))
	f.Fuzz(func(t *testing.T, name, data []byte) {
		if bytes.ContainsAny(name, "\r\n") || bytes.HasPrefix(name, []byte(" ")) {
			t.Skip("not a name")
		}
		got, err := readAll(t, bytes.NewReader(sse.Append(nil, name, data)), 0)
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
		if err != nil || len(got) != 1 || got[0].data != want || got[0].name != string(name) {
			t.Fatalf("%+v, %v, want %q", got, err, want)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	stream := []byte(strings.Repeat(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1755133878,"model":"m","choices":[{"index":0,"delta":{"content":" dog"},"finish_reason":null}],"usage":null,"obfuscation":"abcdefg"}`+"\n\n", 64))
	src := bytes.NewReader(stream)
	rd := sse.NewReader(src, 0)
	b.SetBytes(int64(len(stream) / 64))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%64 == 0 {
			src.Reset(stream)
			rd.Reset(src, 0)
		}
		if _, err := rd.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	data := []byte(strings.Repeat("x", 200))
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = sse.Append(dst[:0], nil, data)
	}
}
