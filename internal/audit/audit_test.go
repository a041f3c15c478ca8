package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/actor"
	"tollgate/internal/audit"
)

// trail makes n sealed events, no two alike and with all that a field can hold.
func trail(n int) []*audit.Event {
	var all []*audit.Event
	var tip audit.Mark
	for i := range n {
		e := &audit.Event{
			Seq: tip.Seq + 1, At: time.Date(2026, 11, 21, 12, 0, i, 1000*i, time.FixedZone("", 3600)),
			Actor:  actor.Actor{Kind: actor.Token, ID: fmt.Sprint("adm_", i), Name: "Zoë \"<&>\" \u2028", Role: actor.Role(i % 5), From: "::1"},
			Action: "key.create", Target: audit.Target{Kind: "key", ID: "key_1", Name: "a\tb\x01\\"}, Outcome: audit.Done,
			Reason: strings.Repeat("because ", i), RequestID: "r",
		}
		if i%4 == 1 {
			e.Target.KeyID = fmt.Sprint("key_", i)
		}
		for j := range i % 3 {
			e.Diff = append(e.Diff, audit.Field{Path: fmt.Sprint("p", j), Before: "", After: `{"x":1}`})
		}
		audit.Seal(e, tip.Hash)
		tip = e.Mark()
		all = append(all, e)
	}
	return all
}

// lines writes events as they are kept.
func lines(t *testing.T, all []*audit.Event) [][]byte {
	t.Helper()
	var out [][]byte
	for _, e := range all {
		text, err := audit.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}

// verify reads a whole trail that must reach mark.
func verify(lines [][]byte, mark audit.Mark) error {
	v := audit.NewVerifier(audit.Mark{}, mark)
	for _, text := range lines {
		e, err := audit.Decode(text)
		if err != nil {
			return err
		}
		if err := v.Next(e); err != nil {
			return err
		}
	}
	return v.End()
}

func TestLinesKeepEvents(t *testing.T) {
	all := trail(7)
	for i, text := range lines(t, all) {
		if got, err := audit.Decode(text); err != nil || !reflect.DeepEqual(got, all[i]) {
			t.Errorf("read %+v, %v\nwrote %+v", got, err, all[i])
		}
	}
	if err := verify(lines(t, all), all[6].Mark()); err != nil {
		t.Error(err)
	}
	if err := verify(lines(t, all), all[3].Mark()); err != nil {
		t.Errorf("a trail that went on since its mark was noted: %v", err)
	}
}

func TestSealTakesOnlyWhatALineKeeps(t *testing.T) {
	e := &audit.Event{Seq: 1, At: time.Now(), Reason: "bad \xff text"}
	audit.Seal(e, audit.Hash{})
	if err := verify(lines(t, []*audit.Event{e}), e.Mark()); err != nil {
		t.Error(err)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	all := trail(3)
	whole := lines(t, all)
	for n, text := range whole {
		for i := range text {
			for _, bit := range []int{i % 5, 5} { // the fifth turns small letters into capitals
				bad := slices.Clone(whole)
				bad[n] = bytes.Clone(text)
				bad[n][i] ^= 1 << bit
				if err := verify(bad, all[2].Mark()); err == nil {
					t.Fatalf("bit %d of byte %d (%q became %q) was not noticed", bit, i, text[i], bad[n][i])
				}
			}
			if _, err := audit.Decode(text[:i]); !errors.Is(err, audit.ErrAltered) {
				t.Fatalf("cut after %d bytes: %v", i, err)
			}
		}
	}
}

func TestEveryFieldIsSealed(t *testing.T) {
	e := trail(3)[2]
	previous := *e
	check := func(name string, change func(*audit.Event)) {
		changed := *e
		changed.Diff = append([]audit.Field(nil), e.Diff...)
		change(&changed)
		v := audit.NewVerifier(audit.Mark{Seq: previous.Seq - 1, Hash: previous.Previous}, audit.Mark{})
		if err := v.Next(&changed); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("changed %s: %v", name, err)
		}
	}
	check("nothing but the hash", func(e *audit.Event) { e.Hash[5]++ })
	check("previous", func(e *audit.Event) { e.Previous[5]++ })
	check("time", func(e *audit.Event) { e.At = e.At.Add(1) })
	check("role", func(e *audit.Event) { e.Actor.Role = actor.Owner })
	check("less diff", func(e *audit.Event) { e.Diff = e.Diff[:1] })
	check("a key that was not there", func(e *audit.Event) { e.Target.KeyID = "key_9" })
	// Text that moves from one field to the next.
	check("border", func(e *audit.Event) { e.Actor.ID, e.Actor.Name = e.Actor.ID+e.Actor.Name[:1], e.Actor.Name[1:] })
	for name, p := range map[string]func(*audit.Event) *string{
		"kind": func(e *audit.Event) *string { return (*string)(&e.Actor.Kind) }, "actor": func(e *audit.Event) *string { return &e.Actor.ID },
		"name": func(e *audit.Event) *string { return &e.Actor.Name }, "from": func(e *audit.Event) *string { return &e.Actor.From },
		"action": func(e *audit.Event) *string { return &e.Action }, "target kind": func(e *audit.Event) *string { return &e.Target.Kind },
		"target": func(e *audit.Event) *string { return &e.Target.ID }, "target name": func(e *audit.Event) *string { return &e.Target.Name },
		"outcome": func(e *audit.Event) *string { return (*string)(&e.Outcome) }, "reason": func(e *audit.Event) *string { return &e.Reason },
		"request": func(e *audit.Event) *string { return &e.RequestID }, "path": func(e *audit.Event) *string { return &e.Diff[1].Path },
		"before": func(e *audit.Event) *string { return &e.Diff[1].Before }, "after": func(e *audit.Event) *string { return &e.Diff[1].After },
	} {
		check(name, func(e *audit.Event) { *p(e) += "x" })
	}
}

func TestTamperedTrails(t *testing.T) {
	all := trail(6)
	mark := all[5].Mark()
	renumbered := func() []*audit.Event {
		var out []*audit.Event
		for i, e := range append(append([]*audit.Event(nil), all[:2]...), all[3:]...) {
			c := *e
			c.Seq = uint64(i + 1)
			out = append(out, &c)
		}
		return out
	}
	resealed := func() []*audit.Event { // somebody who knows how to make hashes
		var tip audit.Mark
		out := renumbered()
		for _, e := range out {
			audit.Seal(e, tip.Hash)
			tip = e.Mark()
		}
		return append(out, func() *audit.Event {
			e := &audit.Event{Seq: 6}
			audit.Seal(e, tip.Hash)
			return e
		}())
	}
	for _, c := range []struct {
		name string
		rows []*audit.Event
		want error
	}{
		{"dropped", append(append([]*audit.Event(nil), all[:2]...), all[3:]...), audit.ErrGap},
		{"first dropped", all[1:], audit.ErrGap},
		{"twice", append(append([]*audit.Event(nil), all[:3]...), all[2:]...), audit.ErrGap},
		{"swapped", []*audit.Event{all[0], all[2], all[1], all[3], all[4], all[5]}, audit.ErrGap},
		{"renumbered", renumbered(), audit.ErrAltered},
		{"written anew", resealed(), audit.ErrAltered},
		{"cut", all[:5], audit.ErrTruncated},
		{"empty", nil, audit.ErrTruncated},
		{"untouched", all, nil},
	} {
		if err := verify(lines(t, c.rows), mark); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestPartOfATrail(t *testing.T) {
	all := trail(6)
	v := audit.NewVerifier(all[2].Mark(), all[5].Mark())
	for _, e := range all[3:] {
		if err := v.Next(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.End(); err != nil || v.Tip() != all[5].Mark() {
		t.Error(v.Tip(), err)
	}
}

func TestLineIsReadable(t *testing.T) {
	e := &audit.Event{
		Seq: 1, At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Actor: actor.Actor{Kind: actor.System, Name: "tollgate"},
		Action: "ledger.repair", Target: audit.Target{Kind: "ledger"}, Outcome: audit.Done,
	}
	audit.Seal(e, audit.Hash{})
	const want = `{"action":"ledger.repair","actor":{"kind":"system","name":"tollgate","role":"none"},"at":"2026-11-21T12:00:00Z",` +
		`"hash":"c7f3f8","outcome":"done","previous":"0000","seq":1,"target":{"kind":"ledger"}}`
	text, err := audit.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.ReplaceAll(string(text), e.Hash.String(), "c7f3f8"), e.Previous.String(), "0000")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Old trails must stay good: what is hashed is fixed.
	if got, want := e.Hash.String(), "2c6359e3a96080e7024d2405c4f20d17a94ae98694c83133f73cf912890f71ea"; got != want {
		t.Errorf("the hash became %s, it was %s", got, want)
	}
}

func TestTheKeyOfATargetIsSealed(t *testing.T) {
	event := func() *audit.Event {
		return &audit.Event{
			Seq: 1, At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Actor: actor.Actor{Kind: actor.Token, Name: "ops"},
			Action: "limit.adjust", Target: audit.Target{Kind: "limit", ID: "lim_1", KeyID: "key_1"}, Outcome: audit.Done,
		}
	}
	e := event()
	audit.Seal(e, audit.Hash{})
	text := string(lines(t, []*audit.Event{e})[0])
	if !strings.Contains(text, `"target":{"id":"lim_1","key_id":"key_1","kind":"limit"}`) {
		t.Errorf("got %s", text)
	}
	if got, want := e.Hash.String(), "c3ec92076bfa94bc53dbb9806fb675c313df3310b2779d10087576c547b6f3e0"; got != want {
		t.Errorf("the hash became %s, it was %s", got, want)
	}
	for what, change := range map[string]func(*audit.Target){
		"taken out": func(to *audit.Target) { to.KeyID = "" }, "another": func(to *audit.Target) { to.KeyID = "key_2" },
		"moved from the name": func(to *audit.Target) { to.Name, to.KeyID = "key_1", "" }, "moved to the name": func(to *audit.Target) { to.Name, to.KeyID = "k", "ey_1" },
	} {
		changed := *e
		change(&changed.Target)
		if err := audit.NewVerifier(audit.Mark{}, audit.Mark{}).Next(&changed); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range trail(3) {
		text, err := audit.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := audit.Decode(text)
		if err != nil {
			return
		}
		if again, err := audit.Encode(e); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q was read, but is written %q, %v", text, again, err)
		}
	})
}
