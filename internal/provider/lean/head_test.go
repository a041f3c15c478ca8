package lean

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/provider/providertest"
)

// TestStrict lists what net/http lets pass and this parser does not.
func TestStrict(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, wire string
		want       error
	}{
		{"version 2", "HTTP/2.0 200 OK\r\n\r\n", errNotHTTP},
		{"version 1.2", "HTTP/1.2 200 OK\r\n\r\n", errNotHTTP},
		{"version without status", "HTTP/1.1\r\n\r\n", errNotHTTP},
		{"two blanks", "HTTP/1.1  200 OK\r\n\r\n", errStatusLine},
		{"status of four digits", "HTTP/1.1 2000\r\n\r\n", errStatusLine},
		{"status below 100", "HTTP/1.1 099 Low\r\n\r\n", errStatusLine},
		{"reason with control character", "HTTP/1.1 200 O\x01K\r\n\r\n", errStatusLine},
		{"bare LF after the status", "HTTP/1.1 200 OK\nA: b\r\n\r\n", errBareLF},
		{"bare LF after a field", ok + "A: b\nC: d\r\n\r\n", errBareLF},
		{"bare LF at the end", ok + "A: b\r\n\n", errBareLF},
		{"bare CR in a value", ok + "A: b\rC: d\r\n\r\n", errField},
		{"continued line", ok + "A: b\r\n c\r\n\r\n", errField},
		{"continued line by tab", ok + "A: b\r\n\tc: d\r\n\r\n", errField},
		{"blank before the colon", ok + "Content-Length : 2\r\n\r\nok", errField},
		{"name in quotes", ok + "\"A\": b\r\n\r\n", errField},
		{"DEL in a value", ok + "A: b\x7f\r\n\r\n", errField},
		{"list of lengths", ok + "Content-Length: 2, 2\r\n\r\nok", errContentLen},
		{"empty length", ok + "Content-Length:\r\n\r\nok", errContentLen},
		{"length just too large", ok + "Content-Length: 9223372036854775808\r\n\r\n", errContentLen},
		{"both lengths", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errBothLengths},
		{"both lengths the other way", ok + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", errBothLengths},
		{"identity", ok + "Transfer-Encoding: identity\r\n\r\n", errTransferCode},
		{"chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errTransferCode},
		{"too many fields", ok + strings.Repeat("A: b\r\n", maxFields+1) + "\r\n", errHeadTooLong},
		{"too long", ok + "A: " + strings.Repeat("b", maxHead) + "\r\n\r\n", errHeadTooLong},
		{"wrong from the first byte", "h", errNotHTTP},
		{"wrong within the first line", "HTTP/2", errNotHTTP},
		{"no more than a beginning", "HTTP/1.", io.ErrUnexpectedEOF},
		{"nothing", "", io.EOF},
		{"switching", "HTTP/1.1 101 Switching\r\n\r\n", errSwitched},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h head
			if err := wireConn(tt.wire, 7).receive(&h, "GET"); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestLimitsReached(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", maxHead-len("HTTP/1.1 200 OK\r\nA: \r\n\r\n")) + "\r\n\r\n"
	many := "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxFields) + "\r\n"
	for _, wire := range []string{long, many} {
		var h head
		c := wireConn(wire, 1000)
		if err := c.receive(&h, "GET"); err != nil {
			t.Error(err)
		}
		if len(c.buf) > bufferSize {
			t.Errorf("the buffer stays at %d bytes", len(c.buf))
		}
	}
}

func TestSuspiciousNoContentEndsConnection(t *testing.T) {
	for wire, keep := range map[string]bool{
		"HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n": false,
		"HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n":          false,
		"HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n":          true,
	} {
		var h head
		if err := wireConn(wire, 100).receive(&h, "GET"); err != nil || h.keepAlive() != keep {
			t.Errorf("%q: kept %t, want %t (%v)", wire, h.keepAlive(), keep, err)
		}
	}
}

func TestChunkSize(t *testing.T) {
	for line, want := range map[string]int64{
		"0": 0, "a": 10, "F": 15, "0010": 16, "5;x=y": 5, "5 \t": 5, "7fffffffffffffff": 1<<63 - 1,
		"": -1, "g": -1, " 5": -1, "5 ;x": -1, "5 6": -1, "-5": -1, "+5": -1, "0x5": -1, "5;\x01": -1, "5;\r": -1,
		"8000000000000000": -1, "00000000000000005": -1, "@": -1, "`": -1,
	} {
		got, err := chunkSize([]byte(line))
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d (%v), want %d", line, got, err, want)
		}
	}
}

// wire is a connection on which a server says its text and hangs up.
type wire struct {
	rest   io.Reader
	piece  int // bytes per read
	closed atomic.Bool
}

func wireConn(text string, piece int) *conn {
	return newConn(&provider.Endpoint{}, &wire{rest: strings.NewReader(text), piece: piece})
}

func (w *wire) Read(p []byte) (int, error)       { return w.rest.Read(p[:min(len(p), w.piece)]) }
func (w *wire) Write(p []byte) (int, error)      { return len(p), nil }
func (w *wire) Close() error                     { w.closed.Store(true); return nil }
func (w *wire) LocalAddr() net.Addr              { return nil }
func (w *wire) RemoteAddr() net.Addr             { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// FuzzAnswer compares with net/http: what this parser accepts, net/http reads
// in the same way, and leaves the same bytes for the next answer.
func FuzzAnswer(f *testing.F) {
	for _, seed := range providertest.AnswerSeeds() {
		for _, piece := range []int{1, 5, 10_000} {
			f.Add(seed, uint16(piece), false)
		}
		f.Add(seed, uint16(1000), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint16, isHead bool) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		h, body, rest, err := readWire(text, int(piece)+1, method)
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(text))
		res, err := readFinal(in, &http.Request{Method: method})
		if err != nil {
			if notOurs(err) {
				return
			}
			t.Fatalf("net/http refuses the head: %v", err)
		}
		want, err := io.ReadAll(res.Body)
		if err != nil {
			if notOurs(err) {
				return
			}
			t.Fatalf("net/http refuses the body: %v", err)
		}
		if h.status != res.StatusCode || !bytes.Equal(body, want) {
			t.Errorf("%d %q, net/http reads %d %q", h.status, body, res.StatusCode, want)
		}
		if got := asHTTP(h.fields); !reflect.DeepEqual(got, asHTTP(fromHTTP(res.Header))) {
			t.Errorf("header\n%q, net/http reads\n%q", got, res.Header)
		}
		if declared := h.declared(method); declared != res.ContentLength {
			t.Errorf("length %d, net/http reads %d", declared, res.ContentLength)
		}
		if kind, _ := h.framing(method); h.keepAlive() && kind != untilClose {
			if res.Close {
				t.Error("net/http would close the connection")
			}
			if left, _ := io.ReadAll(in); !bytes.Equal(left, rest) {
				t.Errorf("%q is left, net/http leaves %q", rest, left)
			}
		}
	})
}

// readWire reads one answer as Send and its body would.
func readWire(wireText []byte, piece int, method string) (h head, text, rest []byte, err error) {
	c := newConn(&provider.Endpoint{}, &wire{rest: bytes.NewReader(wireText), piece: piece})
	if err := c.receive(&h, method); err != nil {
		return h, nil, nil, err
	}
	b := body{c: c}
	b.kind, b.left = h.framing(method)
	if b.kind != noBody {
		buf := make([]byte, 100)
		for {
			n, err := b.read(buf)
			text = append(text, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				return h, nil, nil, err
			}
		}
	}
	rest, _ = io.ReadAll(readerFunc(c.read))
	return h, text, rest, nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func readFinal(in *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(in, req)
		if err != nil || res.StatusCode >= 200 {
			return res, err
		}
	}
}

// notOurs tells the refusals of net/http that are its own: it looks into the
// Trailer header, which we pass on unread, and counts the overhead of chunks.
func notOurs(err error) bool {
	s := err.Error()
	return strings.Contains(s, "bad trailer key") || strings.Contains(s, "too much non-data") ||
		strings.Contains(s, "suspiciously long trailer")
}

// asHTTP is a header without what net/http takes out or adds itself.
func asHTTP(fields provider.Header) http.Header {
	h := make(http.Header)
	for _, f := range fields {
		h.Add(f.Name, f.Value)
	}
	for _, name := range []string{"Connection", "Transfer-Encoding", "Content-Length", "Trailer", "Cache-Control"} {
		h.Del(name)
	}
	return h
}

func fromHTTP(h http.Header) provider.Header {
	var fields provider.Header
	for name, values := range h {
		for _, value := range values {
			fields = append(fields, provider.Field{Name: name, Value: value})
		}
	}
	return fields
}
