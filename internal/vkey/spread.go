package vkey

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// spread finds holders by a hash, for any number of readers, who take no lock, and
// one writer at a time. It is cut into many small sorted lists that never change:
// a writer makes new ones of those that it changes.
type spread struct {
	parts [1 << spreadBits]atomic.Pointer[[]place]
	count atomic.Int64
}

const spreadBits = 12

// place says that a holder is found under a hash. It is a hint: what the holder
// holds decides.
type place struct {
	hash   uint64
	holder *holder
}

func (s *spread) part(hash uint64) *atomic.Pointer[[]place] { return &s.parts[hash>>(64-spreadBits)] }

// under gives the places of a hash.
func (s *spread) under(hash uint64) []place {
	part := s.part(hash).Load()
	if part == nil {
		return nil
	}
	list := *part
	from, to := 0, len(list)
	for from < to {
		if middle := int(uint(from+to) >> 1); list[middle].hash < hash {
			from = middle + 1
		} else {
			to = middle
		}
	}
	for to < len(list) && list[to].hash == hash {
		to++
	}
	return list[from:to]
}

// add enters places, which are put in order. Readers may see some before others.
func (s *spread) add(places []place) {
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.hash, b.hash) })
	for len(places) > 0 {
		part := s.part(places[0].hash)
		n := 1
		for n < len(places) && s.part(places[n].hash) == part {
			n++
		}
		var old []place
		if p := part.Load(); p != nil {
			old = *p
		}
		merged := merge(old, places[:n])
		part.Store(&merged)
		places = places[n:]
		s.count.Add(int64(n))
	}
}

// merge makes one sorted list of two.
func merge(a, b []place) []place {
	out := make([]place, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].hash <= b[0].hash {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// remove takes a place out.
func (s *spread) remove(p place) {
	part := s.part(p.hash)
	old := part.Load()
	if old == nil {
		return
	}
	i := slices.Index(*old, p)
	if i < 0 {
		return
	}
	rest := slices.Concat((*old)[:i], (*old)[i+1:])
	part.Store(&rest)
	s.count.Add(-1)
}
