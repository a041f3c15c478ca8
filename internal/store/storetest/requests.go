package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
)

const day = 24 * time.Hour

// midnight is the beginning of the day of now.
var midnight = now.Truncate(day)

// request is a request of some id at some time.
func request(id string, at time.Time, change ...func(*record.Request)) record.Request {
	r := record.Request{
		ID: id, At: at, Key: "key_1", Name: "one", Operation: "chat", Asked: "gpt-5", Sent: "gpt-5-2026", Provider: "openai",
		Status: 200, Outcome: "served", Cost: 10, Price: "known", Tokens: record.Tokens{Input: 3, Output: 2}, Duration: time.Second,
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func addRequests(t *testing.T, s store.Store, all ...record.Request) {
	t.Helper()
	must(t, s.Requests().Append(t.Context(), all))
}

func testRequests(t *testing.T, s store.Store) {
	want := record.Request{
		ID: "full", At: now, Key: "key_1", Name: "Zoë", Labels: map[string]string{"team": "a\"b"}, Operation: "chat", Dialect: "openai",
		Asked: "a", Sent: "b", Served: "c", Provider: "p", Backend: "q", Streamed: true, Client: "::1", Status: 429, Outcome: "refused", Code: "budget_exceeded",
		Message: "no", Duration: 1, FirstByte: 2, Processing: 3, BytesIn: 4, BytesOut: 5, Tokens: record.Tokens{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4, Reasoning: 5, InputAudio: 6, OutputAudio: 7},
		Cost: 1<<62 - 1, Price: "known", Source: "exact", Version: "v",
		Attempts: []record.Attempt{{
			Provider: "p", Backend: "q", Model: "m", Status: 500, Error: "e", Started: now, Duration: 9, Reservation: "1-2", BoundCost: 3, Cost: -4, BoundTokens: 5,
			Tokens: record.Tokens{Input: 1}, Source: "s", Price: "p", Version: "v", Lines: []record.Line{{Kind: "input", Quantity: 7, Price: "1.25", Cost: money.Pico(8)}},
		}},
		Repeated: 9, Refusal: &record.Refusal{Limit: "lim_1", Kind: "cost", Window: "life", Reason: "spent", Amount: 1, Spent: 2, Reserved: 3, Asked: 4, Resets: now, Shared: true},
	}
	addRequests(t, s, want, request("old", now.Add(-40*day)))
	addRequests(t, s)
	got, err := s.Requests().Get(t.Context(), "full")
	must(t, err)
	equal(t, "a request", *got, want)
	_, err = s.Requests().Get(t.Context(), "old")
	must(t, err)
	is(t, "a request that is not there", second(s.Requests().Get(t.Context(), "none")), store.ErrNotFound)
}

func testRequestsOnce(t *testing.T, s store.Store) {
	addRequests(t, s, request("a", now), request("a", now), request("b", now))
	addRequests(t, s, request("b", now), request("c", now))
	rows, _, err := s.Requests().List(t.Context(), record.Query{})
	must(t, err)
	equal(t, "rows", len(rows), 3)
	for _, by := range [][]record.Grouping{{record.ByHour}, {record.ByDay}} {
		equal(t, "counted", totals(t, s, record.SumQuery{By: by}), []string{fmt.Sprint(start(by[0]), " 3 30")})
	}
}

// testRepeated: a record counts for the requests that have none as well.
func testRepeated(t *testing.T, s store.Store) {
	many := request("many", now, func(r *record.Request) { r.Status, r.Outcome, r.Cost, r.Repeated = 429, "refused", 0, 999 })
	addRequests(t, s, request("one", now), many)
	sums, err := s.Requests().Sums(t.Context(), record.SumQuery{})
	must(t, err)
	equal(t, "requests", sums[0].Requests, int64(1001))
	equal(t, "refused", sums[0].Refused, int64(1000))
	equal(t, "duration", sums[0].Duration, 1001*time.Second)
	rows, _, err := s.Requests().List(t.Context(), record.Query{Outcome: "refused"})
	must(t, err)
	equal(t, "rows", len(rows), 1)
	equal(t, "repeated", rows[0].Repeated, int64(999))
}

// start is the beginning of the hour or day of now.
func start(by record.Grouping) string {
	if by == record.ByHour {
		return now.Truncate(time.Hour).Format(time.RFC3339)
	}
	return midnight.Format(time.RFC3339)
}

func testRequestLists(t *testing.T, s store.Store) {
	label := func(name, value string) func(*record.Request) {
		return func(r *record.Request) { r.Labels = map[string]string{name: value} }
	}
	addRequests(t, s,
		request("a", now.Add(-2*day), label("team", "x.y")),
		request("b", now.Add(-1*day), func(r *record.Request) { r.Key = "key_2" }),
		request("c", now, func(r *record.Request) { r.Status, r.Outcome, r.Code = 429, "refused", "budget_exceeded" },
			func(r *record.Request) { r.Refusal = &record.Refusal{Limit: "lim_1"} }),
		request("d", now, label("team", "z"), func(r *record.Request) { r.Asked = "alias" }),
		request("e", now.Add(time.Second), func(r *record.Request) { r.Provider, r.Status, r.Outcome = "mistral", 503, "failed" }),
		request("f", now.Add(time.Second), func(r *record.Request) { r.Asked, r.Sent, r.Status = "alias", "", 400 }),
	)
	list := func(q record.Query) (ids []string, next string) {
		rows, next, err := s.Requests().List(t.Context(), q)
		must(t, err)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids, next
	}
	for name, c := range map[string]struct {
		q    record.Query
		want string
	}{
		"all":          {record.Query{}, "f e d c b a"},
		"key":          {record.Query{Key: "key_2"}, "b"},
		"asked":        {record.Query{Model: "alias"}, "f d"},
		"sent":         {record.Query{Model: "gpt-5-2026"}, "e d c b a"},
		"provider":     {record.Query{Provider: "mistral"}, "e"},
		"outcome":      {record.Query{Outcome: "failed"}, "e"},
		"code":         {record.Query{Code: "budget_exceeded"}, "c"},
		"label":        {record.Query{Label: map[string]string{"team": "x.y"}}, "a"},
		"other label":  {record.Query{Label: map[string]string{"tea": "x.y"}}, ""},
		"limit":        {record.Query{Limit: "lim_1"}, "c"},
		"status":       {record.Query{Status: 429}, "c"},
		"class":        {record.Query{Status: 4}, "f c"},
		"class 5":      {record.Query{Status: 5}, "e"},
		"class 2":      {record.Query{Status: 2}, "d b a"},
		"from":         {record.Query{From: now}, "f e d c"},
		"to":           {record.Query{To: now}, "b a"},
		"between":      {record.Query{From: now.Add(-day), To: now.Add(time.Second)}, "d c b"},
		"all together": {record.Query{Key: "key_1", Status: 4, From: midnight, Outcome: "refused"}, "c"},
	} {
		got, next := list(c.q)
		equal(t, name, strings.Join(got, " "), c.want)
		equal(t, name+", the next page", next, "")
		var pages []string
		for c.q.Max = 1; ; {
			got, next := list(c.q)
			pages = append(pages, got...)
			if c.q.Cursor = next; next == "" {
				break
			}
		}
		equal(t, name+" in pages", strings.Join(pages, " "), c.want)
	}
	is(t, "a bad cursor", third(s.Requests().List(t.Context(), record.Query{Cursor: "?"})), store.ErrCursor)
	if third(s.Requests().List(t.Context(), record.Query{Status: 42})) == nil {
		t.Error("a status of two digits was taken")
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

// totals writes sums as text: groups, requests and cost.
func totals(t *testing.T, s store.Store, q record.SumQuery) (all []string) {
	t.Helper()
	sums, err := s.Requests().Sums(t.Context(), q)
	must(t, err)
	for _, sum := range sums {
		text := ""
		for _, by := range q.By {
			text += sum.Group[by] + " "
		}
		all = append(all, text+fmt.Sprint(sum.Requests, " ", int64(sum.Cost)))
	}
	return all
}

// sumSample are requests of two hours of two days.
func sumSample() []record.Request {
	as := func(key, model, provider, team string, cost int) func(*record.Request) {
		return func(r *record.Request) {
			r.Key, r.Name, r.Sent, r.Provider, r.Cost = "key_"+key, key, model, provider, money.Nano(cost)
			if team != "" {
				r.Labels = map[string]string{"team": team, "env": "prod"}
			}
		}
	}
	return []record.Request{
		request("1", midnight.Add(-time.Minute), as("a", "m1", "p1", "red", 1)),
		request("2", midnight, as("a", "m1", "p1", "red", 10)),
		request("3", midnight.Add(time.Minute), as("a", "m2", "p1", "red", 100)),
		request("4", midnight.Add(2*time.Minute), as("b", "m1", "p2", "blue", 1000)),
		request("5", midnight.Add(time.Hour), as("b", "m1", "p1", "", 10000)),
	}
}

func testSums(t *testing.T, s store.Store) {
	addRequests(t, s, sumSample()...)
	before, at, next := midnight.Add(-time.Hour).Format(time.RFC3339), midnight.Format(time.RFC3339), midnight.Add(time.Hour).Format(time.RFC3339)
	yesterday := midnight.Add(-day).Format(time.RFC3339)
	by := func(g ...record.Grouping) record.SumQuery { return record.SumQuery{By: g} }
	for name, c := range map[string]struct {
		q    record.SumQuery
		want []string
	}{
		"nothing":        {by(), []string{"5 11111"}},
		"key":            {by(record.ByKey), []string{"key_b 2 11000", "key_a 3 111"}},
		"model":          {by(record.ByModel), []string{"m1 4 11011", "m2 1 100"}},
		"provider":       {by(record.ByProvider), []string{"p1 4 10111", "p2 1 1000"}},
		"hour":           {by(record.ByHour), []string{before + " 1 1", at + " 3 1110", next + " 1 10000"}},
		"day":            {by(record.ByDay), []string{yesterday + " 1 1", at + " 4 11110"}},
		"label":          {by("label.team"), []string{" 1 10000", "blue 1 1000", "red 3 111"}},
		"two labels":     {by("label.team", "label.env"), []string{"  1 10000", "blue prod 1 1000", "red prod 3 111"}},
		"label and key":  {by("label.team", record.ByKey), []string{" key_b 1 10000", "blue key_b 1 1000", "red key_a 3 111"}},
		"day and model":  {by(record.ByModel, record.ByDay), []string{"m1 " + yesterday + " 1 1", "m1 " + at + " 3 11010", "m2 " + at + " 1 100"}},
		"most":           {record.SumQuery{By: []record.Grouping{record.ByKey}, Max: 1}, []string{"key_b 2 11000"}},
		"of a key":       {record.SumQuery{Key: "key_a"}, []string{"3 111"}},
		"of a model":     {record.SumQuery{Model: "m2"}, []string{"1 100"}},
		"of a provider":  {record.SumQuery{Provider: "p2"}, []string{"1 1000"}},
		"of a label":     {record.SumQuery{Label: map[string]string{"team": "red"}, By: []record.Grouping{record.ByModel}}, []string{"m2 1 100", "m1 2 11"}},
		"of nobody":      {record.SumQuery{Key: "key_c"}, nil},
		"an hour":        {record.SumQuery{From: midnight, To: midnight.Add(time.Hour)}, []string{"3 1110"}},
		"a part of hour": {record.SumQuery{From: midnight.Add(59 * time.Minute), To: midnight.Add(time.Hour + 1)}, []string{"4 11110"}},
		"from":           {record.SumQuery{From: midnight.Add(time.Hour)}, []string{"1 10000"}},
		"to":             {record.SumQuery{To: midnight}, []string{"1 1"}},
		"no time":        {record.SumQuery{From: midnight, To: midnight}, nil},
	} {
		equal(t, "sums by "+name, totals(t, s, c.q), c.want)
	}
	if _, err := s.Requests().Sums(t.Context(), by("colour")); err == nil {
		t.Error("a grouping that does not exist was taken")
	}
}

func testSumsOverTime(t *testing.T, s store.Store) {
	renamed := request("x", now.Add(day), func(r *record.Request) {
		r.Name, r.Outcome, r.Price, r.Cost = "renamed", "failed", "unknown", 0
		r.Tokens = record.Tokens{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4, Reasoning: 5, InputAudio: 6, OutputAudio: 7}
	})
	refused := request("y", now, func(r *record.Request) { r.Outcome, r.Sent, r.Cost = "refused", "", 0 })
	addRequests(t, s, request("z", now), renamed)
	addRequests(t, s, refused)
	sums, err := s.Requests().Sums(t.Context(), record.SumQuery{By: []record.Grouping{record.ByKey}})
	must(t, err)
	want := record.Sum{
		Group: map[record.Grouping]string{record.ByKey: "key_1"}, Name: "renamed",
		Sums: record.Sums{
			Requests: 3, Refused: 1, Failed: 1, Cost: 10, Unpriced: 1, Duration: 3 * time.Second,
			Tokens: record.Tokens{Input: 7, Output: 6, CacheRead: 3, CacheWrite: 4, Reasoning: 5, InputAudio: 6, OutputAudio: 7},
		},
	}
	equal(t, "all figures", sums, []record.Sum{want})
	equal(t, "the model of who was refused", totals(t, s, record.SumQuery{Model: "gpt-5"}), []string{"1 0"})
}

func testPrune(t *testing.T, s store.Store) {
	var all []record.Request
	for i := range 60 {
		all = append(all, request(fmt.Sprint(i), midnight.Add(-time.Duration(i)*day+time.Hour)))
	}
	addRequests(t, s, all...)
	addRequests(t, s, sumSample()...)
	everything := []record.SumQuery{
		{}, {By: []record.Grouping{record.ByKey}}, {By: []record.Grouping{record.ByDay}}, {By: []record.Grouping{record.ByModel, "label.team"}},
	}
	var before [][]string
	for _, q := range everything {
		before = append(before, totals(t, s, q))
	}
	must(t, s.Requests().Prune(t.Context(), record.Retention{}, now))
	equal(t, "without a retention", second(s.Requests().Get(t.Context(), "59")), nil)

	must(t, s.Requests().Prune(t.Context(), record.Retention{Requests: 30 * day, Hours: 10 * day}, now))
	is(t, "older than that", second(s.Requests().Get(t.Context(), "31")), store.ErrNotFound)
	equal(t, "of a day that is not over for long enough", second(s.Requests().Get(t.Context(), "30")), nil)
	for i, q := range everything {
		equal(t, fmt.Sprintf("sums %+v", q), totals(t, s, q), before[i])
	}
	// Where only days are kept they stand for their hours.
	hours := totals(t, s, record.SumQuery{By: []record.Grouping{record.ByHour}})
	for _, want := range []time.Time{midnight.Add(-11 * day), midnight.Add(-10*day + time.Hour), midnight.Add(time.Hour)} {
		if !slices.ContainsFunc(hours, func(h string) bool { return strings.HasPrefix(h, want.Format(time.RFC3339)) }) {
			t.Errorf("nothing for %s in %v", want, hours)
		}
	}
	equal(t, "a part of a day of which only the sum is kept",
		totals(t, s, record.SumQuery{From: midnight.Add(-20*day + 5*time.Hour), To: midnight.Add(-20*day + 6*time.Hour)}), []string{"1 10"})
	must(t, s.Requests().Prune(t.Context(), record.Retention{Requests: 30 * day, Hours: 10 * day}, now)) // again
}

// manyRequests are requests as they are recorded: at their end, so that those that took long
// come after others that began later. They began around a midnight.
func manyRequests(n int) (all []record.Request) {
	random := rand.New(rand.NewPCG(7, 7))
	ended := make(map[string]time.Time, n)
	for i := range n {
		key := fmt.Sprint("key_", random.IntN(40))
		r := request(fmt.Sprintf("req_%d", i), midnight.Add(time.Duration(i-n/2)*37*time.Millisecond), func(r *record.Request) {
			r.Key, r.Name, r.Cost = key, "name of "+key, money.Nano(random.IntN(1000))
			r.Duration = time.Duration(random.IntN(100)) * time.Millisecond
			r.Labels = map[string]string{"team": fmt.Sprint("team-", random.IntN(5))}
			if random.IntN(50) == 0 {
				r.Status, r.Outcome, r.Code = 429, "refused", "budget_exceeded"
			}
			if random.IntN(100) == 0 {
				r.Duration += time.Minute
			}
		})
		ended[r.ID] = r.At.Add(r.Duration)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b record.Request) int { return ended[a.ID].Compare(ended[b.ID]) })
	return all
}

func testRequestsMany(t *testing.T, s store.Store) {
	all := manyRequests(4000)
	random := rand.New(rand.NewPCG(8, 8))
	for rest := all; len(rest) > 0; {
		n := min(len(rest), []int{1, 3, 60, 200, 1500}[random.IntN(5)])
		addRequests(t, s, rest[:n]...)
		if random.IntN(5) == 0 {
			addRequests(t, s, rest[:n]...) // somebody was not sure
		}
		rest = rest[n:]
	}
	newest := slices.Clone(all)
	slices.SortFunc(newest, func(a, b record.Request) int { return b.At.Compare(a.At) })
	for name, c := range map[string]struct {
		q       record.Query
		selects func(r *record.Request) bool
	}{
		"all":     {record.Query{}, func(*record.Request) bool { return true }},
		"key":     {record.Query{Key: "key_7"}, func(r *record.Request) bool { return r.Key == "key_7" }},
		"refused": {record.Query{Status: 4}, func(r *record.Request) bool { return r.Status == 429 }},
		"label": {record.Query{Label: map[string]string{"team": "team-3"}, Outcome: "refused"}, func(r *record.Request) bool {
			return r.Labels["team"] == "team-3" && r.Outcome == "refused"
		}},
		"between": {record.Query{From: midnight.Add(-time.Second), To: midnight.Add(time.Second)}, func(r *record.Request) bool {
			return !r.At.Before(midnight.Add(-time.Second)) && r.At.Before(midnight.Add(time.Second))
		}},
	} {
		var want []string
		for i := range newest {
			if c.selects(&newest[i]) {
				want = append(want, newest[i].ID)
			}
		}
		for _, c.q.Max = range []int{7, 200} {
			var got []string
			for c.q.Cursor = ""; ; {
				rows, next, err := s.Requests().List(t.Context(), c.q)
				must(t, err)
				for _, r := range rows {
					got = append(got, r.ID)
				}
				if c.q.Cursor = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s in pages of %d: %d rows, want %d in another order or others", name, c.q.Max, len(got), len(want))
			}
		}
	}
	var cost money.Nano
	for i := range all {
		if i%100 == 0 {
			got, err := s.Requests().Get(t.Context(), all[i].ID)
			must(t, err)
			equal(t, "a request", *got, all[i])
		}
		cost += all[i].Cost
	}
	for _, by := range [][]record.Grouping{nil, {record.ByKey}, {record.ByDay}, {record.ByHour, "label.team"}} {
		sums, err := s.Requests().Sums(t.Context(), record.SumQuery{By: by})
		must(t, err)
		var total record.Sums
		for _, sum := range sums {
			total.Requests, total.Cost = total.Requests+sum.Requests, total.Cost+sum.Cost
			if sum.Group[record.ByKey] != "" {
				equal(t, "a name", sum.Name, "name of "+sum.Group[record.ByKey])
			}
		}
		equal(t, fmt.Sprint("requests and cost by ", by), []int64{total.Requests, int64(total.Cost)}, []int64{int64(len(all)), int64(cost)})
	}
}

func testMonthOf(t *testing.T, s store.Store) {
	of := func(key string, at time.Time, cost int) record.Request {
		return request(fmt.Sprint(key, at, cost), at, func(r *record.Request) { r.Key, r.Cost = "key_"+key, money.Nano(cost) })
	}
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	ask := func(what string, at time.Time, keys, want []string) {
		t.Helper()
		sums, err := s.Requests().MonthOf(t.Context(), at, keys)
		must(t, err)
		var got []string
		for key, sum := range sums {
			got = append(got, fmt.Sprint(key, " ", sum.Requests, " ", sum.Refused, " ", sum.Tokens.Input, " ", sum.Tokens.Output, " ", int64(sum.Cost)))
		}
		slices.Sort(got)
		equal(t, what, got, want)
	}
	ask("nothing at all", now, []string{"key_a"}, nil)
	addRequests(t, s,
		of("a", first.Add(-time.Second), 1), of("a", first, 10), of("a", now, 100), of("b", now, 1000), of("c", now, 10000),
		of("a", time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), 100000), of("a", time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 1000000),
		request("no", now, func(r *record.Request) { r.Key, r.Outcome, r.Cost, r.Tokens = "key_b", "refused", 0, record.Tokens{} }),
	)
	berlin := time.FixedZone("", 3600)
	ask("some keys", now, []string{"key_b", "key_a", "key_none"}, []string{"key_a 3 0 9 6 100110", "key_b 2 1 3 2 1000"})
	ask("the month of UTC, whatever the zone", time.Date(2026, 12, 1, 0, 30, 0, 0, berlin), []string{"key_a"}, []string{"key_a 3 0 9 6 100110"})
	ask("another month", first.Add(-1), []string{"key_a", "key_b"}, []string{"key_a 1 0 3 2 1"})
	ask("no keys", now, nil, nil)
}
