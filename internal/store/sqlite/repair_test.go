package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vkey"
)

const many = 160

// furnish fills a database so that each of its tables has several pages.
func furnish(t *testing.T, dir string) {
	t.Helper()
	s := reopen(t, sqlite.Options{Dir: dir})
	long := strings.Repeat("long ", 60)
	err := s.Update(t.Context(), func(tx store.Tx) error {
		for i := range many {
			name := fmt.Sprintf("%03d", i)
			err := errors.Join(
				tx.Keys().Put(&vkey.Key{
					ID: "key_" + name, Name: "name " + name, Origin: vkey.Managed, CreatedAt: sampleTime, Reason: long, Labels: map[string]string{"team": "payments"},
					Limits: []*budget.Limit{{ID: "lim_k" + name, Kind: budget.Cost, Amount: 7}}, Secrets: []vkey.Secret{{ID: "sec_" + name, Digest: vkey.Hash(name)}},
				}),
				tx.Limits().Put(&store.SharedLimit{Name: "limit " + name, Limit: budget.Limit{ID: "lim_" + name, Kind: budget.Requests, Amount: 8, Match: map[string]string{"x": long}}}),
				tx.Tokens().Put(&store.Token{ID: "adm_" + name, Name: "token " + name, Role: actor.Owner, Digest: vkey.Hash("t" + name), CreatedBy: long}),
				tx.Credentials().Put(&store.Credential{ID: "crd_" + name, Name: "credential " + name, Sealed: []byte(long)}),
				tx.Events().Append(&audit.Event{At: sampleTime, Actor: actor.Actor{Kind: actor.System}, Action: "key.create", Outcome: audit.Done, Reason: long}),
				tx.Answers().Put(name, &store.Answer{Body: []byte(long), At: sampleTime}),
				tx.Settings().Put(name, []byte(long)),
			)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var rows []ledger.Record
	for i := range many {
		rows = append(rows, ledger.Record{Seq: uint64(i) + 1, Bytes: bytes.Repeat([]byte{byte(i)}, 300)})
	}
	if err := s.Journal().Append(t.Context(), rows, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().SaveCheckpoint(t.Context(), []byte("checkpoint")); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		var all []record.Request
		for j := range 50 {
			all = append(all, record.Request{ID: fmt.Sprintf("r%d-%d", i, j), At: sampleTime.Add(time.Duration(i) * time.Hour), Key: fmt.Sprintf("key_%03d", j), Name: long, Cost: 1})
		}
		if err := s.Requests().Append(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// pagesOf gives the leaf pages of a table, by their numbers.
func pagesOf(t *testing.T, path, table string) (pages []int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, n)
	}
	return pages
}

// damagePage spoils the beginning of a page.
func damagePage(t *testing.T, path string, page int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		text[(page-1)*4096+i] ^= 0x5a
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// census counts what a database has.
func census(t *testing.T, s *sqlite.Store) map[string]int {
	t.Helper()
	n := map[string]int{}
	if err := s.Journal().Scan(t.Context(), 1, func(ledger.Record) error { n["ledger"]++; return nil }); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), func(tx store.Tx) error {
		err := tx.Keys().Each(func(k *vkey.Key) error {
			n["keys"]++
			found, err := tx.Keys().Holding(k.Secrets[0].Digest)
			if err != nil || found.ID != k.ID {
				return fmt.Errorf("the secret of %s is not found: %w", k.ID, err)
			}
			return nil
		})
		searched, err1 := tx.Keys().Count(store.KeyQuery{Text: "name "})
		labelled, err2 := tx.Keys().Count(store.KeyQuery{Label: map[string]string{"team": "payments"}})
		counted, err3 := tx.Keys().Count(store.KeyQuery{})
		if int(searched) != n["keys"] || int(labelled) != n["keys"] || int(counted) != n["keys"] {
			t.Errorf("of %d keys %d are found by their text, %d by a label, %d are counted", n["keys"], searched, labelled, counted)
		}
		limits, err4 := tx.Limits().List()
		tokens, err5 := tx.Tokens().List()
		credentials, err6 := tx.Credentials().List()
		n["limits"], n["tokens"], n["credentials"] = len(limits), len(tokens), len(credentials)
		err7 := tx.Events().Each(1, func(*audit.Event) error { n["events"]++; return nil })
		for i := range many {
			if _, err := tx.Settings().Get(fmt.Sprintf("%03d", i)); err == nil {
				n["settings"]++
			}
			if _, err := tx.Answers().Get(fmt.Sprintf("%03d", i), sampleTime); err == nil {
				n["answers"]++
			}
		}
		return errors.Join(err, err1, err2, err3, err4, err5, err6, err7)
	})
	if err != nil {
		t.Fatal(err)
	}
	sums, err := s.Requests().Sums(t.Context(), record.SumQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sums) > 0 {
		n["sums"] = int(sums[0].Requests)
	}
	for q := (record.Query{Max: 200}); ; {
		rows, next, err := s.Requests().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		n["requests"] += len(rows)
		if q.Cursor = next; next == "" {
			return n
		}
	}
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestRepairPages spoils a page of each table: a start refuses, a repair saves everything else and
// says what is lost.
func TestRepairPages(t *testing.T) {
	whole := t.TempDir()
	furnish(t, whole)
	before := census(t, reopen(t, sqlite.Options{Dir: copyDir(t, whole)}))
	for _, c := range []struct{ file, table, counts string }{
		{"tollgate.db", "keys", "keys"}, {"tollgate.db", "keys_name", ""}, {"tollgate.db", "key_secrets", ""}, {"tollgate.db", "key_labels", ""},
		{"tollgate.db", "key_text_data", ""}, {"tollgate.db", "limits", "limits"}, {"tollgate.db", "tokens", "tokens"}, {"tollgate.db", "credentials", "credentials"},
		{"tollgate.db", "events", "events"}, {"tollgate.db", "answers", "answers"}, {"tollgate.db", "settings", "settings"}, {"tollgate.db", "ledger", "ledger"},
		{"requests.db", "requests_20261122", "requests"}, {"requests.db", "sums_hour", "sums"}, {"requests.db", "totals_hour", "sums"},
	} {
		for _, place := range []string{"first", "middle", "last"} {
			if place != "middle" && (c.counts == "" || testing.Short()) {
				continue // an index is made anew wherever it is damaged
			}
			t.Run(c.table+"/"+place, func(t *testing.T) {
				dir := copyDir(t, whole)
				path := filepath.Join(dir, c.file)
				pages := pagesOf(t, path, c.table)
				if len(pages) == 0 {
					t.Skip("all of it is in one page that is no leaf")
				}
				damagePage(t, path, pages[map[string]int{"first": 0, "middle": len(pages) / 2, "last": len(pages) - 1}[place]])
				if _, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir}); !errors.Is(err, sqlite.ErrCorrupt) {
					t.Fatalf("a start says %v", err)
				}
				s := reopen(t, sqlite.Options{Dir: dir, Repair: true})
				said := strings.Join(s.Repaired(), "\n")
				after := census(t, s)
				for what, n := range before {
					switch {
					case what != c.counts && after[what] != n && !(c.file == "requests.db" && what == "sums"):
						t.Errorf("%d of %s are left of %d", after[what], what, n)
					case what == c.counts && after[what] > n || after[what] < n/4 && len(pages) > 3:
						t.Errorf("%d of %s are left of %d", after[what], what, n)
					case what == c.counts && after[what] < n && !strings.Contains(said, c.table):
						t.Errorf("it does not say that rows of %s are lost:\n%s", c.table, said)
					}
				}
				if c.table == "limits" {
					standsIn(t, s, "", "shared limits (lost)", budget.Requests)
				}
				if old, _ := filepath.Glob(path + ".damaged-*"); len(old) == 0 || !strings.Contains(said, old[0]) {
					t.Errorf("the damaged file is kept as %v:\n%s", old, said)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				again := reopen(t, sqlite.Options{Dir: dir, Check: true})
				if len(again.Repaired()) > 0 || census(t, again)["keys"] != after["keys"] {
					t.Errorf("the next start finds %v", again.Repaired())
				}
			})
		}
	}
}

// TestRepairRows spoils a row of each table whose rows have checksums.
func TestRepairRows(t *testing.T) {
	whole := t.TempDir()
	furnish(t, whole)
	for table, id := range map[string]string{"keys": "key_007", "limits": "lim_007", "tokens": "adm_007", "credentials": "crd_007"} {
		t.Run(table, func(t *testing.T) {
			dir := copyDir(t, whole)
			db, err := sql.Open("sqlite", filepath.Join(dir, "tollgate.db"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec("UPDATE "+table+" SET doc = replace(doc, 'long', 'lung') WHERE id = ?", id); err != nil {
				t.Fatal(err)
			}
			if table == "credentials" { // whose text is in another form
				if _, err := db.Exec("UPDATE credentials SET doc = replace(doc, 'sealed', 'sealod') WHERE id = ?", id); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			s := reopen(t, sqlite.Options{Dir: dir, Repair: true})
			if said := s.Repaired(); len(said) != 1 || !strings.Contains(said[0], id) || !strings.Contains(said[0], "007") {
				t.Errorf("it says %q", said)
			}
			after := census(t, s)
			for _, what := range []string{"keys", "limits", "tokens", "credentials"} {
				want := many
				if what == table && table != "limits" { // in whose place is another
					want--
				}
				if after[what] != want {
					t.Errorf("%d %s are left, want %d", after[what], what, want)
				}
			}
			if table == "limits" {
				standsIn(t, s, id, "limit 007", budget.Requests)
			}
			if table == "keys" {
				err := s.View(t.Context(), func(tx store.Tx) error { _, err := tx.Keys().Holding(vkey.Hash("007")); return err })
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the secret of a key that was set aside: %v", err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if again := reopen(t, sqlite.Options{Dir: dir, Repair: true}); len(again.Repaired()) > 0 {
				t.Errorf("a second repair finds %v", again.Repaired())
			}
		})
	}
}

// standsIn checks that a limit stops every key.
func standsIn(t *testing.T, s *sqlite.Store, id, name string, kind budget.Kind) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Limits().List()
		for _, l := range all {
			if l.Limit.Amount == 0 {
				if id != "" && l.Limit.ID != id || l.Name != name || l.Limit.Kind != kind || l.Limit.Match != nil || l.Limit.Models != nil || l.Limit.Validate() != nil {
					t.Errorf("in its place is %+v", l)
				}
				return err
			}
		}
		t.Error("nothing is in its place")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRepairLimits has shared limits that say something else than was written: what is left of them
// stops every key, and counts what the limit had counted if that is known.
func TestRepairLimits(t *testing.T) {
	for _, c := range []struct {
		change string // of the text of the row
		id     string // of what is in its place, "" for any
		name   string
		kind   budget.Kind
		origin vkey.Origin
	}{
		{"replace(doc, '500', '900')", "lim_team", "team", budget.Cost, vkey.Managed},
		{"replace(doc, 'payments', 'paymentr')", "lim_team", "team", budget.Cost, vkey.Managed},
		{"replace(doc, 'managed', 'file')", "lim_team", "team", budget.Cost, vkey.Declared},
		{"replace(doc, 'managed', 'nobody')", "lim_team", "team", budget.Cost, vkey.Managed},
		{"replace(doc, 'lim_team', 'lim_tean')", "", "team (lost)", budget.Requests, vkey.Managed},
		{"replace(doc, '\"cost\"', '\"cosu\"')", "", "team (lost)", budget.Requests, vkey.Managed},
		{"replace(doc, '{', '(')", "", "team (lost)", budget.Requests, vkey.Managed},
		{"'short'", "", "team (lost)", budget.Requests, vkey.Managed},
	} {
		dir := t.TempDir()
		s := reopen(t, sqlite.Options{Dir: dir})
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			return tx.Limits().Put(&store.SharedLimit{Name: "team", Origin: vkey.Managed, Limit: budget.Limit{
				ID: "lim_team", Kind: budget.Cost, Amount: 500, Per: budget.Pool, Match: map[string]string{"team": "payments"},
			}})
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", filepath.Join(dir, "tollgate.db"))
		if err == nil {
			_, err = db.Exec("UPDATE limits SET doc = " + c.change)
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		s = reopen(t, sqlite.Options{Dir: dir, Repair: true})
		standsIn(t, s, c.id, c.name, c.kind)
		if said := strings.Join(s.Repaired(), "\n"); !strings.Contains(said, "admits no request") || !strings.Contains(said, "lim_team") {
			t.Errorf("%s: it says %s", c.change, said)
		}
		if err := s.View(t.Context(), func(tx store.Tx) error {
			all, err := tx.Limits().List()
			if len(all) != 1 || all[0].Origin != c.origin {
				t.Errorf("%s: %d limits, the first of origin %v", c.change, len(all), all[0].Origin)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRepairNothing leaves a database alone that is whole, and makes one where there is none.
func TestRepairNothing(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir, Repair: true})
	setting(t, s, "a", "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, sqlite.Options{Dir: dir, Repair: true})
	if len(s.Repaired()) > 0 || settingOf(t, s, "a") != "b" {
		t.Errorf("it says %v", s.Repaired())
	}
}

// TestRepairGivesUp leaves a file alone that does not even say what is in it.
func TestRepairGivesUp(t *testing.T) {
	dir := t.TempDir()
	furnish(t, dir)
	path := filepath.Join(dir, "tollgate.db")
	damagePage(t, path, 1)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Repair: true})
	if err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("it says %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
}
