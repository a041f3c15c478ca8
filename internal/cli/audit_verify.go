package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
)

// Exit codes of "audit verify" for what can be wrong with a trail.
const (
	exitAltered   = 2
	exitTruncated = 3
	exitGap       = 5
)

type auditVerify struct {
	File       string `arg:"" optional:"" help:"A whole export, - for standard input; without one the trail of the server is checked."`
	Checkpoint string `placeholder:"N:HASH" help:"What an earlier check printed, or a file that has it: the trail must still reach it."`
	remote
}

// Help is shown below the summary.
func (*auditVerify) Help() string {
	return `Prints how far the trail goes as N:HASH. Keep that elsewhere: with --checkpoint a later check notices a trail that was
cut short or written anew. Ends with

    0  nothing is wrong
    1  it could not be checked
    2  an event was altered (or the command line is wrong)
    3  events at the end are missing
    5  an event in between is missing, or there twice

    tollgate audit verify > tip.txt
    tollgate audit verify --checkpoint tip.txt
    tollgate audit verify trail.ndjson --checkpoint 1204:9f86d0…`
}

// Run implements the command.
func (c *auditVerify) Run(ctx context.Context, env *Environment) error {
	mark, err := c.mark()
	if err != nil {
		return err
	}
	s := &session{env: env, json: c.Output == "json", now: env.now()}
	var found *admin.Verification
	switch {
	case c.File == "-":
		found, err = verifyTrail(env.Stdin, mark)
	case c.File != "":
		found, err = verifyFile(c.File, mark)
	default:
		if s, err = c.open(env); err != nil {
			return err
		}
		found, err = s.verifyServer(ctx, mark)
	}
	if err != nil {
		return err
	}
	return s.verified(found)
}

// mark reads the checkpoint, as text or as the name of a file.
func (c *auditVerify) mark() (audit.Mark, error) {
	text := c.Checkpoint
	if text == "" {
		return audit.Mark{}, nil
	}
	if m, ok := parseMark(text); ok {
		return m, nil
	}
	f, err := os.Open(text)
	if err != nil {
		return audit.Mark{}, usageError(fmt.Sprintf("--checkpoint: %q is neither N:HASH, as an earlier check printed it, nor a file: %v", brief(text), err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return audit.Mark{}, usageError("--checkpoint: " + err.Error())
	}
	m, ok := parseMark(strings.TrimSpace(string(content)))
	if !ok {
		return audit.Mark{}, usageError(fmt.Sprintf("--checkpoint: %s does not have N:HASH in it, as an earlier check printed it", text))
	}
	return m, nil
}

func parseMark(text string) (m audit.Mark, ok bool) {
	number, digits, ok := strings.Cut(text, ":")
	if !ok || len(digits) != hex.EncodedLen(len(m.Hash)) {
		return m, false
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return m, false
	}
	if _, err := hex.Decode(m.Hash[:], []byte(digits)); err != nil {
		return m, false
	}
	m.Seq = n
	return m, true
}

// verifyServer has the server check its trail. Where there is a checkpoint the trail is
// read and checked here, so that it need not be believed.
func (s *session) verifyServer(ctx context.Context, mark audit.Mark) (*admin.Verification, error) {
	if mark.Seq == 0 {
		found, err := s.VerifyAudit(ctx)
		return found, s.explain(err)
	}
	body, err := s.ExportEvents(ctx, admin.EventFilter{})
	if err != nil {
		return nil, s.explain(err)
	}
	defer body.Close()
	return verifyTrail(body, mark)
}

func verifyFile(path string, mark audit.Mark) (*admin.Verification, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	defer f.Close()
	return verifyTrail(f, mark)
}

// verifyTrail checks a whole export. The error is only of reading it.
func verifyTrail(from io.Reader, mark audit.Mark) (*admin.Verification, error) {
	v := audit.NewVerifier(audit.Mark{}, mark)
	err := eachEvent(from, v.Next)
	if err == nil {
		err = v.End()
	}
	tip := v.Tip()
	found := &admin.Verification{OK: err == nil, Events: tip.Seq, Tip: tip.Hash.String()}
	switch {
	case err == nil:
		return found, nil
	case errors.Is(err, audit.ErrAltered):
		found.Problem = "altered"
	case errors.Is(err, audit.ErrTruncated):
		found.Problem = "truncated"
	case errors.Is(err, audit.ErrGap):
		found.Problem = "gap"
	default:
		return nil, fmt.Errorf("read the trail: %w", err)
	}
	found.Message = err.Error()
	return found, nil
}

// eachEvent gives every event of an export.
func eachEvent(from io.Reader, fn func(*audit.Event) error) error {
	lines := bufio.NewReaderSize(from, 64<<10)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		switch {
		case err == io.EOF && len(text) == 0:
			return nil
		case err == io.EOF:
			return fmt.Errorf("line %d stops in the middle: %w", n, audit.ErrTruncated)
		case err != nil:
			return err
		}
		e, err := decodeEvent(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// decodeEvent reads one line of an export. Whatever the API would not have written
// just so was altered.
func decodeEvent(text []byte) (*audit.Event, error) {
	var form admin.Event
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&form); err != nil {
		return nil, fmt.Errorf("this is no audit event: %w: %w", err, audit.ErrAltered)
	}
	var again bytes.Buffer
	enc := json.NewEncoder(&again)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&form); err != nil || !bytes.Equal(again.Bytes(), text) {
		return nil, fmt.Errorf("this is not how an audit event is written: %w", audit.ErrAltered)
	}
	e := &audit.Event{
		Seq: form.ID, At: form.At, Action: form.Action, Target: audit.Target(form.Target), Outcome: audit.Outcome(form.Outcome),
		Reason: form.Reason, RequestID: form.RequestID,
		Actor: actor.Actor{Kind: actor.Kind(form.Actor.Kind), ID: form.Actor.ID, Name: form.Actor.Name, From: form.Actor.From},
	}
	if form.Actor.Role != "" {
		role, err := actor.ParseRole(form.Actor.Role)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, audit.ErrAltered)
		}
		e.Actor.Role = role
	}
	for _, d := range form.Diff {
		e.Diff = append(e.Diff, audit.Field{Path: d.Path, Before: string(d.Before), After: string(d.After)})
	}
	for _, h := range []struct {
		text string
		to   *audit.Hash
	}{{form.Previous, &e.Previous}, {form.Hash, &e.Hash}} {
		if len(h.text) != hex.EncodedLen(len(h.to)) {
			return nil, fmt.Errorf("a hash is not of %d hexadecimal digits: %w", hex.EncodedLen(len(h.to)), audit.ErrAltered)
		}
		if _, err := hex.Decode(h.to[:], []byte(h.text)); err != nil || h.to.String() != h.text {
			return nil, fmt.Errorf("a hash is not written as one: %w", audit.ErrAltered)
		}
	}
	return e, nil
}

// verified tells what a check found, also by the exit code.
func (s *session) verified(found *admin.Verification) error {
	err := s.show(found, func() error {
		if !found.OK {
			return nil
		}
		if err := line(s.env.Stderr, "%s, every one as it was written. Keep this elsewhere, for --checkpoint:", some(int64(found.Events), "event")); err != nil {
			return err
		}
		return line(s.env.Stdout, "%d:%s", found.Events, found.Tip)
	})
	if err != nil || found.OK {
		return err
	}
	code, ok := map[string]int{"altered": exitAltered, "truncated": exitTruncated, "gap": exitGap}[found.Problem]
	if !ok {
		code = exitFailure
	}
	return exitError{code, fmt.Sprintf("The audit trail is not as it was written (%s): %s", first(found.Problem, "damaged"), found.Message)}
}
