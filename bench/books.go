package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tollgate/bench/report"
)

// books compare the requests that tollgate was sent with what its access log
// and its metrics say, so that a fast run is one in which the work was done.
type books struct {
	of      *process // nil without tollgate
	work    report.Work
	metered int64 // by the metrics, before the first round
}

func (s *suite) openBooks(ctx context.Context, running []*process) (*books, error) {
	b := &books{of: find(running, report.Tollgate)}
	if b.of == nil {
		return b, nil
	}
	// What was logged up to here were the requests of the inspection.
	if _, err := b.drainLog(ctx, 1); err != nil {
		return nil, err
	}
	var err error
	b.metered, err = metered(ctx, b.of.stats)
	return b, err
}

func (b *books) count(ctx context.Context, sent int) error {
	b.work.Requests += int64(sent)
	lines, err := b.drainLog(ctx, int64(sent))
	b.work.LogLines += lines
	return err
}

func (s *suite) closeBooks(ctx context.Context, b *books) error {
	if b.of == nil {
		return nil
	}
	total, err := metered(ctx, b.of.stats)
	if err != nil {
		return err
	}
	b.work.Metered = total - b.metered
	s.results.Work = &b.work
	return nil
}

// drainLog counts the lines about requests, waiting a little for the last of
// the expected ones, and empties the log.
func (b *books) drainLog(ctx context.Context, expected int64) (int64, error) {
	var lines int64
	for range 20 {
		file, err := os.Open(b.of.logPath)
		if err != nil {
			return 0, fmt.Errorf("reading the access log: %w", err)
		}
		lines, err = countLines(file, []byte("/v1/chat/completions"))
		_ = file.Close()
		if err != nil {
			return 0, fmt.Errorf("reading the access log: %w", err)
		}
		if lines >= expected {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return lines, os.Truncate(b.of.logPath, 0)
}

// countLines counts the lines that contain a text.
func countLines(r io.Reader, text []byte) (int64, error) {
	var n int64
	buf := make([]byte, 256<<10)
	kept := 0
	for {
		read, err := r.Read(buf[kept:])
		data := buf[:kept+read]
		end := bytes.LastIndexByte(data, '\n') + 1
		for line := range bytes.Lines(data[:end]) {
			if bytes.Contains(line, text) {
				n++
			}
		}
		kept = copy(buf, data[end:])
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		case kept == len(buf):
			return n, errors.New("a line is longer than the buffer")
		}
	}
}

// metered gives the number of exchanges whose answer's tokens were counted.
func metered(ctx context.Context, stats string) (int64, error) {
	text, err := get(ctx, "http://"+stats+"/metrics")
	if err != nil {
		return 0, fmt.Errorf("reading the metrics: %w", err)
	}
	return sumMetric(text, "agentgateway_gen_ai_client_token_usage_count", `gen_ai_token_type="output"`)
}

// sumMetric adds up the series of a metric that have a label.
func sumMetric(text []byte, name, label string) (int64, error) {
	var sum float64
	for line := range strings.Lines(string(text)) {
		labels, ok := strings.CutPrefix(line, name+"{")
		if !ok || !strings.Contains(labels, label) {
			continue
		}
		value := strings.Fields(labels[strings.LastIndexByte(labels, '}')+1:])
		if len(value) == 0 {
			return 0, fmt.Errorf("metric without value: %q", line)
		}
		v, err := strconv.ParseFloat(value[0], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %q: %w", line, err)
		}
		sum += v
	}
	return int64(sum), nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken) // metrics ask for none
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, res.Status)
	}
	return body, err
}

// profileSeconds is how long a CPU profile is taken.
const profileSeconds = 8

// profiles takes profiles of tollgate, and of tollgate with limits.
func (s *suite) profiles(ctx context.Context, running []*process) error {
	for _, subject := range []string{report.Tollgate, report.Limited} {
		if p := find(running, subject); p != nil {
			if err := s.profilesOf(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// profilesOf puts a process under the loads that goals are about and asks its
// admin listener for CPU profiles, after everything was measured.
func (s *suite) profilesOf(ctx context.Context, p *process) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	long := *s
	long.seconds = profileSeconds + 2
	for _, sc := range scenarios {
		if sc.name != report.JSON64 && sc.name != report.Burst && sc.name != report.Paced {
			continue
		}
		taken := make(chan error, 1)
		go func() {
			text, err := get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.admin, profileSeconds))
			if err == nil {
				err = os.WriteFile(filepath.Join(s.out, p.name+"-cpu-"+sc.name+".pprof"), text, 0o644)
			}
			taken <- err
		}()
		_, _, err := long.sample(ctx, sc, p)
		if err = errors.Join(err, <-taken); err != nil {
			return fmt.Errorf("profile of %s: %w", sc.name, err)
		}
		note("profile of %s under %s: %s", p.name, sc.name, filepath.Join(s.out, p.name+"-cpu-"+sc.name+".pprof"))
	}
	text, err := get(ctx, "http://"+p.admin+"/debug/pprof/allocs")
	if err != nil {
		return fmt.Errorf("profile of allocations: %w", err)
	}
	return os.WriteFile(filepath.Join(s.out, p.name+"-allocs.pprof"), text, 0o644)
}
