package sqlite_test

import (
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

var sample = flag.Bool("sample", false, "write a sample of the database as this version makes it into testdata/released")

// released are samples of databases, named by how many migrations they had seen. Each is opened with
// all migrations after it, and must hold what fill has put into it.
const released = "testdata/released"

var sampleTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// fill puts something into every table.
func fill(s store.Store, put func(error)) {
	put(s.Update(context.Background(), func(tx store.Tx) error {
		e := &audit.Event{At: sampleTime, Actor: actor.Actor{Kind: actor.System}, Action: "key.create", Outcome: audit.Done}
		return errors.Join(
			tx.Keys().Put(&vkey.Key{
				ID: "key_1", Name: "checkout", Origin: vkey.Managed, CreatedAt: sampleTime, Labels: map[string]string{"team": "payments"},
				Limits:  []*budget.Limit{{ID: "lim_1", Kind: budget.Cost, Amount: 7}},
				Secrets: []vkey.Secret{{ID: "sec_1", Digest: vkey.Hash("1"), LastUsedAt: sampleTime}},
			}),
			tx.Limits().Put(&store.SharedLimit{Name: "all", Limit: budget.Limit{ID: "lim_2", Kind: budget.Requests, Amount: 8}}),
			tx.Tokens().Put(&store.Token{ID: "adm_1", Name: "owner", Role: actor.Owner, Digest: vkey.Hash("t")}),
			tx.Credentials().Put(&store.Credential{ID: "crd_1", Name: "openai", Sealed: []byte("sealed")}),
			tx.Events().Append(e),
			tx.Answers().Put("k", &store.Answer{Body: []byte("answer"), At: sampleTime}),
			tx.Settings().Put("s", []byte("value")),
		)
	}))
	put(s.Journal().Append(context.Background(), []ledger.Record{{Seq: 1, Bytes: []byte("record 1")}}, true))
	put(s.Journal().SaveCheckpoint(context.Background(), []byte("checkpoint")))
	put(s.Requests().Append(context.Background(), []record.Request{{
		ID: "r", At: sampleTime, Key: "key_1", Labels: map[string]string{"team": "payments"}, Cost: 9, Tokens: record.Tokens{Input: 3}, Duration: time.Second,
		Attempts: []record.Attempt{{Model: "gpt-5"}},
	}}))
}

// check tells whether all of it is there.
func check(t *testing.T, s store.Store) {
	t.Helper()
	want := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	err := s.View(t.Context(), func(tx store.Tx) error {
		found, _, err1 := tx.Keys().List(store.KeyQuery{Text: "check", Label: map[string]string{"team": "payments"}})
		want("keys", len(found), 1)
		k, err2 := tx.Keys().Holding(vkey.Hash("1"))
		l, err3 := tx.Limits().Get("lim_2")
		a, err4 := tx.Tokens().Get("adm_1")
		c, err5 := tx.Credentials().Named("openai")
		e, err6 := tx.Events().Get(1)
		answer, err7 := tx.Answers().Get("k", sampleTime)
		v, err8 := tx.Settings().Get("s")
		if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
			return err
		}
		want("key", []any{k.Name, k.Limits[0].Amount, k.Secrets[0].LastUsedAt, k.Version}, []any{"checkout", 7, sampleTime, 1})
		want("others", []any{l.Limit.Amount, a.Role, string(c.Sealed), string(answer.Body), string(v)}, []any{8, actor.Owner, "sealed", "answer", "value"})
		return audit.NewVerifier(audit.Mark{}, audit.Mark{}).Next(e)
	})
	want("transaction", err, nil)
	want("ledger", count(t, s, 1), 1)
	checkpoints, err := s.Journal().Checkpoints(t.Context())
	want("checkpoints", fmt.Sprintf("%s %v", checkpoints, err), "[checkpoint] <nil>")
	r, err := s.Requests().Get(t.Context(), "r")
	want("request", err, nil)
	if err == nil {
		want("request", []any{r.At, r.Cost, r.Tokens.Input, r.Duration, r.Attempts[0].Model}, []any{sampleTime, r.Cost, 3, time.Second, "gpt-5"})
	}
	sums, err := s.Requests().Sums(t.Context(), record.SumQuery{By: []record.Grouping{"label.team"}})
	want("sums", fmt.Sprint(len(sums), err, sums[0].Group, int64(sums[0].Cost)), fmt.Sprint(1, nil, map[string]string{"label.team": "payments"}, 9))
}

func TestEarlierVersions(t *testing.T) {
	if *sample {
		writeSample(t)
	}
	mains, _ := filepath.Glob(released + "/*-main.db.gz")
	if len(mains) == 0 {
		t.Fatal("there are no samples")
	}
	for _, path := range mains {
		t.Run(filepath.Base(path), func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, path, dir+"/tollgate.db")
			unpack(t, path[:len(path)-len("main.db.gz")]+"requests.db.gz", dir+"/requests.db")
			s := reopen(t, sqlite.Options{Dir: dir, Check: true})
			check(t, s)
			setting(t, s, "new", "x") // and it can be used
		})
	}
}

// writeSample adds the sample of this version.
func writeSample(t *testing.T) {
	s := reopen(t, sqlite.Options{Dir: t.TempDir()})
	fill(s, func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	})
	dir := t.TempDir()
	if err := s.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	steps, _ := filepath.Glob("migrations/main/*.sql")
	more, _ := filepath.Glob("migrations/requests/*.sql")
	name := fmt.Sprintf("%s/%02d", released, len(steps)+len(more)-1)
	for from, to := range map[string]string{"tollgate.db": "-main.db.gz", "requests.db": "-requests.db.gz"} {
		pack(t, filepath.Join(dir, from), name+to)
	}
}

func pack(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, err = z.Write(text)
	if err = errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What an earlier version noted in the path of a difference only is found by the key as well.
func TestEarlierAdjustmentsAreFoundByTheirKey(t *testing.T) {
	dir := t.TempDir()
	unpack(t, released+"/03-main.db.gz", dir+"/tollgate.db")
	unpack(t, released+"/03-requests.db.gz", dir+"/requests.db")
	db, err := sql.Open("sqlite", dir+"/tollgate.db")
	if err != nil {
		t.Fatal(err)
	}
	var last []byte
	if err := db.QueryRow("SELECT line FROM events ORDER BY seq DESC LIMIT 1").Scan(&last); err != nil {
		t.Fatal(err)
	}
	tip, err := audit.Decode(last)
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range []string{"spent.key_7", "spent", "spent.key_8"} { // the second is of a pool
		e := &audit.Event{
			Seq: uint64(i + 2), At: sampleTime, Actor: actor.Actor{Kind: actor.System}, Action: "limit.adjust", Target: audit.Target{Kind: "limit", ID: "lim_1"},
			Outcome: audit.Done, Diff: []audit.Field{{Path: path, Before: `"0.00"`, After: `"1.00"`}},
		}
		audit.Seal(e, tip.Hash)
		tip = e
		text, err := audit.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("INSERT INTO events (seq, at, actor_id, actor_name, action, target_kind, target_id, outcome, line) VALUES (?, 0, '', '', 'limit.adjust', 'limit', 'lim_1', 'done', ?)",
			e.Seq, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, sqlite.Options{Dir: dir, Check: true})
	v := audit.NewVerifier(audit.Mark{}, tip.Mark())
	err = s.View(t.Context(), func(tx store.Tx) error {
		found, _, err := tx.Events().List(audit.Query{Related: "key_7"})
		if err == nil && (len(found) != 1 || found[0].Seq != 2) {
			t.Errorf("found %v", found)
		}
		return errors.Join(err, tx.Events().Each(1, v.Next), v.End())
	})
	if err != nil {
		t.Error(err)
	}
}
