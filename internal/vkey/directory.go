package vkey

import (
	"crypto/subtle"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/budget"
)

// Directory is the live set of managed keys. It is made for a million of them: a
// key is kept as few bytes until it is first used, a look-up takes no lock, and a
// change costs the same whatever the number of keys. What a method changes is in
// force when it returns. It is safe for concurrent use.
type Directory struct {
	pepper         *Pepper
	shared         atomic.Pointer[sharedLimits]
	minted, hashed spread // by the first bytes of digests, peppered and not
	ids            spread
	seed           maphash.Seed // of the hashes of ids
	uses           uses
	recent         recent

	mu      sync.Mutex // of whoever changes keys
	packer  packer
	foreign map[string][]*use // uses of secrets that are not the directory's own, by key
}

// NewDirectory makes an empty directory.
func NewDirectory(pepper *Pepper) *Directory {
	d := &Directory{pepper: pepper, seed: maphash.MakeSeed(), foreign: map[string][]*use{}}
	d.shared.Store(&sharedLimits{})
	return d
}

// Len is the number of keys.
func (d *Directory) Len() int { return int(d.ids.count.Load()) }

// Load fills an empty directory with the keys that each gives to its argument, and
// keeps nothing of them but what it needs. Ids are unique, as those of a store are.
// The error joins each's own with one for every key that makes no sense, which
// nobody can use then.
func (d *Directory) Load(each func(yield func(*Key) error) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Len() > 0 {
		return errors.New("the directory of virtual keys is filled already")
	}
	var ids, minted, hashed []place
	var problems []error
	err := each(func(k *Key) error {
		if err := k.Validate(); err != nil {
			problems = append(problems, err)
		}
		h := &holder{}
		h.state.Store(&state{packed: d.packer.together(k)})
		ids = append(ids, place{d.idHash(k.ID), h})
		for i := range k.Secrets {
			p := place{head(&k.Secrets[i].Digest), h}
			if k.Secrets[i].Peppered {
				minted = append(minted, p)
			} else {
				hashed = append(hashed, p)
			}
		}
		return nil
	})
	d.ids.add(ids)
	d.minted.add(minted)
	d.hashed.add(hashed)
	return errors.Join(append(problems, err)...)
}

// Put adds keys and replaces those that have the same ids, each in one step. The
// error joins one for every key that makes no sense, which nobody can use then.
func (d *Directory) Put(keys []*Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var problems []error
	for _, k := range keys {
		if err := k.Validate(); err != nil {
			problems = append(problems, err)
		}
		d.put(k)
	}
	return errors.Join(problems...)
}

func (d *Directory) put(k *Key) {
	h := d.holder(k.ID)
	var before []Secret
	if h != nil {
		before = h.state.Load().packed.key().Secrets
	} else {
		h = &holder{}
		defer d.ids.add([]place{{d.idHash(k.ID), h}})
	}
	// A new secret leads to the holder before the holder knows it, an old one until
	// the holder has forgotten it: at no time is a good one not found.
	for i := range k.Secrets {
		if s := &k.Secrets[i]; !contains(before, s) {
			d.index(s).add([]place{{head(&s.Digest), h}})
		}
	}
	h.state.Store(&state{packed: d.packer.pack(k)})
	for i := range before {
		if !contains(k.Secrets, &before[i]) {
			d.index(&before[i]).remove(place{head(&before[i].Digest), h})
		}
	}
}

func contains(list []Secret, s *Secret) bool {
	for i := range list {
		if list[i].Digest == s.Digest && list[i].Peppered == s.Peppered {
			return true
		}
	}
	return false
}

func (d *Directory) index(s *Secret) *spread {
	if s.Peppered {
		return &d.minted
	}
	return &d.hashed
}

// Remove forgets keys. Their requests under way finish, unless they are cut before.
func (d *Directory) Remove(ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		h := d.holder(id)
		if h == nil {
			continue
		}
		before := h.state.Swap(nil).packed.key().Secrets
		for i := range before {
			d.index(&before[i]).remove(place{head(&before[i].Digest), h})
		}
		d.ids.remove(place{d.idHash(id), h})
	}
}

// SetShared replaces all shared limits. Keys take them up when they are next used.
func (d *Directory) SetShared(limits []*budget.Limit) {
	d.shared.Store(&sharedLimits{append([]*budget.Limit(nil), limits...)})
}

// Lookup finds the key that a caller presented and tells what it is good for at an
// instant. The entry is nil if and only if the result is Unknown. Every unknown
// value costs the same work. What a key was minted is nobody else's: that another one
// has the hash of it gives nothing, also once that key has ended it.
func (d *Directory) Lookup(presented string, now time.Time) (*Entry, Result) {
	digest := d.pepper.Digest(presented)
	found := d.find(&d.minted, &digest, true)
	if d.hashed.count.Load() > 0 {
		digest = Hash(presented)
		if e := d.find(&d.hashed, &digest, false); found == nil && e != nil && !d.mintedForAnother(presented, e) {
			found = e
		}
	}
	if found == nil {
		return nil, Unknown
	}
	return found, found.at(now)
}

// mintedForAnother tells whether a value was minted here for another key than the one
// that has its hash.
func (d *Directory) mintedForAnother(presented string, e *Entry) bool {
	id, ok := Parse(presented)
	return ok && e.Caller.KeyID != idPrefix+id && d.holder(idPrefix+id) != nil
}

func (d *Directory) find(in *spread, digest *Digest, peppered bool) *Entry {
	var found *Entry
	for _, p := range in.under(head(digest)) {
		entries := d.entries(p.holder)
		for i := range entries {
			e := &entries[i]
			if e.Peppered == peppered && subtle.ConstantTimeCompare(e.Digest[:], digest[:]) == 1 {
				found = e
			}
		}
	}
	return found
}

// entries gives the entries of a key as it is now, none if it is gone.
func (d *Directory) entries(h *holder) []Entry {
	for {
		s, shared := h.state.Load(), d.shared.Load()
		if s == nil {
			return nil
		}
		if c := s.compiled.Load(); c != nil && c.shared == shared {
			return c.entries
		}
		if c := h.compile(s, shared, &d.uses); c != nil {
			d.recent.add(s)
			return c.entries
		}
	}
}

// Entry gives the entry of the newest secret of a key.
func (d *Directory) Entry(keyID string) (*Entry, bool) {
	h := d.holder(keyID)
	if h == nil {
		return nil, false
	}
	entries := d.entries(h)
	if len(entries) == 0 {
		return nil, false
	}
	return &entries[0], true
}

// Named is Entry, and tells what the key is good for at an instant.
func (d *Directory) Named(keyID string, now time.Time) (*Entry, Result) {
	entry, ok := d.Entry(keyID)
	if !ok {
		return nil, Unknown
	}
	return entry, entry.at(now)
}

// Cut ends the requests that a key has under way, also those that have looked it up
// but not begun yet, and tells how many there were. To end a key for good change it
// first: what looks it up after the cut is let pass if the key still is good.
func (d *Directory) Cut(keyID string, cause error) int {
	h := d.holder(keyID)
	if h == nil {
		return 0
	}
	return h.cut(cause)
}

// InFlight is the number of requests that a key has under way, without those that Cut has ended; false if
// there is no such key.
func (d *Directory) InFlight(keyID string) (n int, ok bool) {
	h := d.holder(keyID)
	if h == nil {
		return 0, false
	}
	return h.inFlight(), true
}

func (d *Directory) idHash(id string) uint64 { return maphash.String(d.seed, id) }

// holder finds a key by its id, nil if there is none.
func (d *Directory) holder(id string) *holder {
	for _, p := range d.ids.under(d.idHash(id)) {
		if s := p.holder.state.Load(); s != nil && s.packed.id() == id {
			return p.holder
		}
	}
	return nil
}

// Track makes Used and DrainUsed tell also of entries that are not the directory's
// own, those of a configuration. Entries of one secret share what is told, so that
// it survives when they are compiled anew.
func (d *Directory) Track(entries []Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		d.foreign[e.Caller.KeyID], e.use = useOf(d.foreign[e.Caller.KeyID], e.Caller.KeyID, e.SecretID, &d.uses)
	}
}

// Used tells when the secrets of a key were last used since the program began, by
// secret id.
func (d *Directory) Used(keyID string) map[string]time.Time {
	if h := d.holder(keyID); h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		return lastUsed(h.used)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return lastUsed(d.foreign[keyID])
}

// DrainUsed tells when secrets were last used, by key id and secret id, those that
// were used since it was last called.
func (d *Directory) DrainUsed() map[string]map[string]time.Time { return d.uses.drain() }

// mostCompiled bounds the keys that are kept compiled, because that takes a few
// times the memory of a packed one.
const mostCompiled = 1 << 16

// recent are the states that were compiled last; older ones go back to being packed.
type recent struct {
	mu     sync.Mutex
	states []*state
	next   int
}

func (r *recent) add(s *state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.states) < mostCompiled {
		r.states = append(r.states, s)
		return
	}
	r.states[r.next].compiled.Store(nil)
	r.states[r.next] = s
	r.next = (r.next + 1) % mostCompiled
}
