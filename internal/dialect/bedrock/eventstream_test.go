package bedrock_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"testing/iotest"

	"tollgate/internal/dialect/bedrock"
)

// frame writes one frame: headers are pairs of a name and a string.
func frame(payload string, headers ...string) []byte {
	var h []byte
	for i := 0; i < len(headers); i += 2 {
		h = append(h, byte(len(headers[i])))
		h = append(append(h, headers[i]...), 7)
		h = binary.BigEndian.AppendUint16(h, uint16(len(headers[i+1])))
		h = append(h, headers[i+1]...)
	}
	return seal(h, payload)
}

func seal(headers []byte, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, headers...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestReader(t *testing.T) {
	one := frame(`{"a":1}`, ":message-type", "event", ":event-type", "metadata", ":content-type", "application/json")
	two := frame(`{"message":"slow"}`, ":message-type", "exception", ":exception-type", "throttlingException")
	three := frame("", ":message-type", "error", ":error-code", "x")
	in := bytes.Join([][]byte{one, two, three}, nil)
	for name, src := range map[string]io.Reader{"whole": bytes.NewReader(in), "bytes": iotest.OneByteReader(bytes.NewReader(in)), "halves": iotest.HalfReader(bytes.NewReader(in))} {
		rd := bedrock.NewReader(src, 0)
		for i, want := range []struct {
			raw        []byte
			name, data string
			exception  bool
		}{{one, "metadata", `{"a":1}`, false}, {two, "throttlingException", `{"message":"slow"}`, true}, {three, "x", "", true}} {
			ev, err := rd.Next()
			if err != nil || !bytes.Equal(ev.Raw, want.raw) || string(ev.Name) != want.name || string(ev.Data) != want.data || ev.Exception != want.exception {
				t.Errorf("%s, frame %d: %+v, %v", name, i, ev, err)
			}
			if buffered := rd.Buffered(); name == "whole" && buffered != (i < 2) {
				t.Errorf("frame %d: buffered %v", i, buffered)
			}
		}
		if _, err := rd.Next(); err != io.EOF {
			t.Errorf("%s: %v at the end", name, err)
		}
		rd.Release()
	}
}

func TestReaderRefuses(t *testing.T) {
	good := frame(`{"a":1}`, ":event-type", "x")
	change := func(i int) []byte { b := bytes.Clone(good); b[i] ^= 1; return b }
	size := func(total, headers uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, total)
		b = binary.BigEndian.AppendUint32(b, headers)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	}
	for name, tt := range map[string]struct {
		in   []byte
		want error
	}{
		"length":           {change(3), bedrock.ErrChecksum},
		"payload":          {change(len(good) - 6), bedrock.ErrChecksum},
		"header":           {change(14), bedrock.ErrChecksum},
		"cut":              {good[:len(good)-1], io.ErrUnexpectedEOF},
		"cut in prelude":   {good[:5], io.ErrUnexpectedEOF},
		"too long":         {size(1<<31, 0), bedrock.ErrTooLong},
		"too short":        {size(15, 0), bedrock.ErrFrame},
		"headers too long": {size(100, 85), bedrock.ErrFrame},
		"headers huge":     {size(1<<20, 1<<19), bedrock.ErrFrame},
		"name beyond":      {seal([]byte{9, 'a', 7}, ""), bedrock.ErrFrame},
		"value beyond":     {seal([]byte{1, 'a', 7, 0, 9, 'b'}, ""), bedrock.ErrFrame},
		"length beyond":    {seal([]byte{1, 'a', 7, 0}, ""), bedrock.ErrFrame},
		"unknown type":     {seal([]byte{1, 'a', 10}, ""), bedrock.ErrFrame},
		"number beyond":    {seal([]byte{1, 'a', 4, 0}, ""), bedrock.ErrFrame},
	} {
		rd := bedrock.NewReader(bytes.NewReader(tt.in), 0)
		if _, err := rd.Next(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		rd.Release()
	}
	numbers := seal([]byte{1, 'a', 0, 1, 'b', 4, 0, 0, 0, 1, 1, 'c', 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 'd', 6, 0, 1, 'x'}, "ok")
	if ev, err := bedrock.NewReader(bytes.NewReader(numbers), 0).Next(); err != nil || string(ev.Data) != "ok" || ev.Name != nil {
		t.Errorf("headers of other types: %+v, %v", ev, err)
	}
	if _, err := bedrock.NewReader(bytes.NewReader(good), len(good)-1).Next(); !errors.Is(err, bedrock.ErrTooLong) {
		t.Errorf("limit: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(frame(`{"a":1}`, ":event-type", "chunk"))
	f.Add(append(frame("x"), frame("y", ":exception-type", "e")...))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, split := bedrock.NewReader(bytes.NewReader(in), 1<<16), bedrock.NewReader(iotest.OneByteReader(bytes.NewReader(in)), 1<<16)
		for {
			a, errA := whole.Next()
			b, errB := split.Next()
			if !bytes.Equal(a.Raw, b.Raw) || !bytes.Equal(a.Data, b.Data) || (errA == nil) != (errB == nil) {
				t.Fatalf("%+v, %v\n%+v, %v", a, errA, b, errB)
			}
			if errA != nil {
				return
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	stream := bytes.Repeat(frame(`{"contentBlockIndex":0,"delta":{"text":" dog"},"p":"abcdefghijk"}`, ":event-type", "contentBlockDelta", ":content-type", "application/json", ":message-type", "event"), 64)
	src := bytes.NewReader(stream)
	rd := bedrock.NewReader(src, 0)
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
