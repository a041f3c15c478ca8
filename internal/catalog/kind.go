package catalog

import (
	"math/bits"
	"slices"
	"strings"

	"tollgate/internal/money"
)

// Kind is what has a price of its own.
type Kind uint8

// The kinds. Those before WebSearch are priced for a million, the others for
// one piece.
const (
	Input        Kind = iota // tokens read for the first time
	Output                   // tokens written
	CacheRead                // tokens read from a prompt cache
	CacheWrite               // tokens put into a prompt cache for five minutes
	CacheWrite1h             // tokens put into a prompt cache for an hour
	Reasoning                // tokens thought, a part of what is written
	InputAudio
	CacheReadAudio
	OutputAudio
	InputImage
	CacheReadImage
	OutputImage
	Character // characters spoken or embedded

	WebSearch
	FileSearch
	WebFetch
	CodeSession // a session of a hosted interpreter
	ToolCall    // a tool run by a provider that does not tell which
	Request     // the call itself
	Picture     // a generated picture
	RerankUnit
	AudioHour // an hour of sound; seconds are what is counted

	kinds
)

// tools are the kinds of what a provider runs on its side.
var tools = [...]Kind{WebSearch, FileSearch, WebFetch, CodeSession, ToolCall}

var kindNames = [kinds]string{
	"input", "output", "cacheRead", "cacheWrite", "cacheWrite1h", "reasoning", "inputAudio", "cacheReadAudio", "outputAudio",
	"inputImage", "cacheReadImage", "outputImage", "character",
	"webSearch", "fileSearch", "webFetch", "codeSession", "toolCall", "request", "picture", "rerankUnit", "audioHour",
}

// String gives the name used in price lists and records.
func (k Kind) String() string { return kindNames[k] }

// KindNamed finds the kind of a name that String gives.
func KindNamed(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// PerMillion tells that the price is written for a million pieces.
func (k Kind) PerMillion() bool { return k < WebSearch }

// Format writes a price of the kind in dollars, for a million or for one piece.
func (k Kind) Format(p money.Pico) string {
	if k.PerMillion() {
		return p.PerMillion()
	}
	return p.String()
}

// Kinds is a set of kinds.
type Kinds uint32

func setOf(list ...Kind) (s Kinds) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

// Has tells whether k is in the set.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

// Len gives the number of kinds in the set.
func (s Kinds) Len() int { return bits.OnesCount32(uint32(s)) }

// String lists the kinds.
func (s Kinds) String() string {
	var names []string
	for k := range kinds {
		if s.Has(k) {
			names = append(names, k.String())
		}
	}
	return strings.Join(names, ",")
}

// prices are those of one piece of each kind. Kinds outside known have none.
type prices struct {
	known Kinds
	price [kinds]money.Pico
}

// Get gives the price of a kind and whether there is one.
func (r *prices) get(k Kind) (money.Pico, bool) { return r.price[k], r.known.Has(k) }

func (r *prices) set(k Kind, p money.Pico) {
	r.price[k] = p
	r.known |= 1 << k
}

// overlay replaces the prices that over has.
func (r *prices) overlay(over *prices) {
	for k := range kinds {
		if over.known.Has(k) {
			r.set(k, over.price[k])
		}
	}
}

// allZero tells that there are prices, and all are nothing.
func (r *prices) allZero() bool {
	for k := range kinds {
		if r.known.Has(k) && r.price[k] != 0 {
			return false
		}
	}
	return r.known != 0
}
