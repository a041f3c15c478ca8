// Package usage is the normal form of what a model call consumed, whatever
// wire format reported it.
package usage

// Kinds is a set of the optional token kinds that a provider named. A kind that
// was named with zero is not the same as one that was not named.
type Kinds uint16

// The optional kinds.
const (
	CacheRead Kinds = 1 << iota
	CacheWrite
	Reasoning
	Audio
	Image
)

// Source says how far the figures can be trusted.
type Source uint8

// The sources.
const (
	Absent    Source = iota // nothing is known: no usage was reported or estimated
	Reported                // the provider's own final figures
	Partial                 // the provider's figures, but the stream was cut before the final ones
	Estimated               // counted by the gateway from what passed through
)

var sourceNames = [...]string{"absent", "reported", "partial", "estimated"}

// String gives the name used in logs and records.
func (s Source) String() string { return sourceNames[s] }

// Usage is the consumption of one attempt in disjoint kinds of tokens:
//
//	total input = InputUncached + CacheRead + CacheWrite5m + CacheWrite1h
//	total output = OutputText + OutputReasoning
//
// Audio and image figures are parts of these sums, never additions to them.
type Usage struct {
	InputUncached, CacheRead, CacheWrite5m, CacheWrite1h int64
	OutputText, OutputReasoning                          int64

	InputAudio, CacheReadAudio, OutputAudio, InputImage, OutputImage int64

	// Requests that are billed by the piece.
	WebSearches, FileSearches, WebFetches, CodeSessions, Images, RerankUnits int64

	AudioSeconds float64 // billed audio, in seconds
	Characters   int64   // billed characters (speech)

	// BilledInput and BilledOutput are what the provider charges where that
	// differs from the tokens seen (Cohere); HasBilled tells a zero from nothing.
	BilledInput, BilledOutput int64
	HasBilled                 bool

	// CostTicks is the provider's own bill in 1e-10 USD (xAI); HasCost tells a
	// zero from nothing.
	CostTicks int64
	HasCost   bool

	ServiceTier, Speed, Geo string
	ServedModel             string // the model that answered, when the usage names another than the answer does

	Reported Kinds // optional kinds that the provider named
	Source   Source
	Clamped  bool // a figure contradicted another and a subtraction was clamped at zero

	// Others is consumption of other models inside the same call (Anthropic's advisor).
	Others []Other
}

// Other is what a second model consumed inside one call.
type Other struct {
	Model string
	Usage Usage
}

// Input is every input token, cached reads and writes included.
func (u *Usage) Input() int64 {
	return u.InputUncached + u.CacheRead + u.CacheWrite5m + u.CacheWrite1h
}

// Output is every output token, reasoning included.
func (u *Usage) Output() int64 { return u.OutputText + u.OutputReasoning }

// CacheWrite is every token written to a prompt cache.
func (u *Usage) CacheWrite() int64 { return u.CacheWrite5m + u.CacheWrite1h }
