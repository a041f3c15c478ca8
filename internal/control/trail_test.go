package control_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/control"
	"tollgate/internal/ledger"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

func TestEventsAreFound(t *testing.T) {
	e := newEstate(t, nil)
	made := e.token("ci", "admin", nil)
	_, err := e.MakeToken(t.Context(), admins, admin.AdminTokenInput{Name: "no", Role: "admin"})
	refused(t, err, control.Forbidden, "owner_needed")
	e.pass(time.Minute)
	e.credential("main")
	seqs := func(f admin.EventFilter) (all []uint64) {
		t.Helper()
		f.Limit = 1
		for {
			page := must[*admin.EventList](t)(e.Events(t.Context(), root, f))
			for _, ev := range page.Events {
				if ev.Action != "audit.export" {
					all = append(all, ev.ID)
				}
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				return all
			}
		}
	}
	for name, c := range map[string]struct {
		f    admin.EventFilter
		want []uint64
	}{
		"all":       {admin.EventFilter{}, []uint64{3, 2, 1}},
		"refused":   {admin.EventFilter{Outcome: "refused"}, []uint64{2}},
		"by action": {admin.EventFilter{Action: "credential.create"}, []uint64{3}},
		"by kind":   {admin.EventFilter{Kind: "admin_token"}, []uint64{2, 1}},
		"by target": {admin.EventFilter{Target: made.Token.ID}, []uint64{1}},
		"by actor":  {admin.EventFilter{Actor: "adm_2"}, []uint64{2}},
		"by name":   {admin.EventFilter{Actor: "alice"}, []uint64{2}},
		"from":      {admin.EventFilter{From: noon.Add(time.Second)}, []uint64{3}},
		"to":        {admin.EventFilter{To: noon.Add(time.Minute)}, []uint64{2, 1}},
	} {
		if got := seqs(c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		var exported []uint64
		err := e.EachEvent(t.Context(), root, c.f, func(ev *admin.Event) error {
			if ev.Action != "audit.export" {
				exported = append(exported, ev.ID)
			}
			return nil
		})
		slices.Reverse(exported)
		if err != nil || !slices.Equal(exported, c.want) {
			t.Errorf("%s: exported %v, want %v: %v", name, exported, c.want, err)
		}
	}
	ev := must[*admin.EventList](t)(e.Events(t.Context(), root, admin.EventFilter{Target: made.Token.ID})).Events[0]
	if ev.Actor.Role != "owner" || ev.Actor.Name != "root" || ev.RequestID != "req-1" || len(ev.Hash) != 64 || len(ev.Diff) == 0 || string(ev.Diff[0].After) != `"`+made.Token.Last4+`"` || ev.Diff[0].Before != nil {
		t.Errorf("event %+v", ev)
	}
	_, err = e.Events(t.Context(), root, admin.EventFilter{Outcome: "refsued", Limit: 300, From: noon, To: noon})
	refused(t, err, control.Invalid, "invalid", "(refused)", "limit: ", "from: ")
	_, err = e.Events(t.Context(), root, admin.EventFilter{Cursor: "nonsense"})
	refused(t, err, control.Invalid, "bad_cursor")
}

func TestAnExportIsOnRecordAndInOrder(t *testing.T) {
	e := newEstate(t, nil)
	err := e.house.store.Update(t.Context(), func(tx store.Tx) error {
		for i := range 1203 { // more than is read at once
			if err := tx.Events().Append(&audit.Event{At: noon, Action: "key.create", Target: audit.Target{Kind: "key", ID: fmt.Sprint(i)}, Outcome: audit.Done}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(1)
	err = e.EachEvent(t.Context(), root, admin.EventFilter{}, func(ev *admin.Event) error {
		if ev.ID != next {
			t.Fatalf("event %d comes where %d belongs", ev.ID, next)
		}
		next++
		return nil
	})
	if last := e.recorded("audit.export", audit.Done); err != nil || next != last.Seq+1 || last.Actor.Name != "root" {
		t.Errorf("exported up to %d of %d: %v", next-1, last.Seq, err)
	}
	enough := errors.New("enough")
	if err := e.EachEvent(t.Context(), root, admin.EventFilter{Kind: "key"}, func(*admin.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	e.down.Store(true)
	if err := e.EachEvent(t.Context(), root, admin.EventFilter{}, func(*admin.Event) error { t.Error("exported though it is not on record"); return nil }); err == nil {
		t.Error("no error")
	}
}

func TestTheTrailIsVerified(t *testing.T) {
	e := newEstate(t, nil)
	out := must[*admin.Verification](t)(e.VerifyAudit(t.Context(), root))
	if !out.OK || out.Events != 0 {
		t.Errorf("an empty trail: %+v", out)
	}
	e.token("a", "owner", nil)
	e.token("b", "owner", nil)
	e.token("c", "owner", nil)
	out = must[*admin.Verification](t)(e.VerifyAudit(t.Context(), root))
	if !out.OK || out.Events != 3 || out.Tip != e.last().Hash.String() {
		t.Errorf("a whole trail: %+v", out)
	}
	for problem, damage := range map[string]func([]*audit.Event) []*audit.Event{
		"altered": func(all []*audit.Event) []*audit.Event { all[1].Action = "nothing.happened"; return all },
		"gap":     func(all []*audit.Event) []*audit.Event { return slices.Delete(all, 1, 2) },
	} {
		e.parts.Store = forged{e.house.store, damage(e.events())}
		out := must[*admin.Verification](t)(control.New(e.parts).VerifyAudit(t.Context(), root))
		if out.OK || out.Problem != problem || out.Events != 1 || out.Message == "" {
			t.Errorf("%s: %+v", problem, out)
		}
	}
}

// forged is a database with another audit trail than was written.
type forged struct {
	store.Store
	events []*audit.Event
}

func (f forged) View(ctx context.Context, fn func(store.Tx) error) error {
	return f.Store.View(ctx, func(tx store.Tx) error { return fn(forgedTx{tx, f.events}) })
}

type forgedTx struct {
	store.Tx
	events []*audit.Event
}

func (tx forgedTx) Events() store.Events { return forgedEvents{tx.Tx.Events(), tx.events} }

type forgedEvents struct {
	store.Events
	all []*audit.Event
}

func (f forgedEvents) Each(_ uint64, fn func(*audit.Event) error) error {
	for _, e := range f.all {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func TestABackupIsOnRecord(t *testing.T) {
	e := newEstate(t, nil)
	made := e.token("ci", "owner", nil)
	path := filepath.Join(t.TempDir(), "tollgate.db")
	if err := e.Backup(t.Context(), root, path); err != nil {
		t.Fatal(err)
	}
	e.recorded("backup.create", audit.Done)
	if err := os.Rename(path, filepath.Join(filepath.Dir(path), "copy.db")); err != nil {
		t.Fatal(err)
	}
	copied, err := sqlite.Open(t.Context(), sqlite.Options{URL: "sqlite://" + filepath.Join(filepath.Dir(path), "copy.db"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}()
	e.parts.Store = copied
	again := control.New(e.parts)
	if _, ok := again.Authenticate(t.Context(), made.Secret); !ok {
		t.Error("the token is not in the copy")
	}
	if page := must[*admin.EventList](t)(again.Events(t.Context(), root, admin.EventFilter{})); page.Events[0].Action != "backup.create" {
		t.Errorf("the last event of the copy is %+v", page.Events[0])
	}
	if err := e.Backup(t.Context(), root, filepath.Join(path, "no", "such", "place")); err == nil {
		t.Error("a backup to nowhere succeeded")
	}
	e.recorded("backup.create", audit.Refused)
}

func TestTroubleOfTheDatabaseIsNamed(t *testing.T) {
	e := newEstate(t, nil)
	for code, trouble := range map[string]error{"storage_unavailable": fmt.Errorf("locked: %w", ledger.ErrUnavailable), "storage_full": full{}} {
		e.parts.Store = troubled{e.house.store, trouble}
		_, err := control.New(e.parts).MakeToken(t.Context(), root, admin.AdminTokenInput{Name: "a", Role: "admin"})
		refused(t, err, control.Unavailable, code, "nothing was changed")
	}
	e.down.Store(true)
	_, err := e.MakeToken(t.Context(), root, admin.AdminTokenInput{Name: "a", Role: "admin"})
	refused(t, err, control.Failed, "internal_error")
	if !errors.Is(err, errDown) {
		t.Errorf("the cause is lost: %v", err)
	}
}

type full struct{}

func (full) Error() string { return "disk full" }
func (full) StorageFull()  {}

type troubled struct {
	store.Store
	err error
}

func (s troubled) Update(context.Context, func(store.Tx) error) error { return s.err }
