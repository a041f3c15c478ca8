package block_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"tollgate/internal/record"
	"tollgate/internal/store/sqlite/block"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 123_456_789, time.UTC)

// fill sets every field, each to something else.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(now.Add(time.Duration(*n) * time.Hour)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) * 1_000_003)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{fmt.Sprint("b ", *n): "1", "a": fmt.Sprint(*n), "": ""}))
	default:
		panic("a record has a field of a kind that nobody packs: " + v.Type().String())
	}
}

func full() (r record.Request) {
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	return r
}

func pack(t testing.TB, all ...record.Request) (*block.Builder, *block.Block) {
	t.Helper()
	var b block.Builder
	for i := range all {
		b.Add(&all[i])
	}
	parsed, err := block.Parse(b.AppendData(nil))
	if err != nil {
		t.Fatal(err)
	}
	return &b, parsed
}

func unpack(t testing.TB, b *block.Block, from int) (all []record.Request) {
	t.Helper()
	if err := b.Each(from, func(r *record.Request) error { all = append(all, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryFieldIsKept(t *testing.T) {
	negative, far := full(), full()
	negative.Cost, negative.Status, negative.BytesIn = -1, -7, -1<<63
	far.At, far.Attempts[0].Started = time.Date(1, 2, 3, 4, 5, 6, 7, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	here := full()
	here.At = now.In(time.FixedZone("", 7200))
	all := []record.Request{full(), {}, negative, {At: now}, far, full(), {ID: "only"}, here}
	_, b := pack(t, all...)
	got := unpack(t, b, 0)
	all[7].At = now
	for i := range all {
		if !reflect.DeepEqual(got[i], all[i]) {
			t.Errorf("record %d:\ngot  %+v\nwant %+v", i, got[i], all[i])
		}
	}
	if rest := unpack(t, b, 5); len(rest) != 3 || !reflect.DeepEqual(rest, all[5:]) {
		t.Errorf("from the sixth on: %+v", rest)
	}
}

func TestABuilderIsUsedAgain(t *testing.T) {
	b, _ := pack(t, some(100)...)
	b.Reset()
	if b.Len() != 0 || b.Size() != 0 {
		t.Errorf("%d records in %d bytes", b.Len(), b.Size())
	}
	var other block.Builder
	for _, r := range some(3) {
		b.Add(&r)
		other.Add(&r)
	}
	if string(b.AppendData(nil)) != string(other.AppendData(nil)) || string(b.AppendFilter(nil)) != string(other.AppendFilter(nil)) {
		t.Error("it is not as a new one")
	}
	first, last := b.Span()
	wantFirst, wantLast := other.Span()
	if first != wantFirst || last != wantLast {
		t.Errorf("from %d to %d", first, last)
	}
}

// some are records of the same few words, by chance.
func some(n int) (all []record.Request) {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	word := func(words ...string) string { return words[random.IntN(len(words))] }
	for i := range n {
		r := record.Request{
			ID: fmt.Sprint("req_", i), At: now.Add(time.Duration(random.IntN(20)) * time.Millisecond), Key: word("", "key_1", "key_2", "key_3", "openai"),
			Asked: word("best", "gpt-5"), Sent: word("", "gpt-5", "mistral"), Provider: word("openai", "mistral"), Outcome: word("served", "refused", "failed"),
			Code: word("", "budget_exceeded", "failed"), Status: []int{0, 200, 404, 429, 503}[random.IntN(5)],
		}
		if random.IntN(2) == 0 {
			r.Labels = map[string]string{"team": word("red", "blue"), "env": word("prod", "red")}
		}
		if random.IntN(4) == 0 {
			r.Refusal = &record.Refusal{Limit: word("lim_1", "lim_2")}
		}
		all = append(all, r)
	}
	return all
}

// queries asks for one thing each, and for several.
func queries() (all []record.Query) {
	all = []record.Query{
		{}, {Key: "key_1"}, {Key: "key_9"}, {Key: "openai"}, {Model: "gpt-5"}, {Model: "best"}, {Model: "openai"}, {Provider: "mistral"}, {Outcome: "refused"}, {Code: "failed"},
		{Status: 429}, {Status: 4}, {Status: 2}, {Status: 9}, {Status: 500}, {Limit: "lim_1"}, {Limit: "key_1"},
		{Label: map[string]string{"team": "red"}}, {Label: map[string]string{"env": "red"}}, {Label: map[string]string{"red": "team"}},
		{Label: map[string]string{"team": "red", "env": "prod"}}, {Label: map[string]string{"none": ""}},
		{From: now.Add(5 * time.Millisecond)}, {To: now.Add(5 * time.Millisecond)}, {From: now.Add(5 * time.Millisecond), To: now.Add(6 * time.Millisecond)},
		{Key: "key_2", Model: "mistral", Status: 4, Label: map[string]string{"team": "blue"}},
		{Provider: "openai", Limit: "lim_2", Outcome: "served", Code: "budget_exceeded", From: now.Add(time.Millisecond)},
	}
	return all
}

// selects is what a query means.
func selects(q *record.Query, r *record.Request) bool {
	for name, value := range q.Label {
		if got, ok := r.Labels[name]; !ok || got != value {
			return false
		}
	}
	return (q.Key == "" || r.Key == q.Key) && (q.Model == "" || r.Asked == q.Model || r.Sent == q.Model) && (q.Provider == "" || r.Provider == q.Provider) &&
		(q.Outcome == "" || r.Outcome == q.Outcome) && (q.Code == "" || r.Code == q.Code) &&
		(q.Limit == "" || r.Refusal != nil && r.Refusal.Limit == q.Limit) &&
		(q.Status == 0 || r.Status == q.Status || r.Status/100 == q.Status) &&
		(q.From.IsZero() || r.At.UnixMicro() >= q.From.UnixMicro()) && (q.To.IsZero() || r.At.UnixMicro() < q.To.UnixMicro())
}

func TestWhatIsAskedForIsFound(t *testing.T) {
	all := some(300)
	b, parsed := pack(t, all...)
	filter := b.AppendFilter(nil)
	slices.SortFunc(all, func(x, y record.Request) int { return block.Of(&y).Compare(block.Of(&x)) })
	for _, q := range queries() {
		for _, behind := range []block.Place{block.End, block.Of(&all[150]), {Time: all[150].At.UnixMicro()}} {
			var want []string
			for i := range all {
				if selects(&q, &all[i]) && block.Of(&all[i]).Compare(behind) < 0 {
					want = append(want, all[i].ID)
				}
			}
			s := block.NewSearch(&q, behind)
			if len(want) > 0 && !s.May(filter) {
				t.Errorf("%+v: the filter says that nothing is there", q)
			}
			for _, most := range []int{1, 10, 1000} {
				found, err := parsed.Search(s, most)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, r := range found {
					got = append(got, r.ID)
				}
				if !slices.Equal(got, want[:min(most, len(want))]) {
					t.Errorf("%+v behind %v, at most %d: %v, want %v", q, behind, most, got, want)
				}
			}
		}
	}
	for i := range all {
		s := block.Find(all[i].ID)
		found, err := parsed.Search(s, 2)
		if !s.May(filter) || err != nil || len(found) != 1 || !reflect.DeepEqual(found[0], all[i]) {
			t.Errorf("%s: %+v, %v", all[i].ID, found, err)
		}
	}
}

func TestAFilterSparesMostBlocks(t *testing.T) {
	b, _ := pack(t, some(1000)...)
	filter := b.AppendFilter(nil)
	seems := 0
	const n = 10_000
	for i := range n {
		if block.Find(fmt.Sprint("other_", i)).May(filter) {
			seems++
		}
	}
	if seems > n/50 {
		t.Errorf("%d of %d seem to be there", seems, n)
	}
	for name, q := range map[string]record.Query{
		"a key that is a provider":         {Key: "mistral"},
		"a label by the value of another":  {Label: map[string]string{"team": "prod"}},
		"a name and value cut differently": {Label: map[string]string{"tea": "mred"}},
		"a class":                          {Status: 3},
		"a status":                         {Status: 401},
		"a limit that is a key":            {Limit: "key_1"},
	} {
		if block.NewSearch(&q, block.End).May(filter) {
			t.Errorf("%s seems to be there", name)
		}
	}
	if block.NewSearch(&record.Query{}, block.End).May(nil) {
		t.Error("an empty filter may have something")
	}
}

func TestDamageIsFound(t *testing.T) {
	b, _ := pack(t, some(5)...)
	whole := b.AppendData(nil)
	for i := range whole {
		bad := slices.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		if _, err := block.Parse(bad); !errors.Is(err, block.ErrDamaged) {
			t.Errorf("byte %d is another: %v", i, err)
		}
		if _, err := block.Parse(whole[:i]); !errors.Is(err, block.ErrDamaged) {
			t.Errorf("only %d bytes: %v", i, err)
		}
	}
}

var write = flag.Bool("write", false, "write a block into testdata as this version makes it")

// stored are blocks by the version of their form: they must be readable for ever.
const stored = "testdata/block-%d.hex"

// kept is what is in them.
func kept() []record.Request {
	return []record.Request{
		{
			ID: "req_1", At: now, Key: "key_1", Name: "checkout", Labels: map[string]string{"team": "payments", "env": "prod"}, Operation: "chat", Dialect: "openai",
			Asked: "best", Sent: "gpt-5", Served: "gpt-5-2026", Provider: "openai", Backend: "main", Streamed: true, Client: "192.0.2.7", Status: 200, Outcome: "served",
			Duration: 3, FirstByte: 2, Processing: 1, BytesIn: 1000, BytesOut: 2000,
			Tokens: record.Tokens{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4, Reasoning: 5, InputAudio: 6, OutputAudio: 7},
			Cost:   2_250_000, Price: "known", Source: "exact", Version: "list@7",
			Attempts: []record.Attempt{{Provider: "azure", Error: "refused", Started: now}, {
				Provider: "openai", Backend: "main", Model: "gpt-5", Status: 200, Started: now.Add(time.Second), Duration: 9, Reservation: "3-12", BoundCost: 5, Cost: 4,
				BoundTokens: 8, Tokens: record.Tokens{Input: 1}, Source: "exact", Price: "known", Version: "list@7",
				Lines: []record.Line{{Model: "gpt-5", Kind: "input", Quantity: 1, Price: "1.25", Factor: "2", Cost: 6}},
			}},
		},
		{
			ID: "req_2", At: now.Add(-time.Hour), Status: 429, Outcome: "refused", Code: "budget_exceeded", Message: "No.",
			Refusal:  &record.Refusal{Limit: "lim_1", Kind: "cost", Window: "day", Reason: "exhausted", Amount: 1, Spent: 2, Reserved: 3, Asked: 4, Resets: now, Shared: true},
			Repeated: 4711,
		},
	}
}

func TestWhatIsStoredStaysReadable(t *testing.T) {
	if *write {
		b, _ := pack(t, kept()...)
		text := fmt.Sprintf("%x\n%x\n", b.AppendData(nil), b.AppendFilter(nil))
		if err := os.WriteFile(fmt.Sprintf(stored, b.AppendData(nil)[0]), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob("testdata/block-*.hex")
	if len(files) == 0 {
		t.Fatal("there are no blocks")
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var data, filter []byte
		if _, err := fmt.Sscanf(string(text), "%x\n%x\n", &data, &filter); err != nil {
			t.Fatal(err)
		}
		b, err := block.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		want := kept()
		if data[0] < 2 {
			want[1].Repeated = 0 // not kept then
		}
		if got := unpack(t, b, 0); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", path, got)
		}
		for _, q := range []record.Query{
			{Key: "key_1"}, {Model: "best"}, {Model: "gpt-5"}, {Provider: "openai"}, {Outcome: "refused"}, {Code: "budget_exceeded"}, {Status: 429}, {Status: 2},
			{Limit: "lim_1"}, {Label: map[string]string{"team": "payments"}},
		} {
			if !block.NewSearch(&q, block.End).May(filter) {
				t.Errorf("%s: the filter does not know %+v any more", path, q)
			}
		}
		if !block.Find("req_1").May(filter) {
			t.Errorf("%s: the filter does not know an id any more", path)
		}
	}
}

// FuzzParse gives bytes with a right checksum: whatever they are, reading them ends, and ends well.
func FuzzParse(f *testing.F) {
	b, _ := pack(f, kept()...)
	data := b.AppendData(nil)
	f.Add(data[:len(data)-4])
	f.Add([]byte{1})
	f.Add([]byte{2})
	f.Add([]byte{1, 0, 0, 200, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		data := binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		b, err := block.Parse(data)
		if err != nil {
			return
		}
		var all []record.Request
		if err := b.Each(0, func(r *record.Request) error { all = append(all, *r); return nil }); err == nil {
			_, again := pack(t, all...)
			if got := unpack(t, again, 0); !reflect.DeepEqual(got, all) {
				t.Errorf("packed again: %+v, was %+v", got, all)
			}
		}
		q := record.Query{Label: map[string]string{"team": "payments"}, Status: 4, Limit: "lim_1"}
		_, _ = b.Search(block.NewSearch(&q, block.End), 10)
		_, _ = b.Search(block.Find("req_1"), 10)
	})
}
