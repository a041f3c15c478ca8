package sqlite

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"tollgate/internal/ledger"
)

// A frame holds the records of one Append, all of which are stored or none. Numbers are
// little-endian; behind the head come the length of each record, and the records.
//
//	 0  magic
//	 4  CRC-32C of all that follows
//	 8  generation: which use of its file it belongs to
//	16  boot: of the machine
//	24  number of the first record
//	32  number of a record that was durable by then, as were all before it
//	40  count of records
//	44  length of the frame
//
// Frames begin at multiples of frameAlign.
const (
	frameMagic = 0x31746774 // tgt1
	frameHead  = 48
	frameAlign = 8
)

// stamp is what the frames of a file have in common, but for durable.
type stamp struct {
	generation, boot uint64
	durable          uint64
}

// aligned is where something may begin behind so many bytes.
func aligned(n int64) int64 { return (n + frameAlign - 1) &^ (frameAlign - 1) }

// appendFrame appends a frame with records, of which there are some, in the order of their numbers.
func appendFrame(dst []byte, s stamp, records []ledger.Record) []byte {
	length := frameHead + 4*len(records)
	for i := range records {
		length += len(records[i].Bytes)
	}
	dst = slices.Grow(dst, length)
	from := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, frameMagic)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	for _, v := range [...]uint64{s.generation, s.boot, records[0].Seq, s.durable} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(records)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(length))
	for i := range records {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(records[i].Bytes)))
	}
	for i := range records {
		dst = append(dst, records[i].Bytes...)
	}
	binary.LittleEndian.PutUint32(dst[from+4:], crc32.Checksum(dst[from+8:], castagnoli))
	return dst
}

// frame is one that was read.
type frame struct {
	stamp
	first  uint64
	count  int
	length int64
	sizes  []byte // four bytes each
	body   []byte // the records
	// Where it was found.
	file int
	at   int64
}

// next is the number of the record behind its last.
func (f *frame) next() uint64 { return f.first + uint64(f.count) }

// records appends those from a number on. The bytes are those of the frame.
func (f *frame) records(dst []ledger.Record, from uint64) []ledger.Record {
	body := f.body
	for i := range f.count {
		n := binary.LittleEndian.Uint32(f.sizes[4*i:])
		if seq := f.first + uint64(i); seq >= from {
			dst = append(dst, ledger.Record{Seq: seq, Bytes: body[:n:n]})
		}
		body = body[n:]
	}
	return dst
}

// parseFrame reads the frame that b begins with. Sound tells that the lengths in it
// add up, intact that it also is what was written.
func parseFrame(b []byte) (f frame, sound, intact bool) {
	if len(b) < frameHead || binary.LittleEndian.Uint32(b) != frameMagic {
		return f, false, false
	}
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	f.generation, f.boot, f.first, f.durable = u64(8), u64(16), u64(24), u64(32)
	count, length := int64(binary.LittleEndian.Uint32(b[40:])), int64(binary.LittleEndian.Uint32(b[44:]))
	if count == 0 || length > int64(len(b)) || length < frameHead+4*count {
		return f, false, false
	}
	f.count, f.length = int(count), length
	f.sizes, f.body = b[frameHead:frameHead+4*count], b[frameHead+4*count:length]
	sum := int64(0)
	for at := 0; at < len(f.sizes); at += 4 {
		sum += int64(binary.LittleEndian.Uint32(f.sizes[at:]))
	}
	if sum != int64(len(f.body)) || f.first+uint64(count) < f.first {
		return f, false, false
	}
	return f, true, crc32.Checksum(b[8:length], castagnoli) == binary.LittleEndian.Uint32(b[4:])
}

// survey finds the intact frames in a file, behind damage too. What is left of an earlier
// use of the file is not among them.
func survey(b []byte, file int) []frame {
	var all []frame
	newest := uint64(0)
	for at := int64(0); at+frameHead <= int64(len(b)); {
		f, _, intact := parseFrame(b[at:])
		if !intact {
			at += frameAlign
			continue
		}
		f.file, f.at = file, at
		newest = max(newest, f.generation)
		all = append(all, f)
		at += aligned(f.length)
	}
	return slices.DeleteFunc(all, func(f frame) bool { return f.generation != newest })
}

// reassemble gives the records from a number on that the files of a tail hold.
//
// Where one is missing, the reason is either that it was being written when the process
// died or the power failed, and nobody was told that it is stored: what is behind it then does
// not count either. Or it is damage. It is if what is behind it says that it was durable
// before, or was written since the machine has booted: only a power failure brings a
// later page onto the disk and not an earlier one. What can be read of damaged frames is then given
// as it is, and there is a gap where nothing can: whoever reads the ledger will find either.
func reassemble(files [][]byte, boot, next uint64) []ledger.Record {
	var frames []frame
	for i, b := range files {
		frames = append(frames, survey(b, i)...)
	}
	slices.SortStableFunc(frames, func(a, b frame) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), cmp.Compare(a.at, b.at))
	})
	s := salvage{files: files, ends: make([]int64, len(files))}
	for i := range frames {
		f := &frames[i]
		if f.first > next {
			if !damaged(frames[i:], boot, next) {
				break
			}
			next = s.until(next, f)
		}
		s.ends[f.file], s.last = f.at+aligned(f.length), f.file
		if f.next() > next {
			s.records = f.records(s.records, next)
			next = f.next()
		}
	}
	return s.records
}

// damaged tells, by the frames behind it, whether a record that is missing was there.
func damaged(behind []frame, boot, missing uint64) bool {
	return slices.ContainsFunc(behind, func(f frame) bool {
		return f.durable >= missing || f.boot == boot && boot != 0
	})
}

// salvage collects records, also those of damaged frames.
type salvage struct {
	files   [][]byte
	records []ledger.Record
	ends    []int64 // of what was read of each file
	last    int     // the file that was read last
}

// until reads what it can before an intact frame, and tells which record is next then.
func (s *salvage) until(next uint64, intact *frame) uint64 {
	for _, file := range []int{s.last, intact.file} {
		for next < intact.first && s.ends[file] < int64(len(s.files[file])) {
			f, sound, _ := parseFrame(s.files[file][s.ends[file]:])
			if !sound || f.first != next || f.next() > intact.first {
				break
			}
			s.records, next = f.records(s.records, next), f.next()
			s.ends[file] += aligned(f.length)
		}
	}
	return next
}
