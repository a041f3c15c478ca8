package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/usage"
)

// model is something that applications call.
type model struct {
	asked, sent, provider string
	dialect, operation    string
	share                 float64 // of all requests
	input, output         float64 // tokens of a usual request
	cached                float64 // the part of the input that usually comes from a cache
}

var models = []model{
	{"gpt-5", "gpt-5", "openai", "openai", "responses", 14, 14200, 1900, 0.45},
	{"gpt-5-mini", "gpt-5-mini", "openai", "openai", "chat", 24, 5400, 620, 0.30},
	{"gpt-4.1", "gpt-4.1", "openai", "openai", "chat", 8, 6800, 560, 0.20},
	{"claude-sonnet-4-5", "claude-sonnet-4-5", "anthropic", "anthropic", "messages", 18, 19200, 1850, 0.60},
	{"claude-haiku-4-5", "claude-haiku-4-5", "anthropic", "anthropic", "messages", 13, 6500, 580, 0.35},
	{"gemini-2.5-flash", "gemini-2.5-flash", "google", "openai", "chat", 10, 8600, 720, 0.10},
	{"mistral-large", "mistral-large-latest", "mistral", "openai", "chat", 5, 4100, 500, 0},
	{"text-embedding-3-small", "text-embedding-3-small", "openai", "openai", "embeddings", 8, 2900, 0, 0},
}

// quotes gives the price of every model, by the lists of the program.
func quotes(at time.Time) ([]catalog.Quote, *catalog.Catalog, error) {
	layers, err := catalog.Embedded()
	if err != nil {
		return nil, nil, err
	}
	prices := catalog.New(layers...)
	all := make([]catalog.Quote, len(models))
	for i, m := range models {
		all[i] = prices.Quote(at, m.provider, m.sent)
		if all[i].State() == catalog.Unknown {
			return nil, nil, fmt.Errorf("the price lists of the program know no price of %s at %s: change the models of the seeder", m.sent, m.provider)
		}
	}
	return all, prices, nil
}

// consumption draws what a request to a model uses.
func (m *model) consumption(r *rand.Rand) usage.Usage {
	input := 20 + int64(m.input*math.Exp(0.8*r.NormFloat64()))
	cached := int64(0)
	if r.Float64() < 0.6 {
		cached = int64(float64(input) * m.cached * r.Float64() * 1.6)
	}
	cached = min(cached, input*9/10)
	u := usage.Usage{InputUncached: input - cached, CacheRead: cached}
	if m.output > 0 {
		u.OutputText = 1 + int64(m.output*math.Exp(0.7*r.NormFloat64()))
		if m.sent == "gpt-5" {
			u.OutputReasoning = u.OutputText / 3
			u.OutputText -= u.OutputReasoning
		}
	}
	return u
}

// usualCost is about what a request costs, in dollars.
func usualCost(quotes []catalog.Quote) float64 {
	const samples = 400
	r, total, shares := rand.New(rand.NewPCG(1, 2)), 0.0, 0.0
	for i := range models {
		sum := 0.0
		for range samples {
			u := models[i].consumption(r)
			sum += float64(quotes[i].Cost(&u).Total) / 1e9
		}
		total += models[i].share * sum / samples
		shares += models[i].share
	}
	return total / shares
}
