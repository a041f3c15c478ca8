package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"

	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite/block"
)

const (
	// enoughRead is after how many bytes of blocks a page may come back short.
	enoughRead = 24 << 20
	// filtersAtOnce is how many filters are looked at before the first of their blocks is read.
	filtersAtOnce = 64
)

// Get implements store.Requests.
func (s *requests) Get(ctx context.Context, id string) (*record.Request, error) {
	page := &requestPage{search: block.Find(id), max: 1, left: math.MaxInt}
	if id == "" {
		return nil, store.ErrNotFound
	}
	if err := s.file.read(ctx, page.read); err != nil {
		return nil, err
	}
	if len(page.rows) == 0 {
		return nil, store.ErrNotFound
	}
	return &page.rows[0], nil
}

// List implements store.Requests.
func (s *requests) List(ctx context.Context, q record.Query) (rows []record.Request, next string, err error) {
	return s.list(ctx, q, enoughRead)
}

// list gives a page, which may be short once so many bytes have been read.
func (s *requests) list(ctx context.Context, q record.Query, enough int) (rows []record.Request, next string, err error) {
	if q.Status != 0 && (q.Status < 1 || q.Status > 9 && q.Status < 100 || q.Status > 999) {
		return nil, "", fmt.Errorf("%d is no status: use three digits, or the first of them", q.Status)
	}
	after, err := parseCursor(q.Cursor, newestFirst)
	if err != nil {
		return nil, "", err
	}
	behind := block.End
	if after != nil {
		behind = block.Place{Time: after.Time, ID: after.ID}
	}
	max := pageOf(q.Max)
	page := &requestPage{search: block.NewSearch(&q, behind), max: max + 1, left: enough}
	if err := s.file.read(ctx, page.read); err != nil {
		return nil, "", err
	}
	end := page.short
	if len(page.rows) > max {
		page.rows = page.rows[:max]
		last := block.Of(&page.rows[max-1])
		end = &last
	}
	if end != nil {
		next = cursor{Order: newestFirst, Time: end.Time, ID: end.ID}.String()
	}
	return page.rows, next, nil
}

// requestPage collects the newest records that are searched for.
type requestPage struct {
	search *block.Search
	max    int
	left   int              // bytes to be read before it may be short
	rows   []record.Request // the newest first
	short  *block.Place     // behind which nothing was searched
}

// The queries for blocks of a day; %s is its table.
const (
	longestBlock = "SELECT coalesce(max(last - first), 0) FROM %s"
	nextBlocks   = "SELECT seq, last, length(data), filter FROM %s WHERE (last, seq) < (?, ?) AND last >= ? AND first <= ? ORDER BY last DESC, seq DESC LIMIT %d"
)

// blockRef is a block that is not read yet.
type blockRef struct {
	seq, last, size int64
	filter          []byte
}

// read collects the page. Days follow each other, but the blocks of a day overlap.
func (p *requestPage) read(t *tx) error {
	days, err := t.days()
	if err != nil {
		return err
	}
	from, to := p.search.Between()
	first, last := "", "~" // all names of tables are between
	if from > math.MinInt64 {
		first = dayTable(fromMicros(from))
	}
	if to < math.MaxInt64-1 {
		last = dayTable(fromMicros(to))
	}
	for _, table := range days {
		if table < first || table > last {
			continue
		}
		if err := p.day(t, table, from, to); err != nil || p.short != nil || len(p.rows) == p.max {
			return err
		}
	}
	return nil
}

// day reads the blocks of a day that may have something, those that end last first, until no
// other can have anything newer than what was found.
func (p *requestPage) day(t *tx, table string, from, to int64) error {
	span, err := t.one(fmt.Sprintf(longestBlock, table))
	if err != nil {
		return err
	}
	at := blockRef{seq: never, last: never} // where the blocks begin
	if to < never-span {
		at.last = to + span
	}
	for {
		refs, err := t.blocks(table, at, from, to)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if done, err := p.block(t, table, &ref, to); err != nil || done {
				return err
			}
		}
		if len(refs) < filtersAtOnce {
			return nil
		}
		at = refs[len(refs)-1]
	}
}

// block adds what there is in a block, and tells whether the page is done.
func (p *requestPage) block(t *tx, table string, ref *blockRef, to int64) (done bool, err error) {
	if len(p.rows) == p.max && block.Micros(p.rows[p.max-1].At) > ref.last {
		return true, nil
	}
	if p.left <= 0 && ref.last < to { // so that the next page gets further
		p.cut(ref.last)
		return true, nil
	}
	p.left -= len(ref.filter)
	if !p.search.May(ref.filter) {
		return false, nil
	}
	p.left -= int(ref.size)
	b, err := t.block(table, ref.seq)
	if err != nil {
		return false, err
	}
	found, err := b.Search(p.search, p.max)
	if err != nil {
		return false, damagedBlock(table, ref.seq, err)
	}
	p.rows = append(p.rows, found...)
	slices.SortFunc(p.rows, func(x, y record.Request) int { return block.Of(&y).Compare(block.Of(&x)) })
	p.rows = p.rows[:min(len(p.rows), p.max)]
	return false, nil
}

// cut ends the page behind a time, up to which blocks have not been read.
func (p *requestPage) cut(last int64) {
	n := 0
	for n < len(p.rows) && block.Micros(p.rows[n].At) > last {
		n++
	}
	p.rows = p.rows[:n]
	p.short = &block.Place{Time: last + 1}
}

// blocks gives the next blocks that have records of a time, those that end last first.
func (t *tx) blocks(table string, behind blockRef, from, to int64) (refs []blockRef, err error) {
	err = t.rows(fmt.Sprintf(nextBlocks, table, filtersAtOnce), []any{behind.last, behind.seq, from, to}, func(scan func(...any) error) error {
		var r blockRef
		err := scan(&r.seq, &r.last, &r.size, &r.filter)
		refs = append(refs, r)
		return err
	})
	return refs, err
}

// block reads a block.
func (t *tx) block(table string, seq int64) (*block.Block, error) {
	var data []byte
	if err := t.row("SELECT data FROM "+table+" WHERE seq = ?", []any{seq}, &data); err != nil {
		return nil, err
	}
	b, err := block.Parse(data)
	if err != nil {
		return nil, damagedBlock(table, seq, err)
	}
	return b, nil
}

func damagedBlock(table string, seq int64, err error) error {
	return fmt.Errorf("block %d of %s: %w: %w", seq, table, err, ErrCorrupt)
}
