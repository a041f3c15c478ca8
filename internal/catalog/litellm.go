package catalog

import (
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/money"
)

// ParseLiteLLM reads a model_prices_and_context_window.json of LiteLLM: a flat
// object of model names with prices in dollars for a piece. Members that are no
// prices are passed over; a bad price refuses the list. Of two names for one
// model of a provider the one without the provider's prefix stands.
func ParseLiteLLM(source string, data []byte) (*Layer, error) {
	p := liteParser{reader: newReader(source, data), layer: newLayer(source, data), plain: map[*entry]bool{}}
	err := p.object(func(name string) error {
		if name == "sample_spec" { // describes the members, in words
			return p.skip()
		}
		return p.model(name)
	})
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, err
	}
	return p.layer, nil
}

type liteParser struct {
	*reader
	layer *Layer
	plain map[*entry]bool // entries whose name had no prefix
}

// liteModel is one entry while it is read: what a price means may depend on the
// mode, which may stand behind it.
type liteModel struct {
	entry
	provider, mode       string
	maxInput, maxTokens  int64
	limitOutput          int64
	sets                 []liteSet
	perSecond, perQuery  money.Pico
	perImage             money.Pico
	hasSecond, hasQuery  bool
	hasImage, hasSpoken  bool
	perCharacter, search money.Pico
}

// liteSet are the rates of one service tier above one size of the context.
type liteSet struct {
	service string
	over    int64
	rates   prices
}

// liteTokens are the stems of members that price a token.
var liteTokens = map[string]Kind{
	"input_cost_per_token": Input, "output_cost_per_token": Output,
	"cache_read_input_token_cost": CacheRead, "cache_creation_input_token_cost": CacheWrite,
	"cache_creation_input_token_cost_above_1hr": CacheWrite1h,
	"output_cost_per_reasoning_token":           Reasoning,
	"input_cost_per_audio_token":                InputAudio, "output_cost_per_audio_token": OutputAudio,
	"cache_read_input_audio_token_cost": CacheReadAudio,
	"input_cost_per_image_token":        InputImage, "output_cost_per_image_token": OutputImage,
	"cache_read_input_image_token_cost": CacheReadImage,
}

func (p *liteParser) model(name string) error {
	m := liteModel{}
	err := p.object(func(member string) error { return p.member(&m, member) })
	if err != nil {
		return err
	}
	provider, id := liteName(name, m.provider)
	if provider == "" {
		return p.fail("litellm_provider is missing")
	}
	m.id = id
	m.finish()
	e := &m.entry
	plain := id == name
	if p.layer.add(provider, e) {
		p.plain[e] = plain
		return nil
	}
	if b := p.layer.book(provider); plain && !p.plain[b.named[strings.ToLower(id)]] {
		old := b.named[strings.ToLower(id)]
		b.named[strings.ToLower(id)] = e
		b.entries[slices.Index(b.entries, old)] = e
		p.plain[e] = true
	}
	return nil
}

// liteName gives the provider and the model without the provider's prefix.
func liteName(name, provider string) (string, string) {
	prefix, rest, cut := strings.Cut(name, "/")
	if provider == "" {
		if !cut {
			return "", name
		}
		return Provider(prefix), rest
	}
	provider = Provider(provider)
	if cut && Provider(prefix) == provider {
		return provider, rest
	}
	return provider, name
}

func (p *liteParser) member(m *liteModel, name string) (err error) {
	switch name {
	case "litellm_provider":
		m.provider, err = p.text()
	case "mode":
		m.mode, err = p.text()
	case "max_input_tokens":
		m.maxInput, err = p.size()
	case "max_output_tokens":
		m.limitOutput, err = p.size()
	case "max_tokens":
		m.maxTokens, err = p.size()
	case "input_cost_per_second", "output_cost_per_second":
		err = p.dearest(&m.perSecond, &m.hasSecond)
	case "input_cost_per_query":
		err = p.dearest(&m.perQuery, &m.hasQuery)
	case "input_cost_per_image", "output_cost_per_image":
		err = p.dearest(&m.perImage, &m.hasImage)
	case "input_cost_per_character", "output_cost_per_character":
		err = p.dearest(&m.perCharacter, &m.hasSpoken)
	case "code_interpreter_cost_per_session":
		err = p.piece(m, CodeSession, 1)
	case "file_search_cost_per_1k_calls":
		err = p.piece(m, FileSearch, 1000)
	case "search_context_cost_per_query":
		err = p.searches(m)
	case "tiered_pricing":
		err = p.tiered(m)
	default:
		return p.tokenPrice(m, name)
	}
	return err
}

// tokenPrice reads a price whose name is a stem with a size of the context and
// a service tier behind it; anything else is passed over.
func (p *liteParser) tokenPrice(m *liteModel, name string) error {
	stem, service := name, ""
	for suffix, tier := range map[string]string{"_priority": "priority", "_flex": "flex", "_batches": "batch"} {
		if s, ok := strings.CutSuffix(stem, suffix); ok {
			stem, service = s, tier
			break
		}
	}
	over := int64(0)
	if i := strings.LastIndex(stem, "_above_"); i >= 0 && strings.HasSuffix(stem, "k_tokens") {
		thousands, err := strconv.ParseInt(strings.TrimSuffix(stem[i+len("_above_"):], "k_tokens"), 10, 32)
		if err != nil || thousands <= 0 {
			return p.skip()
		}
		stem, over = stem[:i], thousands*1000
	}
	kind, ok := liteTokens[stem]
	if !ok {
		return p.skip()
	}
	price, ok, err := p.number()
	if err != nil || !ok {
		return err
	}
	m.set(service, over).set(kind, price)
	return p.reasonable(kind, price)
}

func (m *liteModel) set(service string, over int64) *prices {
	for i := range m.sets {
		if m.sets[i].service == service && m.sets[i].over == over {
			return &m.sets[i].rates
		}
	}
	m.sets = append(m.sets, liteSet{service: service, over: over})
	return &m.sets[len(m.sets)-1].rates
}

// number reads the price of a piece; null is none.
func (p *liteParser) number() (price money.Pico, ok bool, err error) {
	tok, err := p.token()
	if err != nil {
		return 0, false, err
	}
	switch tok.Kind() {
	case 'n':
		return 0, false, nil
	case '0', '"': // some entries have their numbers in quotes
		if price, err = money.PicoOfNumber(tok.String()); err != nil {
			return 0, false, p.fail("%v", err)
		}
		return price, true, nil
	}
	return 0, false, p.fail("must be a number")
}

// dearest keeps the greater of the prices that share a meaning.
func (p *liteParser) dearest(into *money.Pico, has *bool) error {
	price, ok, err := p.number()
	if err != nil || !ok {
		return err
	}
	*into, *has = max(*into, price), true
	return p.reasonable(Request, price)
}

// piece reads the price of per pieces.
func (p *liteParser) piece(m *liteModel, k Kind, per money.Pico) error {
	price, ok, err := p.number()
	if err != nil || !ok {
		return err
	}
	price = (price + per - 1) / per
	m.rates.set(k, price)
	return p.reasonable(k, price)
}

// searches reads the prices of a search by the size of what it brings, which
// no usage tells: the dearest stands.
func (p *liteParser) searches(m *liteModel) error {
	if p.dec.PeekKind() != '{' {
		return p.skip()
	}
	has := false
	err := p.object(func(string) error { return p.dearest(&m.search, &has) })
	if has {
		m.rates.set(WebSearch, m.search)
	}
	return err
}

// tiered reads a list of ranges of the context with prices of their own.
func (p *liteParser) tiered(m *liteModel) error {
	return p.array(func() error {
		var list liteModel
		over := int64(-1)
		err := p.object(func(name string) error {
			if name != "range" {
				return p.tokenPrice(&list, name)
			}
			return p.array(func() error {
				n, err := p.size()
				if over < 0 {
					over = n
				}
				return err
			})
		})
		if err != nil {
			return err
		}
		if over < 0 {
			return nil // tiers of something else than tokens
		}
		for _, s := range list.sets {
			m.set(s.service, over).overlay(&s.rates)
		}
		return nil
	})
}

// size reads a number of tokens. Other values than numbers are words about one.
func (p *liteParser) size() (int64, error) {
	if p.dec.PeekKind() != '0' {
		return 0, p.skip()
	}
	tok, err := p.token()
	if err != nil {
		return 0, err
	}
	n, err := tok.Float()
	if err != nil || n < 0 || n > maxCount {
		return 0, p.fail("must be a number from 0 to %d", int64(maxCount))
	}
	return int64(n), nil
}

// finish turns what was read into an entry.
func (m *liteModel) finish() {
	m.limits = Limits{ContextWindow: m.maxInput, MaxOutput: m.limitOutput}
	if m.limits.ContextWindow == 0 {
		m.limits.ContextWindow = m.maxTokens
	}
	if m.limits.MaxOutput == 0 {
		m.limits.MaxOutput = m.maxTokens
	}
	slices.SortFunc(m.sets, func(a, b liteSet) int { return int(a.over - b.over) })
	for _, s := range m.sets {
		t := &m.tariff
		if s.service != "" {
			t = m.serviceNamed(s.service)
		}
		if s.over == 0 {
			t.rates.overlay(&s.rates)
		} else {
			t.tiers = append(t.tiers, tier{s.over, s.rates})
		}
	}
	m.pieces()
}

func (m *liteModel) serviceNamed(name string) *tariff {
	for i := range m.service {
		if m.service[i].name == name {
			return &m.service[i].tariff
		}
	}
	m.service = append(m.service, service{name: name, by: money.One})
	return &m.service[len(m.service)-1].tariff
}

// pieces takes over the prices that mean a piece in some modes only: a second
// is one of sound or of a rented machine, a picture made or looked at.
func (m *liteModel) pieces() {
	switch m.mode {
	case "audio_transcription":
		if m.hasSecond {
			m.rates.set(AudioHour, m.perSecond.Times(3600))
		}
	case "audio_speech":
		if m.hasSpoken {
			m.rates.set(Character, m.perCharacter)
		}
	case "embedding":
		if m.hasSpoken && !m.rates.known.Has(Input) {
			m.rates.set(Character, m.perCharacter)
		}
	case "image_generation":
		if m.hasImage {
			m.rates.set(Picture, m.perImage)
		}
	case "rerank":
		if m.hasQuery {
			m.rates.set(RerankUnit, m.perQuery)
		}
	}
	// Zeros for tokens beside the price of something else are placeholders.
	if m.rates.known&setOf(Character, Picture, RerankUnit, AudioHour) != 0 {
		for _, k := range [...]Kind{Input, Output} {
			if price, ok := m.rates.get(k); ok && price == 0 {
				m.rates.known &^= 1 << k
			}
		}
	}
}
