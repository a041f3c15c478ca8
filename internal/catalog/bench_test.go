package catalog_test

import (
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/usage"
)

var use = usage.Usage{InputUncached: 900, CacheRead: 300, OutputText: 120, OutputReasoning: 64, Source: usage.Reported}

func BenchmarkModel(b *testing.B) {
	c := embedded(b)
	b.ReportAllocs()
	for b.Loop() {
		if c.Model("anthropic", "claude-sonnet-4-5-20250929") == nil {
			b.Fatal("not found")
		}
	}
}

func BenchmarkModelCold(b *testing.B) {
	layers, err := catalog.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		catalog.New(layers...).Model("anthropic", "claude-sonnet-4-5-20250929")
	}
}

func BenchmarkQuote(b *testing.B) {
	c, at := embedded(b), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		q := c.Quote(at, "openai", "", "gpt-4o-2024-08-06", "gpt-4o")
		if q.State() != catalog.Known {
			b.Fatal("not found")
		}
	}
}

func BenchmarkCost(b *testing.B) {
	c := embedded(b)
	q := c.Quote(time.Now(), "anthropic", "claude-sonnet-4-5")
	b.ReportAllocs()
	for b.Loop() {
		if q.Cost(&use).Total == 0 {
			b.Fatal("free")
		}
	}
}

func BenchmarkBound(b *testing.B) {
	c := embedded(b)
	q := c.Quote(time.Now(), "openai", "gpt-5")
	ceiling := catalog.Ceiling{Input: 4000, Output: 4096, TextOnly: true, Service: "default"}
	b.ReportAllocs()
	for b.Loop() {
		if cost, missing := q.Bound(&ceiling); cost == 0 || missing != 0 {
			b.Fatal(cost, missing)
		}
	}
}

func BenchmarkEmbedded(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := catalog.ParseOwn("catalog.json", generatedJSON(b)); err != nil {
			b.Fatal(err)
		}
	}
}
