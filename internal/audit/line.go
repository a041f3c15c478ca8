package audit

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/actor"
)

// line is an event as it is kept: one line of JSON in its canonical form (RFC 8785), so that
// there is one way to write an event and a changed byte is always seen.
type line struct {
	Seq       uint64      `json:"seq"`
	At        string      `json:"at"`
	Actor     lineActor   `json:"actor"`
	Action    string      `json:"action"`
	Target    lineTarget  `json:"target"`
	Outcome   Outcome     `json:"outcome"`
	Reason    string      `json:"reason,omitzero"`
	RequestID string      `json:"request_id,omitzero"`
	Diff      []lineField `json:"diff,omitempty"`
	Previous  string      `json:"previous"`
	Hash      string      `json:"hash"`
}

type lineActor struct {
	Kind actor.Kind `json:"kind"`
	ID   string     `json:"id,omitzero"`
	Name string     `json:"name,omitzero"`
	Role string     `json:"role"`
	From string     `json:"from,omitzero"`
}

type lineTarget struct {
	Kind  string `json:"kind"`
	ID    string `json:"id,omitzero"`
	Name  string `json:"name,omitzero"`
	KeyID string `json:"key_id,omitzero"`
}

type lineField struct {
	Path   string `json:"path"`
	Before string `json:"before,omitzero"`
	After  string `json:"after,omitzero"`
}

// Encode gives a sealed event as one line of JSON, without the end of the line.
func Encode(e *Event) ([]byte, error) {
	l := line{
		Seq: e.Seq, At: e.At.UTC().Format(time.RFC3339Nano),
		Actor:  lineActor{e.Actor.Kind, e.Actor.ID, e.Actor.Name, e.Actor.Role.String(), e.Actor.From},
		Action: e.Action, Target: lineTarget(e.Target), Outcome: e.Outcome, Reason: e.Reason, RequestID: e.RequestID,
		Previous: hex.EncodeToString(e.Previous[:]), Hash: hex.EncodeToString(e.Hash[:]),
	}
	for _, f := range e.Diff {
		l.Diff = append(l.Diff, lineField(f))
	}
	b, err := json.Marshal(&l)
	if err != nil {
		return nil, fmt.Errorf("write audit event %d: %w", e.Seq, err)
	}
	text := jsontext.Value(b)
	if err := text.Canonicalize(); err != nil {
		return nil, fmt.Errorf("write audit event %d: %w", e.Seq, err)
	}
	return text, nil
}

// Decode reads what Encode gave, and nothing else. Its errors wrap ErrAltered.
func Decode(text []byte) (*Event, error) {
	altered := func(why string, err error) (*Event, error) {
		return nil, fmt.Errorf("%s: %w: %w", why, err, ErrAltered)
	}
	var l line
	if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
		return altered("this is no audit event", err)
	}
	e := &Event{
		Seq: l.Seq, Actor: actor.Actor{Kind: l.Actor.Kind, ID: l.Actor.ID, Name: l.Actor.Name, From: l.Actor.From},
		Action: l.Action, Target: Target(l.Target), Outcome: l.Outcome, Reason: l.Reason, RequestID: l.RequestID,
	}
	for _, f := range l.Diff {
		e.Diff = append(e.Diff, Field(f))
	}
	var err error
	if e.At, err = time.Parse(time.RFC3339Nano, l.At); err != nil {
		return altered("the time of an audit event", err)
	}
	e.At = e.At.UTC()
	if l.Actor.Role != actor.None.String() {
		if e.Actor.Role, err = actor.ParseRole(l.Actor.Role); err != nil {
			return altered("the role of an audit event", err)
		}
	}
	if err := errors.Join(e.Previous.parse(l.Previous), e.Hash.parse(l.Hash)); err != nil {
		return altered("a hash of an audit event", err)
	}
	again, err := Encode(e)
	if err != nil {
		return altered("this is no audit event", err)
	}
	if !bytes.Equal(again, text) {
		return altered("this is no audit event", errors.New("it is not in canonical form"))
	}
	return e, nil
}

func (h *Hash) parse(text string) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("%d hexadecimal digits are needed", hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], []byte(text))
	return err
}

// String gives the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }
