package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tollgate/internal/record"
	"tollgate/internal/store/sqlite/block"
)

// requests implements store.Requests. Records are packed into blocks, so that a batch of them costs
// a row; what they come to is collected in memory and stored now and then. What is in memory only
// follows from blocks that are stored, and is made from them again after a crash.
type requests struct {
	file *file

	mu     sync.Mutex
	days   map[int64]*openDay // that blocks were added to last
	recent recent
	sums   pendingSums
}

// The blocks of a day are in a table of their own, so that a day is forgotten by dropping it.
const (
	dayPrefix = "requests_"
	dayFormat = "20060102"
	day       = 24 * time.Hour
)

func dayTable(at time.Time) string { return dayPrefix + at.UTC().Format(dayFormat) }

// dayOf is the number of a day.
func dayOf(at time.Time) int64 { return floor(at.Unix(), daySeconds) / daySeconds }

// %s is the name of a table of a day. Blocks are looked at by the times that they end at; the
// span of the longest tells how much later than a record its block may end.
const createDay = `
CREATE TABLE IF NOT EXISTS %[1]s (
	seq    INTEGER PRIMARY KEY,
	first  INTEGER NOT NULL, -- microseconds since 1970: of the earliest record in the block
	last   INTEGER NOT NULL, -- and of the latest
	count  INTEGER NOT NULL, -- records
	filter BLOB    NOT NULL, -- what can be found in it
	data   BLOB    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS %[1]s_last ON %[1]s (last, seq, first);
CREATE INDEX IF NOT EXISTS %[1]s_span ON %[1]s (last - first)`

// A block is written again with more records while it is small, and begins anew when it is large.
const (
	smallBlock   = 128
	largeBlock   = 1024
	largeBytes   = 256 << 10
	daysAtOnce   = 2       // to whose blocks is added
	atLeastKnown = 4 << 10 // records
)

// openDay is a day to whose last block is added.
type openDay struct {
	number int64
	table  string
	seq    int64 // of the block
	stored bool  // some of the block is
	block  block.Builder
}

// openRequests makes the sums that are not stored from the blocks that are.
func openRequests(ctx context.Context, f *file) (*requests, error) {
	s := &requests{file: f, days: map[int64]*openDay{}, sums: newPendingSums()}
	if err := f.read(ctx, s.recount); err != nil {
		return nil, fmt.Errorf("sum up the last request records of %s: %w", f.path, err)
	}
	return s, nil
}

// close stores the sums, so that the next start need not make them; if that fails, it does.
func (s *requests) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.settle(context.Background())
}

// Append implements store.Requests.
func (s *requests) Append(ctx context.Context, all []record.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.recent.sift(all)
	if len(fresh) == 0 {
		return nil
	}
	var days []*openDay
	err := s.file.write(ctx, written, func(t *tx) (err error) {
		days, err = s.pack(t, fresh)
		return err
	})
	if err != nil {
		clear(s.days) // what is in their blocks is not what is stored
		s.recent.forget(fresh)
		return fmt.Errorf("store %d request records: %w", len(all), err)
	}
	for _, r := range fresh {
		s.sums.add(r)
	}
	for _, d := range days {
		s.sums.reached(d)
		d.next(smallBlock)
	}
	s.forget()
	if s.sums.due() {
		_ = s.settle(ctx) // the records are stored: their sums can wait until it works
	}
	return nil
}

// pack stores records in the blocks of their days, and tells which days that are.
func (s *requests) pack(t *tx, fresh []*record.Request) (days []*openDay, err error) {
	var d *openDay
	for _, r := range fresh {
		if n := dayOf(r.At); d == nil || d.number != n {
			if d, err = s.day(t, n, r.At); err != nil {
				return nil, err
			}
			if !slices.Contains(days, d) {
				days = append(days, d)
			}
		}
		if d.full() {
			if err := t.putBlock(d); err != nil {
				return nil, err
			}
			d.next(0)
		}
		d.block.Add(r)
	}
	for _, d := range days {
		if err := t.putBlock(d); err != nil {
			return nil, err
		}
	}
	return days, nil
}

// day gives a day, whose table it makes if there is none.
func (s *requests) day(t *tx, number int64, at time.Time) (*openDay, error) {
	if d := s.days[number]; d != nil {
		return d, nil
	}
	d := &openDay{number: number, table: dayTable(at)}
	if err := t.script(fmt.Sprintf(createDay, d.table)); err != nil {
		return nil, err
	}
	last, err := t.one("SELECT coalesce(max(seq), 0) FROM " + d.table)
	d.seq = last + 1
	s.days[number] = d
	return d, err
}

// script runs statements that are not worth keeping.
func (t *tx) script(text string) error { return t.check(t.conn.exec(t.ctx, text)) }

func (d *openDay) full() bool { return d.block.Len() >= largeBlock || d.block.Size() >= largeBytes }

// next begins the next block if this one has so many records.
func (d *openDay) next(enough int) {
	if d.block.Len() >= enough || d.full() {
		d.block.Reset()
		d.seq, d.stored = d.seq+1, false
	}
}

// putBlock stores the block of a day, in place of what there was of it.
func (t *tx) putBlock(d *openDay) error {
	first, last := d.block.Span()
	filter, data := d.block.AppendFilter(nil), d.block.AppendData(nil)
	text := "INSERT INTO " + d.table + " (first, last, count, filter, data, seq) VALUES (?, ?, ?, ?, ?, ?)"
	if d.stored {
		text = "UPDATE " + d.table + " SET first = ?, last = ?, count = ?, filter = ?, data = ? WHERE seq = ?"
	}
	d.stored = true
	return t.do(text, first, last, d.block.Len(), filter, data, d.seq)
}

// forget closes the blocks of all but the latest days.
func (s *requests) forget() {
	for len(s.days) > daysAtOnce {
		oldest := int64(never)
		for n := range s.days {
			oldest = min(oldest, n)
		}
		delete(s.days, oldest)
	}
}

// days gives the tables of days, the last day first.
func (t *tx) days() (all []string, err error) {
	const text = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'requests_[0-9]*' ORDER BY name DESC"
	err = t.rows(text, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		all = append(all, name)
		return err
	})
	return all, err
}

// identity is what a record is known by.
type identity struct {
	id  string
	day int64
}

// recent knows the last records, so that those which come again are not stored twice.
type recent struct{ young, old map[identity]struct{} }

// sift gives the records that are neither known nor twice among themselves, and knows them.
func (k *recent) sift(all []record.Request) []*record.Request {
	if k.young == nil || len(k.young) >= atLeastKnown {
		k.old, k.young = k.young, make(map[identity]struct{}, atLeastKnown)
	}
	fresh := make([]*record.Request, 0, len(all))
	for i := range all {
		id := identityOf(&all[i])
		if _, old := k.old[id]; old {
			continue
		}
		before := len(k.young)
		if k.young[id] = struct{}{}; len(k.young) > before {
			fresh = append(fresh, &all[i])
		}
	}
	return fresh
}

// forget is for what was not stored.
func (k *recent) forget(all []*record.Request) {
	for _, r := range all {
		delete(k.young, identityOf(r))
	}
}

func identityOf(r *record.Request) identity { return identity{r.ID, dayOf(r.At)} }

// Prune implements store.Requests.
func (s *requests) Prune(ctx context.Context, keep record.Retention, now time.Time) error {
	var days []string
	err := s.file.read(ctx, func(t *tx) (err error) {
		days, err = t.days()
		return err
	})
	for _, table := range days {
		begin, wrong := time.Parse(dayFormat, strings.TrimPrefix(table, dayPrefix))
		if err != nil || wrong != nil || keep.Requests <= 0 || begin.Add(day).After(now.Add(-keep.Requests)) {
			continue
		}
		err = s.drop(ctx, table, dayOf(begin))
	}
	if err == nil && keep.Hours > 0 {
		before := now.Add(-keep.Hours).UTC().Truncate(day).Unix()
		if err = s.pruneHours(ctx, before); err == nil {
			err = s.pruneTotals(ctx, before)
		}
	}
	if err != nil {
		return fmt.Errorf("prune the request records: %w", err)
	}
	return nil
}

// drop forgets a day, when its sums are stored.
func (s *requests) drop(ctx context.Context, table string, number int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.settle(ctx); err != nil {
		return err
	}
	delete(s.days, number)
	return s.file.write(ctx, written, func(t *tx) error {
		if err := t.do("DELETE FROM summed WHERE day = ?", table); err != nil {
			return err
		}
		return t.script("DROP TABLE " + table)
	})
}

// pruneHours forgets the hours before one at which a day begins, a day at a time, so that
// nobody waits long.
func (s *requests) pruneHours(ctx context.Context, before int64) error {
	for more := true; more; {
		err := s.file.write(ctx, written, func(t *tx) error {
			if err := t.do("UPDATE hours_kept SET since = max(since, ?)", before); err != nil {
				return err
			}
			gone, err := t.exec("DELETE FROM sums_hour WHERE at < ? AND at < (SELECT min(at) FROM sums_hour) + ?", before, int64(day/time.Second))
			more = gone > 0
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
