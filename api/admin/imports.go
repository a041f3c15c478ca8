package admin

// ImportInput asks for keys to be taken over.
type ImportInput struct {
	Format string `query:"format" enum:"auto,ndjson,csv,litellm" default:"auto"`
	DryRun bool   `query:"dry_run"`
	// SkipRefused takes over the other keys though some lines are refused. Otherwise
	// one refused line refuses the import, and nothing is changed.
	SkipRefused bool `query:"skip_refused"`
}

// Imported tells what an import did, or would do.
type Imported struct {
	DryRun    bool         `json:"dry_run"`
	Format    string       `json:"format"`
	Created   int          `json:"created"`
	Unchanged int          `json:"unchanged" doc:"Already here, with the same secret"`
	Refused   int          `json:"refused"`
	Lines     []ImportLine `json:"lines" doc:"What there is to say about single lines, at most 1000"`
	EventID   uint64       `json:"event_id,omitempty"`
}

// ImportStep is one line of the answer to an import that was asked to tell how far it is:
// the last one has Done or Problem, and all before it have Progress.
type ImportStep struct {
	Progress *ImportProgress `json:"progress,omitempty"`
	Done     *Imported       `json:"done,omitempty"`
	Problem  *Problem        `json:"problem,omitempty"`
}

// ImportProgress tells how far an import is.
type ImportProgress struct {
	Step  string `json:"step" enum:"check,store" doc:"All lines are checked before the first is stored"`
	Done  int    `json:"done" doc:"Lines that are done in this step"`
	Total int    `json:"total" doc:"Lines there are; 0: not known yet"`
}

// ImportLine is about one line of an import.
type ImportLine struct {
	Line    int    `json:"line"`
	Name    string `json:"name,omitempty"`
	ID      string `json:"id,omitempty"`
	Outcome string `json:"outcome" enum:"created,unchanged,refused,warning"`
	Message string `json:"message,omitempty"`
}
