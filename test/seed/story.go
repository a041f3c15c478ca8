package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
	"tollgate/internal/ledger"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vkey"
)

// options say what is to be made.
type options struct {
	dir            string
	keys, requests int
	days           int
	seed           uint64
	until          time.Time
}

// since is when the first request may be.
func (o *options) since() time.Time { return o.until.AddDate(0, 0, -o.days) }

// before is how long there were keys before the first request.
const before = 90 * 24 * time.Hour

// summary is what was made.
type summary struct {
	keys, requests, refused, failed int
	rows                            uint64
}

// secrets is what seed.json tells: values that nobody can look up later.
type secrets struct {
	Tokens []named `json:"admin_tokens"`
	Keys   []named `json:"keys"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
	// Secret is the value of an admin token or a virtual key.
	Secret string `json:"secret"`
}

// story is a month of a program that never ran.
type story struct {
	options
	clock   *clock
	rng     *rand.Rand // what happens
	random  io.Reader  // what ids and secrets are made of
	store   *sqlite.Store
	journal *bulk
	books   *ledger.Books
	control *control.Control
	plane   *plane
	pepper  *vkey.Pepper
	quotes  []catalog.Quote
	worth   float64 // dollars that all requests come to, about
	prices  *catalog.Catalog

	plan    []step    // what operators do, in the order of time
	holders []*holder // whoever makes requests, and up to whom each is drawn
	weights []float64 // cumulative
	batch   []record.Request
	told    secrets
	made    summary
	owner   control.Call
}

// step is something that an operator does.
type step struct {
	at time.Time
	do func(ctx context.Context) error
}

// fill makes a data directory.
func fill(ctx context.Context, o options) (summary, error) {
	if err := o.check(); err != nil {
		return summary{}, err
	}
	var seed [32]byte
	for i := range 8 {
		seed[i] = byte(o.seed >> (8 * i))
	}
	s := &story{options: o, clock: newClock(o.since().Add(-before)), rng: rand.New(rand.NewPCG(o.seed, 1)), random: rand.NewChaCha8(seed), plane: &plane{holders: map[string]*holder{}}}
	if err := s.open(ctx); err != nil {
		return summary{}, err
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.books.Run(keeping) }()
	err := s.tell(ctx)
	if err == nil {
		err = s.books.Checkpoint(ctx)
	}
	stop()
	err = errors.Join(err, <-ended, s.journal.close(ctx), s.store.Close())
	s.made.rows = s.journal.rows
	if err == nil {
		err = s.writeSecrets()
	}
	return s.made, err
}

func (o *options) check() error {
	switch {
	case o.dir == "":
		return errors.New("-data names no directory")
	case o.keys < 1 || o.requests < 0 || o.days < 1 || o.days > 3650:
		return errors.New("-keys and -days are at least 1, -days at most 3650, and -requests at least 0")
	}
	for _, name := range []string{"tollgate.db", "pepper"} {
		if _, err := os.Stat(filepath.Join(o.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds a %s already: name another directory, or remove this one", o.dir, name)
		}
	}
	return os.MkdirAll(o.dir, 0o700)
}

// open opens everything that the program would.
func (s *story) open(ctx context.Context) (err error) {
	if s.quotes, s.prices, err = quotes(s.until); err != nil {
		return err
	}
	s.worth = float64(s.requests) * usualCost(s.quotes)
	var raw [32]byte
	if _, err := io.ReadFull(s.random, raw[:]); err != nil {
		return err
	}
	if s.pepper, err = vkey.NewPepper(raw[:]); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "pepper"), []byte(hex.EncodeToString(raw[:])+"\n"), 0o600); err != nil {
		return err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Options{Dir: s.dir}); err != nil {
		return err
	}
	s.journal = &bulk{Journal: s.store.Journal()}
	s.books, _, err = ledger.Recover(ctx, ledger.Config{Journal: s.journal, Witness: s.store.Mark(), Wall: s.clock.now, Mono: s.clock.since})
	if err != nil {
		return errors.Join(err, s.store.Close())
	}
	s.control = control.New(control.Parts{
		Store: s.store, Books: s.books, Live: s.plane, Pepper: s.pepper, Catalog: func() *catalog.Catalog { return s.prices },
		Now: s.clock.now, Random: s.random, Health: func() admin.Health { return admin.Health{} },
	})
	s.owner = control.Call{Actor: actor.Actor{Kind: actor.System, Name: "first start", Role: actor.Owner}}
	return nil
}

// tell lets everything happen, in its order.
func (s *story) tell(ctx context.Context) error {
	s.planTokens()
	services := s.planServices()
	if err := s.reach(ctx, s.since()); err != nil {
		return err
	}
	if err := s.importCustomers(ctx, s.keys-services); err != nil {
		return err
	}
	s.weigh()
	if err := s.shareLimits(ctx); err != nil {
		return err
	}
	if err := s.traffic(ctx); err != nil {
		return err
	}
	if err := s.reach(ctx, s.until); err != nil {
		return err
	}
	s.books.Sweep()
	for _, h := range s.holders {
		if h.key != nil {
			s.made.keys++
		}
	}
	return s.noteUse(ctx)
}

// reach lets operators do what they do up to an instant.
func (s *story) reach(ctx context.Context, at time.Time) error {
	for len(s.plan) > 0 && !s.plan[0].at.After(at) {
		next := s.plan[0]
		s.plan = s.plan[1:]
		s.clock.reach(next.at)
		if err := next.do(ctx); err != nil {
			return fmt.Errorf("at %s: %w", next.at.Format(time.RFC3339), err)
		}
	}
	s.clock.reach(at)
	return nil
}

// then plans a step.
func (s *story) then(at time.Time, do func(ctx context.Context) error) {
	i, _ := slices.BinarySearchFunc(s.plan, at, func(x step, at time.Time) int {
		if x.at.After(at) {
			return 1
		}
		return -1
	})
	s.plan = slices.Insert(s.plan, i, step{at, do})
}

// noteUse writes down when keys were last used.
func (s *story) noteUse(ctx context.Context) error {
	used := map[string]map[string]time.Time{}
	put := func() error {
		err := s.store.Update(ctx, func(tx store.Tx) error { return tx.Keys().Used(used) })
		clear(used)
		return err
	}
	for _, h := range s.holders {
		if h.key == nil || h.used.IsZero() {
			continue
		}
		used[h.key.ID] = map[string]time.Time{h.key.Secrets[0].ID: h.used}
		if len(used) == 10_000 {
			if err := put(); err != nil {
				return err
			}
		}
	}
	return put()
}

// writeSecrets leaves the values of tokens and keys beside the database.
func (s *story) writeSecrets() error {
	text, err := json.MarshalIndent(s.told, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "seed.json"), append(text, '\n'), 0o600)
}
