package money

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vkey"
)

// TestMillionKeys starts the program on a million keys with three limits each: it is ready within ten seconds in less than a gigabyte, lists and searches answer
// within a tenth of a second, and a request is admitted as fast as with ten keys.
// It takes minutes, so it runs only if TOLLGATE_MILLION is set: to 1, or to how many keys.
func TestMillionKeys(t *testing.T) {
	text := os.Getenv("TOLLGATE_MILLION")
	if text == "" {
		t.Skip("TOLLGATE_MILLION is not set: set it to 1 to see the program with a million keys")
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if n == 1 {
		n = 1_000_000
	}
	s, few := newScene(t), newScene(t)
	s.stop()
	few.stop()
	began := time.Now()
	s.seed(n)
	few.seed(10)
	t.Logf("%d keys made in %v", n, time.Since(began).Round(time.Millisecond))
	few.start()
	began = time.Now()
	s.start()
	ready, memory := time.Since(began), s.memory()
	t.Logf("ready after %v with %d MB resident, %d MB at most so far; the database has %d MB", ready.Round(time.Millisecond), memory["VmRSS"], memory["VmHWM"], s.size()>>20)
	if ready > 10*time.Second {
		t.Errorf("ready after %v", ready)
	}
	for _, step := range []struct {
		what string
		run  func()
	}{{"lists", func() { s.lists(n) }}, {"requests", func() { s.admits(n, few) }}, {"edits", func() { s.edits(n) }}} {
		step.run()
		memory = s.memory()
		t.Logf("after the %s %d MB resident, %d MB at most so far", step.what, memory["VmRSS"], memory["VmHWM"])
	}
	if memory["VmHWM"] > 1000 {
		t.Errorf("%d MB were resident", memory["VmHWM"])
	}
	began = time.Now()
	s.stop()
	t.Logf("stopped within %v", time.Since(began).Round(time.Millisecond))
	few.stop()
}

func nthSecret(i int) string { return fmt.Sprintf("sk-customer-%09d-of-the-test", i) }

// seed puts keys into the database of a program that is not running, known by their hashes.
func (s *scene) seed(n int) {
	s.t.Helper()
	ctx := s.t.Context()
	db, err := sqlite.Open(ctx, sqlite.Options{Dir: filepath.Join(s.dir, "tollgate-data")})
	if err != nil {
		s.t.Fatal(err)
	}
	const batch = 20_000
	for from := 0; from < n; from += batch {
		err := db.Update(ctx, func(tx store.Tx) error {
			for i := from; i < min(n, from+batch); i++ {
				if err := tx.Keys().Put(s.customer(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// customer is a key as an import of hashes makes it.
func (s *scene) customer(i int) *vkey.Key {
	id, _, err := vkey.Mint(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	made := time.Date(2026, 1, 1, 0, 0, 0, i*1000, time.UTC)
	digest := vkey.Hash(nthSecret(i))
	k := &vkey.Key{
		ID: id, Name: fmt.Sprintf("customer %d of %s", i, []string{"Aachen", "Berlin", "Cottbus", "Dresden"}[i%4]), Origin: vkey.Managed,
		CreatedAt: made, UpdatedAt: made, CreatedBy: "import", ExpiresAt: time.Date(2100+i%50, 6, 1, 0, 0, 0, 0, time.UTC),
		Labels:  map[string]string{"team": fmt.Sprint("team-", i%1000), "env": "production"},
		Secrets: []vkey.Secret{{ID: vkey.DeriveSecretID(digest), Digest: digest, CreatedAt: made}},
	}
	for j, window := range []string{"month UTC", "week Europe/Berlin", "sliding 1m0s"} {
		kinds, amounts := [...]budget.Kind{budget.Cost, budget.Tokens, budget.Requests}, [...]int64{200 * dollar, 5_000_000, 100_000}
		l := ruled(s.t, vkey.DeclaredLimitID(id, kinds[j], nil, j), kinds[j], amounts[j], window)
		k.Limits = append(k.Limits, l)
	}
	return k
}

// memory gives what the program occupies, in megabytes.
func (s *scene) memory() map[string]int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.program.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]int{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if kilobytes, ok := strings.CutSuffix(strings.TrimSpace(value), " kB"); ok {
			n, _ := strconv.Atoi(kilobytes)
			all[name] = n / 1000
		}
	}
	return all
}

// size is how much the database occupies, in bytes.
func (s *scene) size() (bytes int64) {
	s.t.Helper()
	entries, err := filepath.Glob(filepath.Join(s.dir, "tollgate-data", "*.db*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range entries {
		info, err := os.Stat(path)
		if err != nil {
			s.t.Fatal(err)
		}
		bytes += info.Size()
	}
	return bytes
}

// median runs something several times and gives the time of the middle one.
func median(times int, run func()) time.Duration {
	all := make([]time.Duration, times)
	for i := range all {
		began := time.Now()
		run()
		all[i] = time.Since(began)
	}
	slices.Sort(all)
	return all[times/2]
}

// lists asks for pages of keys in every order and by every condition.
func (s *scene) lists(n int) {
	s.t.Helper()
	for _, c := range []struct {
		query string
		least int // keys on the page
	}{
		{"", 50}, {"limit=200", 200},
		{"sort=name", 50}, {"sort=-name", 50}, {"sort=created_at", 50}, {"sort=-created_at", 50},
		{"sort=last_used_at", 50}, {"sort=-last_used_at", 50}, {"sort=expires_at", 50}, {"sort=-expires_at", 50},
		{"status=active", 50}, {"status=disabled", 0}, {"status=expired", 0},
		{"q=customer+" + strconv.Itoa(n/2), 1}, {"q=dresden", 50}, {"q=dresden&sort=-created_at", 50}, {"q=cu", 50}, {"q=team-7", 50},
		{"q=nobody+is+called+so", 0}, {"q=zq", 0}, {"q=customer+of+zurich", 0},
		{"label.team=team-77", 50}, {"label.team=team-77&sort=-expires_at", 50}, {"label.env=production", 50}, {"label.team=none", 0},
		{"label.env=production&label.team=team-5&q=berlin", 0}, {"uncapped=true", 0}, {"idle_for=1h", 0}, {"expiring_within=24h", 0},
	} {
		var page struct{ Keys []key }
		took := median(7, func() {
			if status := s.call("GET", "/api/v1/keys?"+c.query, "", &page); status != http.StatusOK {
				s.t.Errorf("%s: %d", c.query, status)
			}
		})
		s.t.Logf("%8v  %3d keys  %s", took.Round(100*time.Microsecond), len(page.Keys), c.query)
		if took > 100*time.Millisecond {
			s.t.Errorf("%s takes %v", c.query, took)
		}
		if len(page.Keys) < min(c.least, n/1000) {
			s.t.Errorf("%s finds %d keys", c.query, len(page.Keys))
		}
	}
	s.quick("/api/v1/overview")
}

// quick asks for something several times and says how long that takes: a tenth of a second at most.
func (s *scene) quick(path string) {
	s.t.Helper()
	took := median(7, func() {
		if status := s.call("GET", path, "", new(json.RawMessage)); status != http.StatusOK {
			s.t.Errorf("%s: %d", path, status)
		}
	})
	s.t.Logf("%8v  %s", took.Round(100*time.Microsecond), path)
	if took > 100*time.Millisecond {
		s.t.Errorf("%s takes %v", path, took)
	}
}

// TestLargeLists starts the program on 100,000 keys and a million requests of a month, or as many as
// TOLLGATE_LARGE says: every list and sum that the console shows answers within a tenth of a second.
func TestLargeLists(t *testing.T) {
	requests := os.Getenv("TOLLGATE_LARGE")
	if requests == "" {
		t.Skip("TOLLGATE_LARGE is not set: set it to 1 to see lists of a million requests, or to how many")
	}
	if requests == "1" {
		requests = "1000000"
	}
	s := newScene(t)
	s.stop()
	data := filepath.Join(s.dir, "tollgate-data")
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	out, err := exec.CommandContext(t.Context(), "go", "run", "tollgate/test/seed", "-data", data, "-keys", "100000", "-requests", requests).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("seeded in %v: %s", time.Since(began).Round(time.Second), out)
	s.start()
	for _, query := range []string{
		"", "sort=-name", "sort=created_at", "sort=-created_at", "sort=last_used_at", "sort=-last_used_at", "sort=expires_at", "sort=-expires_at",
		"q=a", "q=zq", "q=%C3%B5", "q=x9&sort=-last_used_at", "q=acme", "q=nordwind+bakery", "q=nobody", "status=active&q=a", "status=disabled", "status=revoked&sort=-created_at",
		"status=expired&q=zq", "label.team=payments", "label.plan=free&label.region=eu&sort=-last_used_at", "label.team=none", "uncapped=true", "idle_for=7d", "expiring_within=7d",
		"origin=file", "status=disabled&label.plan=pro&q=no",
	} {
		s.quick("/api/v1/keys?" + query)
	}
	day := func(ago int) string { return time.Now().AddDate(0, 0, -ago).UTC().Format(time.RFC3339) }
	key := "checkout-prod"
	for _, query := range []string{
		"", "key=" + key, "status=429", "status=5", "status=401", "model=gpt-5", "model=gpt-4-32k", "model=none", "outcome=refused", "outcome=cut", "outcome=aborted",
		"code=budget_exceeded", "code=model_not_found", "code=none", "provider=mistral", "label.team=legal", "label.team=none", "outcome=failed&provider=mistral",
		"from=" + day(20) + "&to=" + day(19), "outcome=refused&from=" + day(20) + "&to=" + day(19), "key=" + key + "&to=" + day(25),
	} {
		s.quick("/api/v1/requests?" + query)
	}
	month := "from=" + day(30) + "&"
	for _, query := range []string{
		"group_by=key&limit=50", month, month + "group_by=model", month + "group_by=provider", month + "group_by=day", month + "group_by=hour", month + "group_by=day,model",
		month + "model=gpt-5&group_by=day", month + "key=" + key + "&group_by=day", month + "key=" + key + "&group_by=hour",
	} {
		s.quick("/api/v1/usage?" + query)
	}
	s.quick("/api/v1/overview")
}

// admits compares how long requests of ten keys take with those of a program that has no
// others. What requests of ever other keys take is only told: each of them waits for the disk,
// as nobody knows yet that the key is busy.
func (s *scene) admits(n int, few *scene) {
	s.t.Helper()
	ask := func(of *scene, i int) time.Duration {
		a := of.say("fast", nthSecret(i), false, 10)
		if a.err != nil || a.status != http.StatusOK {
			s.t.Fatalf("key %d: %d %s, %v", i, a.status, a.body, a.err)
		}
		return a.received.Sub(a.sent)
	}
	const rounds, keys = 3000, 10
	var many, ten, others []time.Duration
	for i := range rounds { // in turn, so that what else the machine does is the same for both
		many, ten = append(many, ask(s, i%keys*(n/keys))), append(ten, ask(few, i%keys))
	}
	for i := range rounds {
		others = append(others, ask(s, i*(n/rounds)+n/rounds/2))
	}
	for _, all := range [][]time.Duration{many, ten, others} {
		slices.Sort(all)
	}
	for _, percent := range []int{50, 90, 99} {
		at := rounds * percent / 100
		s.t.Logf("p%d of a request with its answer: %v of ten of the keys, %v where there are only ten, %v of ever other keys",
			percent, many[at].Round(time.Microsecond), ten[at].Round(time.Microsecond), others[at].Round(time.Microsecond))
	}
	if a, b := many[rounds/2], ten[rounds/2]; a > b+b/4 {
		s.t.Errorf("half of the requests take %v, with ten keys %v", a, b)
	}
}

// edits changes keys among the many.
func (s *scene) edits(n int) {
	s.t.Helper()
	var page struct{ Keys []key }
	s.call("GET", fmt.Sprintf("/api/v1/keys?q=customer+%d+of", n/3), "", &page)
	if len(page.Keys) != 1 {
		s.t.Fatalf("%d keys", len(page.Keys))
	}
	id, i := page.Keys[0].ID, 0
	took := median(7, func() {
		i++
		s.call("PATCH", "/api/v1/keys/"+id, fmt.Sprintf(`{"labels": {"round": "%d"}}`, i), nil)
	})
	made := median(7, func() {
		i++
		s.create(fmt.Sprint("new ", i), `[{"kind": "cost", "amount": "1.00"}]`)
	})
	s.t.Logf("a key is edited within %v and made within %v", took.Round(100*time.Microsecond), made.Round(100*time.Microsecond))
}
