package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// ImportKeys takes over keys with their values or hashes, so that whoever holds one goes
// on using it. The body is our own NDJSON or CSV, or an export of LiteLLM's table of
// tokens; what its keys have spent is carried over into the windows now under way.
//
// All is checked first. If a line is refused nothing is changed, unless the input says
// that refused lines are to be skipped. A key that is here already, with the same secret,
// is left as it is, so that an import can be repeated. Keys without limits are marked as
// legacy. A key comes into force once its spending is in the books.
//
// Progress, if it is not nil, is told now and then how far the import is. In a dry run
// nothing is changed.
func (c *Control) ImportKeys(ctx context.Context, call Call, in admin.ImportInput, body io.Reader, progress func(admin.ImportProgress)) (*admin.Imported, error) {
	if progress == nil {
		progress = func(admin.ImportProgress) {}
	}
	c.importing.Lock()
	defer c.importing.Unlock()
	if err := c.carryOver(ctx); err != nil { // of an earlier import that was broken off
		return nil, asError(fmt.Errorf("finish an earlier import: %w", err))
	}
	s, err := newSpool(body, c.parts.Random)
	if err != nil {
		return nil, asError(err)
	}
	defer s.Close()
	m := &importer{control: c, call: call, spool: s, progress: progress, out: &admin.Imported{DryRun: in.DryRun}}
	if m.out.Format, err = formatOf(in.Format, s); err == nil {
		err = m.run(ctx, in)
	}
	if err == nil {
		return m.finish(), nil
	}
	failure := asError(err)
	if failure.Kind == Invalid && !in.DryRun {
		failure = c.onRecord(ctx, call, importAction, audit.Target{Kind: "key"}, failure)
	}
	return nil, failure
}

const importAction = "key.import"

func formatOf(asked string, s *spool) (string, error) {
	known := []string{"auto", formatNDJSON, formatCSV, formatLiteLLM}
	switch {
	case asked == "" || asked == "auto":
		r, err := s.open()
		if err != nil {
			return "", err
		}
		return detect(r)
	case slices.Contains(known, asked):
		return asked, nil
	}
	var p problems
	p.oneOf("format", asked, known)
	return "", p.err()
}

// importer is one import under way.
type importer struct {
	control  *Control
	call     Call
	spool    *spool
	progress func(admin.ImportProgress)
	out      *admin.Imported
	entries  int              // how many there are, once all were checked
	seen     map[[16]byte]int // what must be unique within the import, by a hash of it, and its line

	notable, ordinary []admin.ImportLine
}

// candidate is a key that was read and checked by itself.
type candidate struct {
	*entry
	key   *vkey.Key
	spent []carry
}

// judgement is what becomes of a candidate.
type judgement struct {
	outcome string // created, unchanged, refused
	id      string
	why     string
	fields  problems
}

const (
	outcomeCreated   = "created"
	outcomeUnchanged = "unchanged"
	outcomeRefused   = "refused"
	outcomeWarning   = "warning"
)

func (m *importer) run(ctx context.Context, in admin.ImportInput) error {
	var refused problems
	err := m.each(ctx, "check", func(batch []*candidate) error {
		judgements := make([]judgement, len(batch))
		err := m.control.parts.Store.View(ctx, func(tx store.Tx) (err error) {
			for i, k := range batch {
				if judgements[i], err = m.judge(tx, k); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range judgements {
			m.tell(batch[i], &judgements[i])
			if len(refused) < maxLines {
				refused = append(refused, judgements[i].told(batch[i].line)...)
			}
		}
		return err
	})
	if err != nil || in.DryRun {
		return err
	}
	if m.out.Refused > 0 && !in.SkipRefused {
		return &Error{
			Kind: Invalid, Code: "import_refused", Fields: refused[:min(len(refused), maxLines)],
			Detail: fmt.Sprintf("%d lines cannot be imported, so nothing was changed: correct them, or leave them out (--skip-refused, over HTTP skip_refused=true)", m.out.Refused),
		}
	}
	m.out, m.notable, m.ordinary = &admin.Imported{Format: m.out.Format}, nil, nil
	return m.each(ctx, "store", func(batch []*candidate) error { return m.store(ctx, batch, in.SkipRefused) })
}

// told gives a refusal as problems of a line.
func (v *judgement) told(line int) problems {
	if v.outcome != outcomeRefused {
		return nil
	}
	at := fmt.Sprintf("line %d", line)
	if len(v.fields) == 0 {
		return problems{{Path: at, Message: v.why}}
	}
	all := slices.Clone(v.fields[:min(len(v.fields), maxTold)])
	for i := range all {
		all[i].Path = strings.TrimSuffix(at+": "+all[i].Path, ": ")
	}
	return all
}

// each reads all lines and gives them to fn in batches: the next one is read while fn
// has the one before.
func (m *importer) each(ctx context.Context, step string, fn func(batch []*candidate) error) error {
	r, err := m.spool.open()
	if err != nil {
		return err
	}
	lines, err := newSource(m.out.Format, r)
	if errors.Is(err, io.EOF) {
		return &Error{Kind: Invalid, Code: "nothing_to_import", Detail: "there is nothing to import: the body is empty"}
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	batches, read := make(chan []*candidate, 1), make(chan error, 1)
	go func() {
		defer close(batches)
		read <- m.read(ctx, lines, batches)
	}()
	defer func() { // nobody reads of the spool once this returns
		stop()
		for range batches {
		}
	}()
	done, total := 0, cmp.Or(m.entries, m.spool.entries(m.out.Format))
	for batch := range batches {
		if err := fn(batch); err != nil {
			return err
		}
		done += len(batch)
		m.progress(admin.ImportProgress{Step: step, Done: done, Total: max(total, 0)})
	}
	m.entries = done
	return <-read
}

// read makes candidates of all lines.
func (m *importer) read(ctx context.Context, lines source, to chan<- []*candidate) error {
	m.seen = map[[16]byte]int{}
	var batch []*candidate
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case to <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		e, err := lines.next()
		if errors.Is(err, io.EOF) {
			return flush()
		}
		if err != nil {
			return err
		}
		k, err := m.candidate(e)
		if err != nil {
			return err
		}
		if batch = append(batch, k); len(batch) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// candidate makes a key of an entry, as far as that can be done without the database.
func (m *importer) candidate(e *entry) (*candidate, error) {
	c, out := m.control, &candidate{entry: e}
	if len(e.problems) > 0 {
		return out, nil
	}
	now := c.parts.Now().UTC().Truncate(time.Microsecond)
	k, p, err := c.draft(&m.call, &e.input, now)
	if err != nil {
		return nil, err
	}
	if e.problems = p; len(p) > 0 {
		return out, nil
	}
	if k.ID, _, err = vkey.Mint(c.parts.Random); err != nil {
		return nil, err
	}
	s := vkey.Secret{CreatedAt: now, Last4: e.last4}
	if s.ID, err = vkey.NewSecretID(c.parts.Random); err != nil {
		return nil, err
	}
	if e.digest != nil {
		s.Digest = *e.digest
	} else {
		s.Digest, s.Peppered, s.Last4 = c.parts.Pepper.Digest(e.value.Reveal()), true, vkey.Fingerprint(e.value.Reveal())
	}
	k.Secrets, k.Legacy, k.Reason = []vkey.Secret{s}, len(k.Limits) == 0, e.reason
	out.key = k
	m.spending(out, now)
	m.unique(out)
	return out, nil
}

// unique refuses what stands in the import twice.
func (m *importer) unique(k *candidate) {
	hash := k.key.Secrets[0].Digest
	if k.digest == nil {
		hash = vkey.Hash(k.value.Reveal())
	}
	name := vkey.Hash("name\x00" + k.key.Name)
	secretAt, nameAt := [16]byte(hash[:16]), [16]byte(name[:16])
	if line, ok := m.seen[secretAt]; ok {
		k.problems.add("key", "is the same as in line %d", line)
	} else if line, ok := m.seen[nameAt]; ok {
		k.problems.add("name", "is the same as in line %d", line)
	}
	if len(k.problems) == 0 {
		m.seen[secretAt], m.seen[nameAt] = k.line, k.line
	}
}

// maxTold is how many of the problems of a line are told.
const maxTold = 10

func summary(p problems) string {
	parts := make([]string, min(len(p), maxTold))
	for i := range parts {
		if parts[i] = strings.TrimPrefix(p[i].Path+": "+p[i].Message, ": "); p[i].Suggestion != "" {
			parts[i] += " (perhaps " + p[i].Suggestion + ")"
		}
	}
	if more := len(p) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// called is the name of an entry as an answer tells it: nobody has checked it yet.
func called(name string) string {
	if len(name) > utf8.UTFMax*maxName {
		return strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	return name
}

// store puts a batch into the database, its spending into the books, and then makes it
// known.
func (m *importer) store(ctx context.Context, batch []*candidate, skip bool) error {
	judgements := make([]judgement, len(batch))
	owing, err := m.keep(ctx, batch, judgements, skip)
	if err != nil && !errors.Is(err, errNothing) {
		return err
	}
	for i := range judgements {
		m.tell(batch[i], &judgements[i])
	}
	if !owing {
		return nil
	}
	if err := m.control.carryOver(ctx); err != nil {
		return &Error{
			Kind: Unavailable, Code: "not_carried_over", Err: err,
			Detail: "keys are stored, but what some of them have spent could not be put into the books: these come into force when the import is repeated, or at the next start",
		}
	}
	return nil
}

var errNothing = errors.New("nothing to store")

// keep stores a batch in one transaction and makes the keys known that have not spent
// anything. It tells whether there are others.
func (m *importer) keep(ctx context.Context, batch []*candidate, judgements []judgement, skip bool) (owing bool, err error) {
	var ready []*vkey.Key
	var spent []carry
	// What is made known is what was just stored, without reading it again, so nobody may
	// come between.
	c := m.control
	c.live.Lock()
	defer c.live.Unlock()
	e, err := c.change(ctx, m.call, importAction, func(tx store.Tx, e *audit.Event) error {
		ready, spent = nil, nil
		for i, k := range batch {
			v, err := m.put(tx, k)
			if err != nil {
				return fmt.Errorf("line %d: %w", k.line, err)
			}
			if judgements[i] = v; v.outcome == outcomeRefused && !skip {
				return &Error{
					Kind: Conflict, Code: "import_overtaken", Fields: v.told(k.line),
					Detail: fmt.Sprintf("line %d: %s; it was checked, but something changed meanwhile. %d keys were imported: repeat the import for the rest", k.line, v.why, m.out.Created),
				}
			}
			if v.outcome != outcomeCreated {
				continue
			}
			if spent = append(spent, k.spent...); len(k.spent) == 0 {
				ready = append(ready, k.key)
			}
			e.Diff = append(e.Diff, audit.Field{Path: "keys." + k.key.ID, After: jsonOf(brief(k))})
		}
		if len(e.Diff) == 0 {
			return errNothing
		}
		e.Target = audit.Target{Kind: "key", Name: fmt.Sprintf("%d imported keys", len(e.Diff))}
		return putCarried(tx, spent)
	})
	if err != nil {
		return false, err
	}
	m.out.EventID = e.Seq
	c.parts.Live.KeysChanged(ready, nil)
	return len(spent) > 0, nil
}

// put stores a candidate, or tells why not.
func (m *importer) put(tx store.Tx, k *candidate) (judgement, error) {
	if len(k.problems) > 0 || k.digest == nil { // a value can be held in more forms than the one that is stored
		if v, err := m.judge(tx, k); err != nil || v.outcome != outcomeCreated {
			return v, err
		}
	}
	err := tx.Keys().Put(k.key)
	if err == nil {
		return judgement{outcome: outcomeCreated, id: k.key.ID}, nil
	}
	var taken *store.TakenError
	if errors.As(err, &taken) {
		if v, err := m.judge(tx, k); err != nil || v.outcome != outcomeCreated {
			return v, err
		}
	}
	return judgement{}, err
}

// brief is what an audit event says of an imported key.
func brief(k *candidate) any {
	limits := []admin.Limit{}
	for _, l := range k.key.Limits {
		limits = append(limits, limitForm(l))
	}
	return struct {
		Name     string        `json:"name"`
		Status   string        `json:"status"`
		Limits   []admin.Limit `json:"limits"`
		Imported []carry       `json:"spent,omitempty"`
	}{k.key.Name, statusNames[k.key.Status], limits, k.spent}
}

// maxLines is how many lines are told about.
const maxLines = 1000

// tell counts a judgement and notes what there is to say.
func (m *importer) tell(k *candidate, v *judgement) {
	line := admin.ImportLine{Line: k.line, Name: called(k.input.Name), ID: v.id, Outcome: v.outcome, Message: v.why}
	notes := &m.ordinary
	switch v.outcome {
	case outcomeCreated:
		m.out.Created++
		if m.out.DryRun {
			line.ID = "" // it would get another one
		}
	case outcomeUnchanged:
		m.out.Unchanged++
	case outcomeRefused:
		m.out.Refused++
		notes = &m.notable
	default:
		return // not reached in this batch
	}
	if len(*notes) < maxLines {
		*notes = append(*notes, line)
	}
	if v.outcome != outcomeCreated {
		return
	}
	for _, w := range k.warnings {
		if len(m.notable) < maxLines {
			m.notable = append(m.notable, admin.ImportLine{Line: k.line, Name: k.input.Name, Outcome: outcomeWarning, Message: w})
		}
	}
}

// finish puts together what is told about single lines: what is out of the ordinary first,
// as far as there is room, in the order of the lines.
func (m *importer) finish() *admin.Imported {
	room := maxLines - len(m.notable)
	m.out.Lines = append(m.notable, m.ordinary[:min(len(m.ordinary), room)]...)
	slices.SortStableFunc(m.out.Lines, func(a, b admin.ImportLine) int { return a.Line - b.Line })
	if m.out.Lines == nil {
		m.out.Lines = []admin.ImportLine{}
	}
	return m.out
}
