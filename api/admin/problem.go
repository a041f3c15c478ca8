package admin

// Problem is an error, as RFC 9457 has it.
type Problem struct {
	Type      string         `json:"type,omitempty"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code,omitempty" doc:"Stable word for programs"`
	RequestID string         `json:"request_id,omitempty"`
	EventID   uint64         `json:"event_id,omitempty" doc:"The audit event of a refused change"`
	Errors    []ProblemField `json:"errors,omitempty"`
}

// ProblemField is what is wrong with one field.
type ProblemField struct {
	Path       string `json:"path" example:"limits[0].amount"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
}
