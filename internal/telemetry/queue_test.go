package telemetry_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/telemetry"
)

// output is a writer that can be made to hang or to fail.
type output struct {
	mu     sync.Mutex
	pieces []string
	gate   chan struct{} // a write waits for it, nil: none does
	err    error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	gate, err := o.gate, o.err
	o.mu.Unlock()
	if gate != nil {
		<-gate
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		return 0, err
	}
	o.pieces = append(o.pieces, string(p))
	return len(p), nil
}

func (o *output) set(gate chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate, o.err = gate, err
}

func (o *output) written() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pieces
}

// running starts a recorder that logs to out; stop ends it and gives what Run returned.
func running(t *testing.T, out *output, buffer int, s telemetry.Settings) (r *telemetry.Recorder, stop func() error) {
	t.Helper()
	r, err := telemetry.New(telemetry.Options{Settings: s, AccessLog: out, AccessLogBuffer: buffer})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return r, func() error {
		cancel()
		return <-ended
	}
}

func TestLinesAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		r, stop := running(t, out, 0, telemetry.Settings{})
		for range 3 {
			r.Record(chat(alice))
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := out.written(); len(got) != 1 || strings.Count(got[0], "\n") != 3 {
			t.Fatalf("after 100 ms: %q", got)
		}
		r.Record(chat(bob))
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := out.written(); len(got) != 2 || !strings.Contains(got[1], "key.name=bob") {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestMuchIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		r, stop := running(t, out, 0, telemetry.Settings{})
		for range 100 {
			r.Record(chat(alice))
		}
		synctest.Wait() // no time passes
		if got := out.written(); len(got) == 0 {
			t.Error("nothing is written before its time is up")
		}
		if err := stop(); err != nil || strings.Count(strings.Join(out.written(), ""), "\n") != 100 {
			t.Errorf("%v, %q", err, out.written())
		}
	})
}

func TestBlockedWriter(t *testing.T) {
	for _, c := range []struct {
		format telemetry.Format
		report string
	}{
		{telemetry.Text, "\twarn\taccess log dropped lines lines=95\n"},
		{telemetry.JSON, `"scope":"access log dropped lines","lines":95}` + "\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			out := &output{gate: make(chan struct{})}
			line := len(logged(t, telemetry.Settings{LogFormat: c.format}, chat(alice)))
			r, stop := running(t, out, 5*line, telemetry.Settings{LogFormat: c.format})
			r.Record(chat(alice))
			time.Sleep(time.Second) // the writer has this one, and hangs
			for range 100 {
				r.Record(chat(alice)) // must not hang
			}
			expect(t, r, "tollgate_access_log_dropped_lines_total 95")
			close(out.gate)
			time.Sleep(time.Second)
			r.Record(chat(bob))
			if err := stop(); err != nil {
				t.Error(err)
			}
			all := strings.Join(out.written(), "")
			if strings.Count(all, "alice") != 2*6 || strings.Count(all, c.report) != 1 || strings.Count(all, "dropped") != 1 {
				t.Errorf("%s", all)
			}
			if strings.Index(all, "dropped") > strings.Index(all, "bob") {
				t.Error("the loss is told too late")
			}
		})
	}
}

func TestFailingWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{err: errors.New("pipe closed")}
		r, stop := running(t, out, 0, telemetry.Settings{})
		r.Record(chat(alice))
		r.Record(chat(alice))
		time.Sleep(time.Second)
		expect(t, r, "tollgate_access_log_dropped_lines_total 2")
		out.set(nil, nil)
		r.Record(chat(bob))
		time.Sleep(time.Second)
		if all := strings.Join(out.written(), ""); !strings.Contains(all, "bob") || !strings.Contains(all, "lines=2\n") {
			t.Errorf("%s", all)
		}
		out.set(nil, errors.New("pipe closed"))
		r.Record(chat(alice))
		if err := stop(); err == nil || !strings.Contains(err.Error(), "pipe closed") {
			t.Errorf("the last lines are lost, and nobody is told: %v", err)
		}
	})
}

func TestHangingWriterDoesNotStopTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{gate: make(chan struct{})}
		r, stop := running(t, out, 0, telemetry.Settings{})
		r.Record(chat(alice))
		time.Sleep(time.Second)
		began := time.Now()
		if err := stop(); err == nil {
			t.Error("no error")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		close(out.gate)
	})
}

func TestNoAccessLog(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	r.Record(chat(alice))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(over); err != nil {
		t.Error(err)
	}
	expect(t, r, "tollgate_access_log_dropped_lines_total 0")
}
