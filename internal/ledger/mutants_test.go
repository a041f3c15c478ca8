package ledger_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a mistake somebody could make: one change of one file.
type mutant struct{ name, file, old, new string }

// mutants are deliberate mistakes in counting and keeping, each of which must fail a test of
// this package, of budget, or of the journal that it is in. A test suite is judged by what it catches.
var mutants = []mutant{
	{"reserved is not looked at", "budget/engine.go", "c.limit.Amount-(settled+reserved)", "c.limit.Amount-(settled+0*reserved)"},
	{"less instead of at most", "budget/engine.go", "fits := c.take <= c", "fits := c.take < c"},
	{"no limit is a limit of zero", "budget/engine.go", "fits := c.take <= c.limit.Amount-(settled+reserved)", "fits := c.limit.Amount == 0 || c.take <= c.limit.Amount-(settled+reserved)"},
	{"the last refusal is told, not the first", "budget/engine.go", "c.order < first.order", "c.order > first.order"},
	{"pools are not shared", "budget/limit.go", "if l.Per == Pool {\n\t\treturn \"\"\n\t}", ""},
	{"models are forgotten", "budget/limit.go", "if p.Match(asked) || p.Match(resolved)", "if p.Match(\"\")"},
	{"one limit of several is skipped", "budget/engine.go", "for i, l := range ask.Limits {\n\t\tif !l.Covers", "for i, l := range ask.Limits {\n\t\tif i == 1 || !l.Covers"},
	{"an end counts twice", "budget/hold.go", "if h.resolution.Outcome != Open {\n\t\treturn h.resolution, false\n\t}", ""},
	{"a correction counts twice", "budget/hold.go", "actual, false, true\n", "actual, true, true\n"},
	{"expiry is free", "budget/hold.go", "Outcome: Expired, Charged: h.bound,", "Outcome: Expired,"},
	{"the bound is charged, not what it came to", "budget/meter.go", "n.settled = add(n.settled, charge)\n", "n.settled = add(n.settled, c.take)\n"},
	{"what was reserved stays", "budget/meter.go", "n.reserved -= c.take\n", ""},
	{"overruns are cut off", "budget/meter.go", "n.settled = add(n.settled, charge)\n", "n.settled = add(n.settled, min(charge, c.take))\n"},
	{"the window of the end is charged", "budget/meter.go", "n := m.counter(c.span.Start)\n\tif n == nil {\n\t\treturn\n\t}\n\tn.reserved", "n := &m.current\n\tif n == nil {\n\t\treturn\n\t}\n\tn.reserved"},
	{"corrections go to the present window", "budget/meter.go", "if n := m.counter(c.span.Start); n != nil {\n\t\tn.settled = add(n.settled, charge-charged)", "if n := &m.current; n != nil {\n\t\tn.settled = add(n.settled, charge-charged)"},
	{"a request is given back when voided", "budget/meter.go", "case m.kind == Requests:\n\t\treturn\n\tcase m.log", "case m.kind == Requests:\n\t\tif charge != 1 || m.log == nil {\n\t\t\tm.current.settled--\n\t\t}\n\t\treturn\n\tcase m.log"},
	{"slots are freed a moment too early", "budget/meter.go", "m.log.forget(now.Mono - m.window.length)", "m.log.forget(now.Mono - m.window.length + 1)"},
	{"slots are freed a moment too late", "budget/sliding.go", "if e.at > until {", "if e.at >= until {"},
	{"sliding windows follow the wall clock", "budget/meter.go", "m.log.forget(now.Mono - m.window.length)", "m.log.forget(now.Mono - m.window.length + (now.Wall - now.Mono) % 1000000007)"},
	{"the ring forgets when it grows", "budget/sliding.go", "a.ring, a.head = grown, 0", "a.ring = grown"},
	{"a new window keeps the old count", "budget/meter.go", "m.current = counter{span: m.window.At(now.Wall)}", "m.current.span = m.window.At(now.Wall)"},
	{"a window is closed that can still change", "budget/meter.go", "if n.pins > 0 {", "if false {"},
	{"sweeping drops what is counted", "budget/meter.go", "return m.past == nil && m.current == counter{span: m.current.span}", "return m.past == nil"},
	{"nonsense is free", "budget/limit.go", "a.Cost = most.Cost", "a.Cost = 0"},
	{"the clock goes back", "budget/clock.go", "c.last.Wall = max(c.last.Wall, wall)", "c.last.Wall = wall"},
	{"a changed window begins empty", "ledger/change.go", "b.engine.Reshape(now, c.Limit.ID, c.Limit.Window, balances)", "b.engine.Reshape(now, c.Limit.ID, c.Limit.Window, balances[:0])"},
	{"a changed window is not on record", "ledger/change.go", "receipt = b.put(endure, &Row{Kind: Open, At: now, Balance: balances[i]})", "_ = i"},
	{"reservations are not waited for", "ledger/books.go", "if err := e.receipt.Wait(context.Background()); err != nil {", "if err := (Receipt{}).Wait(ctx); e.receipt.of == nil && err != nil {"},
	{"a reservation that is not on record stays", "ledger/books.go", "\t\te.hold.Undo()\n", ""},
	{"and its request stays counted", "ledger/books.go", "e.hold.Undo()", "e.hold.Void()"},
	{"ends are not on record", "ledger/books.go", "if !first {\n\t\treturn resolution, Receipt{}\n\t}", "if !first || k == Settle {\n\t\treturn resolution, Receipt{}\n\t}"},
	{"corrections are not on record", "ledger/books.go", "if !first {\n\t\treturn resolution, Receipt{}\n\t}", "if !first || k == Late {\n\t\treturn resolution, Receipt{}\n\t}"},
	{"reservations are only written", "ledger/books.go", "\t\tc = endure\n", "\t\tc = await\n"},
	{"a crash releases what was open", "ledger/recover.go", "if resolution, first := h.Expire(); first {", "if resolution, first := h.Void(); first {"},
	{"a start does not say what expired", "ledger/recover.go", "rows = append(rows, Row{Kind: Expire", "_ = append(rows, Row{Kind: Expire"},
	{"a run has the number of the one before", "ledger/recover.go", "run: found.fold.Run() + 1,", "run: found.fold.Run(),"},
	{"the fold expires for free", "ledger/fold.go", "\t\tcharged = h.Bound\n", "\t\tcharged = budget.Amount{}\n"},
	{"the fold does not know the age of admissions", "ledger/fold.go", "f.age += max(0, r.At.Mono-f.last.Mono)", ""},
	{"what waits for the journal is lost", "ledger/queue.go", "s.backlog = append(s.backlog, r)", ""},
	{"a failed batch leaves a gap", "ledger/queue.go", "\ts.chain.Reset(tip)\n", "\t\t_ = tip\n"},
	{"checkpoints are believed", "ledger/recover.go", "err = r.fold.compare(newer)", "err = nil"},
	{"the end may be missing", "ledger/recover.go", "err := r.verifier.End()", "err := error(nil)"},
	{"rows are not chained", "ledger/chain.go", "h.Write(before[:])", ""},
	{"rows are not checked against the chain", "ledger/verifier.go", "return v.is == *hash", "return true"},
	{"escrow is in force before it is durable", "budget/escrow.go", "if e.asked > 0 && e.askedIn <= durable {", "if e.asked > 0 {"},
	{"escrow is never used up", "budget/escrow.go", "\te.exposed += n\n", ""},
	{"escrow is free again a generation too early", "budget/escrow.go", "if e.generation > durable {", "if e.generation > durable+1 {"},
	{"only one generation counts", "budget/escrow.go", "\t\tn += e.past\n", ""},
	{"one covered limit is enough", "budget/escrow.go", "exposed = h.claims[i].meter.covers(&h.claims[i], durable) && exposed", "exposed = h.claims[i].meter.covers(&h.claims[i], durable) || i > 0 && exposed"},
	{"escrow may be more than is left", "budget/escrow.go", " && e.size <= c.limit.Amount-(settled+reserved+c.take)", " && settled+reserved >= 0"},
	{"escrow stays for ever", "budget/escrow.go", "\t\tn.escrow = nil\n", ""},
	{"a new window has the escrow of the old one", "budget/meter.go", "m.current = counter{span: m.window.At(now.Wall)}", "m.current = counter{span: m.window.At(now.Wall), escrow: m.current.escrow}"},
	{"grants are not on record", "ledger/books.go", "\t\t\tb.grant(batch, e.now, &grants[i])\n", "\t\t\t_ = grants[i]\n"},
	{"grants may be lost", "ledger/run.go", "b.progress.durable.Store(g.number)", "b.progress.durable.Store(g.number + 1)"},
	{"checkpoints forget what is granted", "ledger/upkeep.go", "c.Escrows = append(c.Escrows, e)", "_ = e"},
	{"the fold forgets what is granted", "ledger/fold.go", "k := keyOf(&r.Balance.Leg); r.Amount > 0 {", "k := keyOf(&r.Balance.Leg); r.Amount > 10 {"},
	{"a power failure takes nothing", "ledger/fold.go", "if boot != \"\" && boot == f.boot {", "if boot != \"\" {"},
	{"every crash is a power failure", "ledger/fold.go", "if boot != \"\" && boot == f.boot {", "if len(f.escrows) == 0 {"},
	{"every end is a power failure", "ledger/fold.go", "\t\tclear(f.escrows)\n", "\t\tif r.Kind == Start {\n\t\t\tclear(f.escrows)\n\t\t}\n"},
	{"what may be lost is charged twice", "ledger/fold.go", "\t\tclear(f.escrows)\n", "\t\tif r.Kind == Stop {\n\t\t\tclear(f.escrows)\n\t\t}\n"},
	{"what may be lost is forgotten with its window", "ledger/fold.go", "\t\t\t\tf.adjust(&l, r)\n", "\t\t\t\t_ = l\n"},
	{"rows count as durable before they are", "ledger/run.go", "if err := b.journal.Sync(ctx); err != nil {", "if err := ctx.Err(); err != nil {"},
	{"a full disk ends everything", "ledger/run.go", "if errors.Is(err, ErrUnavailable) {\n\t\treturn nil\n\t}\n\tif err != nil {\n\t\treturn fmt.Errorf(\"note", "if err != nil {\n\t\treturn fmt.Errorf(\"note"},
	{"while more comes it never ends", "ledger/run.go", "if batch.number >= newest {", "if batch.number > newest+1e9 {"},
	{"an end that is known to be missing is not charged", "ledger/recover.go", "r.problems.add(lost)", "_ = lost"},
	{"whoever waits is forgotten", "ledger/run.go", "if err != nil || b.queue.left() {", "if err != nil {"},
	{"one stores for all others", "ledger/run.go", "\t\t\tmore--\n", "\t\t\t_ = more\n"},
	{"what nobody waits for is not stored", "ledger/queue.go", "\tif c == leave {\n\t\tnotify(q.idle)\n\t}\n", ""},
	{"rows of many are written one by one", "ledger/queue.go", "\truntime.Gosched()\n", "\t_ = runtime.Gosched\n"},
	{"rows are seldom gathered again once nobody came", "ledger/queue.go", "\t\tq.alone = lonely\n", "\t\tq.alone = lonely << 20\n"},
	{"a leg forgets whose it is", "ledger/codec.go", "row.Subject; kind&ownLeg == 0", "row.Subject; kind == 0"},
	{"a leg is always its row's", "ledger/codec.go", "if l.Subject == r.Subject {", "if l.Subject != \"\" {"},
	{"rows of the first format are read as today's", "ledger/codec.go", "if form == format {", "if form == 0 {"},
	{"a leg forgets when its window ends", "ledger/codec.go", "w.int(l.Span.End - l.Span.Start)", "w.int(0)"},
	{"rows are stored behind a failure", "ledger/queue.go", "\t\ts.failed = err\n", "\t\t_ = err\n"},
	{"the tail is not moved at the end", "store/sqlite/tail.go", "err = t.move(context.Background())", "_ = context.Background"},
	{"a tail is closed before it takes nothing", "store/sqlite/tail.go", "\tt.closed = true // before the last is moved: the files go then\n", "\tdefer func() { t.closed = true }()\n"},
	{"a tail that is left behind is not missed", "store/sqlite/tail.go", "return x.tailIs(tailUsed)", "return x.tailIs(tailUnused)"},
	{"a tail is missed after it was closed", "store/sqlite/tail.go", "error { return x.tailIs(tailUnused) }", "error { return x.tailIs(tailUsed) }"},
	{"a tail is missed by a backup", "store/sqlite/backup.go", "\"PRAGMA user_version = \", tailUnused", "\"PRAGMA user_version = \", tailUsed"},
	{"a tail is missed while it is made", "store/sqlite/tail.go", "x.insertRecords(t.found), x.tailIs(tailUnused)", "x.insertRecords(t.found), x.tailIs(tailUsed)"},
	{"a limit that is lost limits nobody", "store/sqlite/repair.go", "if table.name == \"limits\" {", "if table.name == \"\" {"},
	{"a limit that is damaged is believed", "store/sqlite/standin.go", "was.Amount, was.Models, was.Match = 0, nil, nil", "was.Models = nil"},
	{"the tail is not in a backup", "store/sqlite/backup.go", "s.tail.move(ctx)", "ctx.Err()"},
	{"what the start found is lost", "store/sqlite/tail.go", "x.insertRecords(t.found)", "x.insertRecords(nil)"},
	{"what is moved stays in the tail", "store/sqlite/tail.go", "max(t.durable, sealed.last), 0", "max(t.durable, sealed.last), sealed.size"},
	{"the tail is made durable once", "store/sqlite/tail.go", "s.size, s.dirty = aligned(s.size+n), true", "s.size = aligned(s.size + n)"},
	{"a tail goes on after a failure", "store/sqlite/tail.go", "\t\tif err := syncData(f); err != nil {\n\t\t\treturn t.broke(err)", "\t\tif err := syncData(f); err != nil {\n\t\t\treturn err"},
	{"frames do not say what is durable", "store/sqlite/tail.go", "\t\tt.durable = max(t.durable, last)\n", "\t\t_ = last\n"},
	{"the files of a tail are read in any order", "store/sqlite/tailframe.go", "cmp.Compare(a.generation, b.generation)", "cmp.Compare(b.generation, a.generation)"},
	{"a torn frame is taken", "store/sqlite/tailframe.go", "f, _, intact := parseFrame(b[at:])", "f, intact, _ := parseFrame(b[at:])"},
	{"what was overwritten counts again", "store/sqlite/tailframe.go", "return f.generation != newest", "return f.generation > newest"},
	{"damage is taken for the end", "store/sqlite/tailframe.go", "if !damaged(frames[i:], boot, next) {", "if next > 0 {"},
	{"the end is taken for damage", "store/sqlite/tailframe.go", "if !damaged(frames[i:], boot, next) {", "if next == 0 {"},
	{"what was durable may go with the power", "store/sqlite/tailframe.go", "f.durable >= missing || f.boot == boot", "f.boot == boot"},
	{"damaged frames are dropped", "store/sqlite/tailframe.go", "next = s.until(next, f)", "next = f.first"},
	{"rows of the database come again", "store/sqlite/tailframe.go", "s.records = f.records(s.records, next)", "s.records = f.records(s.records, 0)"},
}

// TestMutants makes each mistake in turn and runs the tests, which must fail. It
// takes minutes, so it runs only if TOLLGATE_MUTANTS is set.
func TestMutants(t *testing.T) {
	texts := map[string]string{}
	for _, m := range mutants {
		path, err := filepath.Abs(filepath.Join("..", m.file))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), m.old); n != 1 {
			t.Errorf("%s: what it changes is there %d times in %s", m.name, n, m.file)
		}
		texts[m.name] = path + "\x00" + strings.Replace(string(text), m.old, m.new, 1)
	}
	if os.Getenv("TOLLGATE_MUTANTS") == "" {
		t.Skip("TOLLGATE_MUTANTS is not set: only looked whether the mutants can be made")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			path, text, _ := strings.Cut(texts[m.name], "\x00")
			if out, err := mutated(t, path, text, "build"); err != nil {
				t.Fatalf("does not compile: %s", out)
			}
			if out, err := mutated(t, path, text, "test", "-timeout=60s", "-rapid.nofailfile", "-rapid.shrinktime=0s", "-rapid.checks=1500", "-rapid.steps=50"); err == nil {
				t.Errorf("survived: %s", out)
			}
		})
	}
}

// mutated runs the go command over the packages with one file replaced.
func mutated(t *testing.T, path, text string, args ...string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: file}})
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, replace, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) ([]byte, error) {
		command := exec.CommandContext(t.Context(), "go", args...)
		command.Env = append(os.Environ(), "TOLLGATE_MUTANTS=") // one generation is enough
		return command.CombinedOutput()
	}
	if in := filepath.Dir(path); filepath.Base(in) == "sqlite" {
		if args[0] == "test" {
			return run("test", "-timeout=300s", "-short", "-overlay="+overlay, in) // a slow machine catches nothing
		}
		return run(args[0], "-overlay="+overlay, in)
	}
	// The flags of rapid are not known to the tests of budget.
	out, err := run(append([]string{args[0], "-overlay=" + overlay, "."}, args[1:]...)...)
	if err != nil || args[0] == "build" {
		return out, err
	}
	return run("test", "-timeout=60s", "-overlay="+overlay, "../budget")
}
