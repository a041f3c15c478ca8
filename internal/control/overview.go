package control

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// How far the overview looks. However many keys there are, it looks at so many only.
const (
	overviewDays  = 30
	overviewTop   = 10
	overviewKeys  = 500  // those used last, whose limits are looked at
	overviewRows  = 1000 // refusals that are counted by their code
	overviewPages = 20   // for which they are looked up: a page of what is rare can be short
	overviewEach  = 5    // entries of one kind of attention
	overviewMost  = 1000 // so many of one kind are counted
	expiringSoon  = 7 * 24 * time.Hour
	idleFor       = 30 * 24 * time.Hour
	nearLimit     = 80 // percent
	olderRefusals = "older"
)

// Health says how the server is.
func (c *Control) Health(_ context.Context, _ Call) (*admin.Health, error) {
	h := c.parts.Health()
	return &h, nil
}

// Overview tells what matters at a glance. Days and months are those of UTC.
func (c *Control) Overview(ctx context.Context, _ Call) (*admin.Overview, error) {
	o := &overview{control: c, now: c.parts.Now().UTC(), out: &admin.Overview{
		Refusals: []admin.CodeCount{}, Days: []admin.UsageGroup{}, TopKeys: []admin.UsageGroup{}, Attention: []admin.AttentionTo{},
	}}
	o.out.At = o.now
	for _, part := range []func(context.Context) error{o.sums, o.refusals, o.latency, o.stored, o.providers, o.models} {
		if err := part(ctx); err != nil {
			return nil, asError(fmt.Errorf("make the overview: %w", err))
		}
	}
	return o.out, nil
}

// overview is put together part by part.
type overview struct {
	control *Control
	now     time.Time
	out     *admin.Overview
	refused map[string]*refusedKey // lately, by key id
}

// sums fills in what was used: by day, of which today and this month are made, and by key.
func (o *overview) sums(ctx context.Context) error {
	today, month := startOfDay(o.now), startOfMonth(o.now)
	first := today.AddDate(0, 0, 1-overviewDays)
	from := first
	if month.Before(from) {
		from = month
	}
	requests := o.control.parts.Store.Requests()
	days, err := requests.Sums(ctx, record.SumQuery{From: from, To: o.now, By: []record.Grouping{record.ByDay}})
	if err != nil {
		return fmt.Errorf("sum up requests by day: %w", err)
	}
	var ofDay, ofMonth record.Sums
	for i := range days {
		day, err := time.Parse(time.RFC3339, days[i].Group[record.ByDay])
		if err != nil {
			return fmt.Errorf("sum up requests by day: %w", err)
		}
		if !day.Before(first) {
			o.out.Days = append(o.out.Days, groupForm(&days[i]))
		}
		if !day.Before(month) {
			ofMonth = plus(ofMonth, &days[i].Sums)
		}
		if day.Equal(today) {
			ofDay = days[i].Sums
		}
	}
	o.out.Today, o.out.Month = sumsForm(&ofDay), sumsForm(&ofMonth)
	o.out.MonthProjected = projected(ofMonth.Cost, o.now.Sub(month), month.AddDate(0, 1, 0).Sub(month)).String()
	top, err := requests.Sums(ctx, record.SumQuery{From: month, To: o.now, By: []record.Grouping{record.ByKey}, Max: overviewTop})
	if err != nil {
		return fmt.Errorf("sum up requests by key: %w", err)
	}
	for i := range top {
		o.out.TopKeys = append(o.out.TopKeys, groupForm(&top[i]))
	}
	return nil
}

// projected is what a period comes to if it goes on as it began. The first day says too
// little, so it counts as one however much of it is over.
func projected(spent money.Nano, elapsed, whole time.Duration) money.Nano {
	elapsed = max(elapsed, 24*time.Hour)
	if spent <= 0 || elapsed >= whole {
		return spent
	}
	high, low := bits.Mul64(uint64(spent), uint64(whole))
	if high >= uint64(elapsed) {
		return money.MaxNano
	}
	n, _ := bits.Div64(high, low, uint64(elapsed))
	return money.Nano(min(n, uint64(money.MaxNano)))
}

// refusedKey is what a key was refused lately.
type refusedKey struct {
	id, name, code string // the latest code
	times          int
}

// refusals counts those of today by their code, and those of the last day by their key.
// Of more than can be looked at only the latest are.
func (o *overview) refusals(ctx context.Context) error {
	since := o.now.Add(-24 * time.Hour)
	codes, counted := map[string]int64{}, int64(0)
	o.refused = map[string]*refusedKey{}
	q := record.Query{Outcome: "refused", From: since, Max: maxPage}
	for rows, pages := 0, 0; rows < overviewRows && pages < overviewPages; pages++ {
		page, next, err := o.control.parts.Store.Requests().List(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			r := &page[i]
			if !r.At.Before(startOfDay(o.now)) {
				codes[r.Code] += 1 + r.Repeated
				counted += 1 + r.Repeated
			}
			if r.Key == "" {
				continue
			}
			k := o.refused[r.Key]
			if k == nil {
				k = &refusedKey{id: r.Key, name: cmp.Or(r.Name, r.Key), code: r.Code}
				o.refused[r.Key] = k
			}
			k.times += int(1 + r.Repeated)
		}
		rows += len(page)
		if q.Cursor = next; next == "" {
			break
		}
	}
	if older := o.out.Today.Refused - counted; older > 0 && q.Cursor != "" {
		codes[olderRefusals] = older
	}
	for code, n := range codes {
		o.out.Refusals = append(o.out.Refusals, admin.CodeCount{Code: code, Count: n})
	}
	slices.SortFunc(o.out.Refusals, func(a, b admin.CodeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return nil
}

// stored fills in what the database knows of keys and credentials.
func (o *overview) stored(ctx context.Context) error {
	return o.control.parts.Store.View(ctx, func(tx store.Tx) error {
		for _, part := range []func(store.Tx) error{o.counts, o.near, o.lately, o.expiring, o.idle, o.uncapped, o.credentials} {
			if err := part(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *overview) counts(tx store.Tx) (err error) {
	n := &o.out.Keys
	for _, one := range []struct {
		of *int64
		q  store.KeyQuery
	}{
		{&n.Active, store.KeyQuery{Status: "active"}},
		{&n.Disabled, store.KeyQuery{Status: "disabled"}},
		{&n.Revoked, store.KeyQuery{Status: "revoked"}},
		{&n.Expired, store.KeyQuery{Status: "expired"}},
		{&n.Uncapped, store.KeyQuery{Status: "active", Uncapped: true}},
	} {
		one.q.Now = o.now
		if *one.of, err = tx.Keys().Count(one.q); err != nil {
			return fmt.Errorf("count keys: %w", err)
		}
	}
	return nil
}

// near tells of limits that are nearly used up, those of the keys used last: a key
// that nobody uses comes near to nothing.
func (o *overview) near(tx store.Tx) error {
	shared, err := tx.Limits().List()
	if err != nil {
		return fmt.Errorf("list shared limits: %w", err)
	}
	var found []nearby
	look := func(k *vkey.Key, name string, l *budget.Limit) {
		if l.Kind == budget.Concurrency || l.Kind == budget.Requests && l.Window.Shape() == budget.Sliding || l.Amount == 0 {
			return // full for a moment is what these are for
		}
		id := ""
		if k != nil {
			id = k.ID
		}
		state := o.control.parts.Books.State(l, id)
		if percent := percentOf(state.Settled, state.Reserved, l.Amount); percent >= nearLimit {
			found = append(found, nearby{percent, admin.AttentionTo{
				Kind: "near_limit", KeyID: id, Name: name, LimitID: l.ID, Message: usedUp(&state, percent),
			}})
		}
	}
	for _, s := range shared {
		if s.Limit.Per == budget.Pool {
			look(nil, s.Name, &s.Limit)
		}
	}
	err = o.usedLast(tx, func(k *vkey.Key) {
		for _, l := range k.Limits {
			look(k, k.Name, l)
		}
		for _, s := range shared {
			if s.Limit.Per == budget.Each && s.Limit.Selects(k.Labels) {
				look(k, k.Name, &s.Limit)
			}
		}
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(found, func(a, b nearby) int { return cmp.Compare(b.percent, a.percent) })
	o.several("near_limit", int64(len(found)), min(len(found), overviewEach), func(i int) admin.AttentionTo { return found[i].to })
	return nil
}

// nearby is a limit that is nearly used up.
type nearby struct {
	percent int64
	to      admin.AttentionTo
}

// usedLast gives the keys that were used last.
func (o *overview) usedLast(tx store.Tx, each func(*vkey.Key)) error {
	q := store.KeyQuery{Status: "active", Now: o.now, Sort: "-" + store.SortLastUsed, Max: maxPage}
	for n := 0; n < overviewKeys; {
		page, next, err := tx.Keys().List(q)
		if err != nil {
			return fmt.Errorf("list the keys used last: %w", err)
		}
		for _, k := range page {
			each(k)
		}
		n += len(page)
		if q.Cursor = next; next == "" {
			break
		}
	}
	return nil
}

// percentOf tells how much of an amount is used, rounded down, at most 999.
func percentOf(settled, reserved, amount int64) int64 {
	high, low := bits.Mul64(uint64(max(0, settled))+uint64(max(0, reserved)), 100)
	if high >= uint64(amount) {
		return 999
	}
	n, _ := bits.Div64(high, low, uint64(amount))
	return int64(min(n, 999))
}

func usedUp(s *budget.State, percent int64) string {
	kind := s.Limit.Kind.String()
	text := fmt.Sprintf("%d %% of %s used: %s spent, %s reserved", percent, figure(kind, s.Limit.Amount), roughly(kind, s.Settled), roughly(kind, s.Reserved))
	if _, resets := bounds(s.Limit.Window, s.Span); resets != nil {
		text += "; resets at " + resets.Format(time.RFC3339)
	}
	return text
}

// roughly is figure for a glance: money in whole cents, rounded down, unless it is less than one.
func roughly(kind string, n int64) string {
	const cent = int64(money.One) / 100
	if kinds[kind] == budget.Cost && n >= cent {
		n -= n % cent
	}
	return figure(kind, n)
}

// lately tells of keys that were refused in the last day.
func (o *overview) lately(store.Tx) error {
	all := make([]*refusedKey, 0, len(o.refused))
	for _, k := range o.refused {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *refusedKey) int { return cmp.Or(cmp.Compare(b.times, a.times), cmp.Compare(a.id, b.id)) })
	o.several("refused", int64(len(all)), min(len(all), overviewEach), func(i int) admin.AttentionTo {
		k := all[i]
		return admin.AttentionTo{
			Kind: "refused", KeyID: k.id, Name: k.name, Message: fmt.Sprintf("refused %s in the last 24 hours, the last time for %s", times(k.times), k.code),
		}
	})
	return nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return thousands(int64(n)) + " times"
}

func (o *overview) expiring(tx store.Tx) error {
	q := store.KeyQuery{Status: "active", ExpiringBefore: o.now.Add(expiringSoon), Sort: store.SortExpires}
	return o.keys(tx, "expiring", q, func(k *vkey.Key) string { return "expires at " + k.ExpiresAt.UTC().Format(time.RFC3339) })
}

func (o *overview) idle(tx store.Tx) error {
	q := store.KeyQuery{Status: "active", IdleSince: o.now.Add(-idleFor), Sort: store.SortLastUsed}
	return o.keys(tx, "idle", q, func(k *vkey.Key) string {
		if k.LastUsedAt.IsZero() {
			return "never used since it was made at " + k.CreatedAt.UTC().Format(time.RFC3339)
		}
		return "last used at " + k.LastUsedAt.UTC().Format(time.RFC3339)
	})
}

func (o *overview) uncapped(tx store.Tx) error {
	q := store.KeyQuery{Status: "active", Uncapped: true, Sort: "-" + store.SortLastUsed}
	return o.keys(tx, "uncapped", q, func(*vkey.Key) string { return "has no limit of its own" })
}

// keys tells of the first keys that a query selects, and how many more there are.
func (o *overview) keys(tx store.Tx, kind string, q store.KeyQuery, message func(*vkey.Key) string) error {
	q.Now, q.Max = o.now, overviewEach
	list, next, err := tx.Keys().List(q)
	if err != nil {
		return fmt.Errorf("list %s keys: %w", kind, err)
	}
	total := int64(len(list))
	if next != "" {
		q.Max = overviewMost
		if total, err = tx.Keys().Count(q); err != nil {
			return fmt.Errorf("count %s keys: %w", kind, err)
		}
	}
	o.several(kind, total, len(list), func(i int) admin.AttentionTo {
		return admin.AttentionTo{Kind: kind, KeyID: list[i].ID, Name: list[i].Name, Message: message(list[i])}
	})
	return nil
}

// several adds the first entries of a kind, and how many more there are of total.
func (o *overview) several(kind string, total int64, first int, entry func(int) admin.AttentionTo) {
	for i := range first {
		o.out.Attention = append(o.out.Attention, entry(i))
	}
	more := total - int64(first)
	if more <= 0 {
		return
	}
	rest := admin.AttentionTo{Kind: kind, Message: fmt.Sprintf("and %s more", thousands(more)), More: more}
	if total == overviewMost { // it may be any number
		rest.More, rest.MoreThan = more-1, true
		rest.Message = fmt.Sprintf("and more than %s others", thousands(rest.More))
	}
	o.out.Attention = append(o.out.Attention, rest)
}

func (o *overview) credentials(tx store.Tx) error {
	list, err := tx.Credentials().List()
	if err != nil {
		return fmt.Errorf("list provider credentials: %w", err)
	}
	for _, row := range list {
		if row.TestResult != "" && row.TestResult != resultOK {
			o.out.Attention = append(o.out.Attention, admin.AttentionTo{
				Kind: "credential_failing", Name: row.Name, Message: row.TestResult + ", tested at " + row.TestedAt.UTC().Format(time.RFC3339),
			})
		}
	}
	return nil
}

// models tells of models without a price: keys with a limit on cost cannot use them.
func (o *overview) models(context.Context) error {
	prices := o.control.parts.Catalog()
	var unpriced []string
	for _, m := range o.control.parts.Live.Models() {
		if stateOf(prices, &m, o.now) == catalog.Unknown.String() {
			unpriced = append(unpriced, m.Name)
		}
	}
	o.several("unpriced_model", int64(len(unpriced)), min(len(unpriced), overviewEach), func(i int) admin.AttentionTo {
		return admin.AttentionTo{
			Kind: "unpriced_model", Name: unpriced[i], Message: "has no price, so keys with a limit on cost cannot use it, and what it costs is not counted",
		}
	})
	return nil
}
