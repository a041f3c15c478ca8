package telemetry_test

import (
	"context"
	"io"
	"testing"

	"tollgate/internal/gateway"
	"tollgate/internal/telemetry"
)

// busy gives a recorder at work, with everything on that is on by default and
// more, and an exchange that fits.
func busy(t testing.TB, log io.Writer) (*telemetry.Recorder, *gateway.Exchange) {
	t.Helper()
	names := &gateway.FieldNames{Metric: []string{"user"}, Log: []string{"team"}}
	r, err := telemetry.New(telemetry.Options{Settings: telemetry.Settings{KeyLabels: []string{"key_id", "key_name"}, Fields: *names}, AccessLog: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	x := chat(alice)
	x.Streamed, x.FieldNames, x.MetricFields, x.LogFields = true, names, []string{"alice"}, []string{"red"}
	return r, x
}

func TestRecordDoesNotAllocate(t *testing.T) {
	for name, log := range map[string]io.Writer{"without log": nil, "with log": io.Discard} {
		r, x := busy(t, log)
		for range 5000 { // the buffers of the log grow to their size
			r.Record(x)
		}
		if n := testing.AllocsPerRun(2000, func() { r.Begin("", ""); r.Record(x) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, c := range []struct {
		name string
		log  io.Writer
	}{{"metrics", nil}, {"metrics+log", io.Discard}} {
		b.Run(c.name, func(b *testing.B) {
			r, x := busy(b, c.log)
			b.ReportAllocs()
			for b.Loop() {
				r.Begin("", "")
				r.Record(x)
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		r, x := busy(b, io.Discard)
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				r.Begin("", "")
				r.Record(x)
			}
		})
	})
}
