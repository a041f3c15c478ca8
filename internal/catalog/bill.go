package catalog

import (
	"math"

	"tollgate/internal/money"
	"tollgate/internal/usage"
)

// bill adds up the components of a cost.
type bill struct {
	sum     money.Sum
	missing Kinds
	marks   Marks

	lines    []Line
	itemized bool // somebody asks for the lines

	model string
	sheet *sheet
	by    money.Factor
}

// add charges the consumption of one model.
func (b *bill) add(q *Quote, u *usage.Usage, call bool) {
	if u.Clamped {
		b.marks |= Clamped
	}
	switch q.State() {
	case Free:
		return
	case Unknown:
		b.sheet, b.by = &sheet{}, money.One
	case Known:
		s, by, marks := q.serving(u.ServiceTier, u.Speed, u.Geo)
		b.model, b.sheet, b.by = q.model.ID, s.sheetFor(u.Input()), by
		b.marks |= marks
	}
	if u.HasBilled { // what is charged is not what was seen
		b.tokens(Input, u.BilledInput)
		b.tokens(Output, u.BilledOutput)
	} else {
		b.input(u)
		b.output(u)
	}
	b.tools(u)
	b.media(u, q.model)
	if call && b.sheet.full.known.Has(Request) {
		b.pieces(Request, 1)
	}
}

// input charges what was read. Sound and pictures leave the text they are part
// of only if they have prices of their own.
func (b *bill) input(u *usage.Usage) {
	uncached, read := u.InputUncached, u.CacheRead
	known := b.sheet.full.known
	if known.Has(CacheReadAudio) {
		b.take(CacheReadAudio, u.CacheReadAudio, &read)
	}
	if known.Has(InputAudio) {
		b.take(InputAudio, u.InputAudio-u.CacheReadAudio, &uncached)
	}
	if known.Has(InputImage) {
		// Nobody says which pictures came from the cache: as few as can be.
		rest := u.InputImage - b.take(InputImage, u.InputImage, &uncached)
		if known.Has(CacheReadImage) {
			b.take(CacheReadImage, rest, &read)
		}
	}
	b.tokens(Input, uncached)
	b.tokens(CacheRead, read)
	b.tokens(CacheWrite, u.CacheWrite5m)
	b.tokens(CacheWrite1h, u.CacheWrite1h)
}

// output charges what was written.
func (b *bill) output(u *usage.Usage) {
	text := u.OutputText
	known := b.sheet.full.known
	if known.Has(OutputAudio) {
		b.take(OutputAudio, u.OutputAudio, &text)
	}
	if known.Has(OutputImage) {
		b.take(OutputImage, u.OutputImage, &text)
	}
	b.tokens(Output, text)
	b.tokens(Reasoning, u.OutputReasoning)
}

// take charges n tokens of a kind, or as many as there are in from, and takes
// them out of it.
func (b *bill) take(k Kind, n int64, from *int64) int64 {
	n = max(0, min(n, *from))
	*from -= n
	b.tokens(k, n)
	return n
}

// tools charges what the provider ran on its side.
func (b *bill) tools(u *usage.Usage) {
	b.pieces(WebSearch, u.WebSearches)
	b.pieces(FileSearch, u.FileSearches)
	b.pieces(WebFetch, u.WebFetches)
	b.pieces(CodeSession, u.CodeSessions)
	b.pieces(ToolCall, u.ToolCalls-u.WebSearches-u.FileSearches-u.WebFetches-u.CodeSessions)
}

// media charges what is counted in pieces, seconds or characters. Where the
// same was counted in tokens, a missing price is no gap.
func (b *bill) media(u *usage.Usage, m *Model) {
	counted := u.Input()+u.Output() > 0 || u.HasBilled
	pictures := b.sheet.rates.known&setOf(InputImage, OutputImage) != 0 || u.OutputImage > 0
	for _, x := range [...]struct {
		kind    Kind
		n       int64
		counted bool
	}{
		{Picture, u.Images, counted && pictures},
		{RerankUnit, u.RerankUnits, counted},
		{Character, u.Characters, counted},
	} {
		if b.sheet.full.known.Has(x.kind) || !x.counted {
			b.pieces(x.kind, x.n)
		}
	}
	seconds := wholeSeconds(u.AudioSeconds)
	if seconds == 0 || counted && !b.sheet.full.known.Has(AudioHour) {
		return
	}
	if m != nil {
		seconds = max(seconds, m.minSeconds)
	}
	b.hours(seconds)
}

// wholeSeconds rounds up, as providers do.
func wholeSeconds(s float64) int64 {
	if !(s > 0) { // neither is what is not a number
		return 0
	}
	return int64(min(math.Ceil(s), usage.MaxFigure))
}

// tokens charges n tokens; the factor of the service holds for them.
func (b *bill) tokens(k Kind, n int64) {
	if n > 0 {
		b.charge(k, n, b.by)
	}
}

// pieces charges n pieces at their price.
func (b *bill) pieces(k Kind, n int64) {
	if n > 0 {
		b.charge(k, n, money.One)
	}
}

func (b *bill) charge(k Kind, n int64, by money.Factor) {
	if !b.sheet.full.known.Has(k) {
		b.missing |= 1 << k
		return
	}
	price := b.sheet.full.price[k]
	cost := money.Product(n, price, by)
	b.sum = b.sum.Plus(cost)
	b.note(Line{b.model, k, n, price, by, cost.Pico()})
}

// hours charges seconds of sound at the price of an hour.
func (b *bill) hours(seconds int64) {
	price, ok := b.sheet.full.get(AudioHour)
	if !ok {
		b.missing |= 1 << AudioHour
		return
	}
	cost := money.Part(seconds, price, 3600)
	b.sum = b.sum.Plus(cost)
	b.note(Line{b.model, AudioHour, seconds, price, money.One, cost.Pico()})
}

func (b *bill) note(l Line) {
	if b.itemized {
		b.lines = append(b.lines, l)
	}
}
