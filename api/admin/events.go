package admin

import (
	"encoding/json"
	"time"
)

// EventFilter selects audit events.
type EventFilter struct {
	Cursor  string    `query:"cursor"`
	Limit   int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Actor   string    `query:"actor"`
	Action  string    `query:"action"`
	Target  string    `query:"target" doc:"Id"`
	Related string    `query:"related" doc:"Id of a key: events about it, or about one of its limits"`
	Kind    string    `query:"target_kind"`
	Outcome string    `query:"outcome" enum:"done,refused"`
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
}

// Event is one entry of the audit trail.
type Event struct {
	ID        uint64       `json:"id"`
	At        time.Time    `json:"at"`
	Actor     EventActor   `json:"actor"`
	Action    string       `json:"action"`
	Target    EventTarget  `json:"target"`
	Outcome   string       `json:"outcome" enum:"done,refused"`
	Reason    string       `json:"reason,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
	Diff      []EventField `json:"diff,omitempty"`
	Previous  string       `json:"previous" doc:"Hash of the event before, hexadecimal"`
	Hash      string       `json:"hash"`
}

// EventActor is who did it.
type EventActor struct {
	Kind string `json:"kind" enum:"token,configuration,system"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	Role string `json:"role"`
	From string `json:"from,omitempty"`
}

// EventTarget is what it was about.
type EventTarget struct {
	Kind  string `json:"kind"`
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	KeyID string `json:"key_id,omitempty" doc:"The key whose counter of a limit it was about"`
}

// EventField is one difference.
type EventField struct {
	Path   string          `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// EventList is one page of events.
type EventList struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"`
}

// Verification is what a check of the audit trail and the ledger found.
type Verification struct {
	OK      bool   `json:"ok"`
	Events  uint64 `json:"events"`
	Tip     string `json:"tip" doc:"Hash of the last event; keep it elsewhere to notice a shortened trail"`
	Problem string `json:"problem,omitempty" enum:"altered,truncated,gap"`
	Message string `json:"message,omitempty"`
}
