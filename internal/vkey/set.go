package vkey

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Set finds keys by what callers present. It never changes once made.
type Set struct {
	pepper *Pepper // nil if no entry needs it
	hashed index
	minted index
}

// index finds entries by the first bytes of their digests. The rest is compared
// in constant time, so that the time of a look-up tells nothing about how much
// of a digest was right.
type index map[uint64]*slot

type slot struct {
	entry *Entry
	next  *slot // with the same first bytes
}

func head(d *Digest) uint64 { return binary.LittleEndian.Uint64(d[:8]) }

// DuplicateError tells that two entries of a Set are the same key.
type DuplicateError struct{ First, Second int } // positions among the entries

// Error implements error.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("virtual keys %d and %d are the same key", e.First, e.Second)
}

// NewSet makes a Set, which keeps the entries. The pepper may be nil if no
// entry is peppered. The error joins one *DuplicateError for each entry that
// repeats an earlier one.
func NewSet(pepper *Pepper, entries []Entry) (*Set, error) {
	s := &Set{hashed: make(index), minted: make(index)}
	type identity struct {
		digest   Digest
		peppered bool
	}
	seen := make(map[identity]int, len(entries))
	var problems []error
	for i := range entries {
		e := &entries[i]
		id := identity{e.Digest, e.Peppered}
		if first, ok := seen[id]; ok {
			problems = append(problems, &DuplicateError{first, i})
			continue
		}
		seen[id] = i
		if e.PublicID == nil {
			e.PublicID = []string{e.Caller.KeyID}
		}
		in := s.hashed
		if e.Peppered {
			if pepper == nil {
				return nil, errors.New("a peppered virtual key needs the pepper")
			}
			s.pepper, in = pepper, s.minted
		}
		in[head(&e.Digest)] = &slot{e, in[head(&e.Digest)]}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return s, nil
}

// Lookup finds the key that a caller presented and tells what it is good for at
// an instant. The entry is nil if and only if the result is Unknown. Every
// unknown value costs the same work, whether or not it looks like a key.
func (s *Set) Lookup(presented string, now time.Time) (*Entry, Result) {
	d := Hash(presented)
	found := s.hashed.find(&d)
	if s.pepper != nil {
		d = s.pepper.Digest(presented)
		if e := s.minted.find(&d); e != nil {
			found = e
		}
	}
	if found == nil {
		return nil, Unknown
	}
	return found, found.at(now)
}

// Named finds a key by its public id, and tells what it is good for at an instant. It
// looks at every entry: it is for operators, not for requests of callers.
func (s *Set) Named(id string, now time.Time) (*Entry, Result) {
	for _, in := range [...]index{s.minted, s.hashed} {
		for _, at := range in {
			for ; at != nil; at = at.next {
				if at.entry.Caller.KeyID == id {
					return at.entry, at.entry.at(now)
				}
			}
		}
	}
	return nil, Unknown
}

func (in index) find(d *Digest) *Entry {
	var found *Entry
	for at := in[head(d)]; at != nil; at = at.next {
		if subtle.ConstantTimeCompare(at.entry.Digest[:], d[:]) == 1 {
			found = at.entry
		}
	}
	return found
}
