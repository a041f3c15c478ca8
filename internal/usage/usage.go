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
// Audio and image figures are parts of these sums, never additions to them;
// InputAudio includes CacheReadAudio.
type Usage struct {
	InputUncached, CacheRead, CacheWrite5m, CacheWrite1h int64
	OutputText, OutputReasoning                          int64

	InputAudio, CacheReadAudio, OutputAudio, InputImage, OutputImage int64

	// Requests that are billed by the piece. CodeSessions counts the calls of a
	// hosted interpreter, the most sessions that can be billed for them.
	WebSearches, FileSearches, WebFetches, CodeSessions, Images, RerankUnits int64

	// ToolCalls is every tool that the provider ran on its side where it gives
	// one figure for all (xAI); what is counted by kind above is part of it.
	ToolCalls int64

	AudioSeconds float64 // billed audio, in seconds
	Characters   int64   // billed characters (speech, Vertex embeddings)

	// BilledInput and BilledOutput are what the provider charges where that
	// differs from the tokens seen (Cohere); HasBilled tells a zero from nothing.
	BilledInput, BilledOutput int64
	HasBilled                 bool

	// CostTicks is the provider's own bill in 1e-10 USD (xAI, OpenRouter); HasCost
	// tells a zero from nothing.
	CostTicks int64
	HasCost   bool

	ServiceTier, Speed, Geo string
	ServedModel             string // the model that answered, when the usage names another than the answer does

	Reported Kinds // optional kinds that the provider named
	Source   Source
	// Senseless tells that a figure was named that is no count: negative, no number,
	// larger than anything.
	Senseless bool
	Clamped   bool // a figure contradicted another and a subtraction was clamped at zero

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

// MaxFigure is the largest figure that is believed: what a JSON number can hold
// exactly in every language. A larger one is an error of the provider's.
const MaxFigure = 1 << 53

// SplitInput sets the input of a format whose total includes what was read from
// and written to a cache. Figures that contradict each other leave no uncached
// input and set Clamped.
func (u *Usage) SplitInput(total, read, write5m, write1h int64) {
	u.CacheRead, u.CacheWrite5m, u.CacheWrite1h = read, write5m, write1h
	u.InputUncached = u.rest(total, read+write5m+write1h)
}

// SplitOutput sets the output of a format whose total includes reasoning.
func (u *Usage) SplitOutput(total, reasoning int64) {
	u.OutputReasoning = reasoning
	u.OutputText = u.rest(total, reasoning)
}

// SplitWrites divides what was written to a cache by its time to live: an hour
// where the format says so, five minutes for all that it does not.
func (u *Usage) SplitWrites(total, hour int64) {
	u.CacheWrite1h = min(hour, total)
	u.CacheWrite5m = total - u.CacheWrite1h
	u.Clamped = u.Clamped || hour > total
}

func (u *Usage) rest(total, part int64) int64 {
	if part > total {
		u.Clamped = true
		return 0
	}
	return total - part
}

// Report notes that optional kinds were named, if they were.
func (u *Usage) Report(kinds Kinds, named bool) {
	if named {
		u.Reported |= kinds
	}
}

// AddTokens adds the token counts of v, for formats that report one call in
// several parts.
func (u *Usage) AddTokens(v *Usage) {
	u.InputUncached = Add(u.InputUncached, v.InputUncached)
	u.CacheRead = Add(u.CacheRead, v.CacheRead)
	u.CacheWrite5m = Add(u.CacheWrite5m, v.CacheWrite5m)
	u.CacheWrite1h = Add(u.CacheWrite1h, v.CacheWrite1h)
	u.OutputText = Add(u.OutputText, v.OutputText)
	u.OutputReasoning = Add(u.OutputReasoning, v.OutputReasoning)
	u.Reported |= v.Reported
	u.Clamped = u.Clamped || v.Clamped
}

// Add sums two figures, at most to MaxFigure.
func Add(a, b int64) int64 { return min(a+b, MaxFigure) }
