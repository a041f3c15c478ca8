package sqlite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/ledger"
)

// Every bit of a tail cannot be flipped from outside in a reasonable time.

// lines are records whose bytes tell their number.
func lines(from, n int) (all []ledger.Record) {
	for i := from; i < from+n; i++ {
		all = append(all, ledger.Record{Seq: uint64(i), Bytes: fmt.Appendf(nil, "record %d", i)})
	}
	return all
}

// tailOf gives a file with frames of so many records each, the first of which is number from.
func tailOf(generation, boot uint64, from int, counts ...int) (b []byte) {
	for _, n := range counts {
		b = appendFrame(b, stamp{generation: generation, boot: boot}, lines(from, n))
		b = append(b, make([]byte, aligned(int64(len(b)))-int64(len(b)))...)
		from += n
	}
	return b
}

func told(records []ledger.Record) string {
	var all []string
	for _, r := range records {
		what := fmt.Sprint(r.Seq)
		if !bytes.Equal(r.Bytes, lines(int(r.Seq), 1)[0].Bytes) {
			what += "!"
		}
		all = append(all, what)
	}
	return strings.Join(all, " ")
}

// TestTailBits flips each bit of a tail: the record that is not what it was is told, or a
// gap where it was, and the others are there.
func TestTailBits(t *testing.T) {
	whole := tailOf(7, 1, 1, 1, 2, 1, 1)
	last := len(tailOf(7, 1, 1, 1, 2, 1))
	for bit := range 8 * len(whole) {
		changed := bytes.Clone(whole)
		changed[bit/8] ^= 1 << (bit % 8)
		got := told(reassemble([][]byte{changed, nil}, 1, 1))
		switch got {
		case "1 2 3 4 5", "1! 2 3 4 5", "1 2! 3 4 5", "1 2 3! 4 5", "1 2! 3! 4 5", "1 2 3 4! 5":
		case "2 3 4 5", "1 4 5", "1 2 3 5": // its head is damaged
		case "1 2 3 4": // it looks as one that was being written
			if bit/8 < last {
				t.Errorf("bit %d: the last record is gone", bit)
			}
		default:
			t.Errorf("bit %d: %q", bit, got)
		}
		// After a power failure what nobody knows to have been durable is gone, and no more.
		if got := told(reassemble([][]byte{changed, nil}, 2, 1)); !strings.HasPrefix("1 2 3 4 5", got) {
			t.Errorf("bit %d, after a power failure: %q", bit, got)
		}
	}
}

func TestReassemble(t *testing.T) {
	old, filled, latest := tailOf(1, 1, 1, 3, 3, 3), tailOf(2, 1, 10, 2, 2), tailOf(3, 1, 14, 1)
	again := append(bytes.Clone(latest), old[len(latest):]...) // over the old ones
	behind := appendFrame(nil, stamp{generation: 3, boot: 1, durable: 12}, lines(14, 1))
	for _, c := range []struct {
		name       string
		files      [][]byte
		boot, next uint64
		want       string
	}{
		{"nothing", [][]byte{nil, nil}, 1, 1, ""},
		{"zeros", [][]byte{make([]byte, 4096), nil}, 1, 1, ""},
		{"in the order of their use", [][]byte{again, filled}, 1, 10, "10 11 12 13 14"},
		{"what is known is left out", [][]byte{again, filled}, 1, 12, "12 13 14"},
		{"all is known", [][]byte{again, filled}, 1, 20, ""},
		{"cut between the files", [][]byte{again, filled[:len(filled)-8]}, 2, 10, "10 11"},
		{"what was durable is missing", [][]byte{behind, filled[:8]}, 2, 10, "14"},
		{"what was not durable is missing", [][]byte{behind, filled[:len(filled)-8]}, 2, 13, ""},
		{"zeros before", [][]byte{append(make([]byte, 64), latest...), nil}, 1, 14, "14"},
	} {
		if got := told(reassemble(c.files, c.boot, c.next)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzReassemble has any files: what is given has numbers that rise, from the one that is asked for on.
func FuzzReassemble(f *testing.F) {
	f.Add(tailOf(1, 1, 1, 3, 1), tailOf(2, 1, 5, 2), uint64(1), uint64(2))
	f.Add(tailOf(3, 2, 5, 2), tailOf(2, 1, 1, 4), uint64(2), uint64(1))
	f.Fuzz(func(t *testing.T, a, b []byte, boot, next uint64) {
		for _, r := range reassemble([][]byte{a, b}, boot, next) {
			if r.Seq < next {
				t.Fatalf("record %d where %d may come", r.Seq, next)
			}
			next = r.Seq + 1
		}
	})
}

// FuzzFrame reads what anybody could have sealed: a frame that is intact is what is written for its records.
func FuzzFrame(f *testing.F) {
	whole := tailOf(5, 6, 7, 3)
	f.Add(whole)
	f.Add(whole[:frameHead])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < frameHead {
			return
		}
		b = bytes.Clone(b)
		binary.LittleEndian.PutUint32(b, frameMagic)
		binary.LittleEndian.PutUint32(b[44:], uint32(len(b)))
		binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
		frame, sound, intact := parseFrame(b)
		if sound != intact {
			t.Fatalf("%x: sound is %t, intact %t", b, sound, intact)
		}
		if !intact {
			return
		}
		again := appendFrame(nil, frame.stamp, frame.records(nil, 0))
		if !slices.Equal(again, b[:frame.length]) {
			t.Errorf("%x became %x", b[:frame.length], again)
		}
	})
}

// TestTailBeginsAgain has a tail that cannot be made at first: what the start found is in the database once,
// and then the tail goes on behind it.
func TestTailBeginsAgain(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, tailName+"-2")
	if err := os.WriteFile(filepath.Join(dir, tailName+"-1"), tailOf(1, 0, 1, 2, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.MkdirAll(filepath.Join(name, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Journal().Append(t.Context(), lines(4, 1), false); err == nil {
			t.Fatal("it was appended to no file")
		}
	}
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().Append(t.Context(), lines(4, 1), false); err != nil {
		t.Fatal(err)
	}
	var all []ledger.Record
	if err := s.Journal().Scan(t.Context(), 0, func(r ledger.Record) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := told(all); got != "1 2 3 4" {
		t.Errorf("%q", got)
	}
}
