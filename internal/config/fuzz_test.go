package config_test

import (
	"testing"
)

// FuzzLoad holds that no text makes Load panic, and that whatever is wrong with
// one is told with its line.
func FuzzLoad(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
	}
	for _, tt := range each {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("{}"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? [a]\n: b"))
	f.Add([]byte("llm: !!map {models: !!seq [~, !!str x, 2001-01-01, .inf, 0x1F]}"))
	f.Add([]byte("llm: {models: [{name: &n a, provider: {*n : x}}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, report := sampleWorld.load(string(text))
		if c == nil {
			t.Fatal("no configuration")
		}
		for _, p := range append(report.Problems, report.Warnings...) {
			if p.Line < 1 || p.Column < 1 || p.File != "c.yaml" || p.Message == "" {
				t.Errorf("a problem without a place: %s", p)
			}
		}
		if report.Err() == nil {
			if _, err := c.Dump(); err != nil {
				t.Errorf("cannot be dumped: %v", err)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, report := sampleWorld.load(modelSample); report.Err() != nil {
			b.Fatal(report.Err())
		}
	}
}
