package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/bench/fakeprovider"
	"tollgate/bench/load"
	"tollgate/bench/proc"
	"tollgate/bench/report"
)

const (
	starts      = 7
	settle      = 2 * time.Second // before memory is called idle
	openStreams = 2000
	holdFor     = 4 * time.Second
)

// footprints measures start-up and memory, each time of a fresh process.
func (s *suite) footprints(ctx context.Context) error {
	for _, subject := range s.subjects {
		if subject == report.Direct {
			continue
		}
		s.results.Footprints = append(s.results.Footprints, report.Footprint{Subject: subject})
	}
	for i := range starts {
		for j := range s.results.Footprints {
			f := &s.results.Footprints[j]
			if err := s.footprint(ctx, f, i == starts-1); err != nil {
				return fmt.Errorf("footprint of %s: %w", f.Subject, err)
			}
		}
	}
	return nil
}

func (s *suite) footprint(ctx context.Context, f *report.Footprint, withMemory bool) error {
	p, err := s.start(ctx, f.Subject)
	if err != nil {
		return err
	}
	defer p.stop()
	f.StartMillis = append(f.StartMillis, float64(p.took)/float64(time.Millisecond))
	if !withMemory {
		return nil
	}
	if err := pause(ctx, settle); err != nil {
		return err
	}
	if f.IdleBytes, err = proc.Default.Resident(p.pids); err != nil {
		return err
	}
	requests := load.Requests(p.streamAddr, fakeprovider.ModelHeld, true, s.keys)
	var failed error
	err = load.Hold(ctx, p.streamAddr, requests, openStreams, func() {
		f.StreamBytes, failed = mostResident(ctx, p.pids)
	})
	f.Streams = openStreams
	note("%-9s start %.0f ms, idle %.1f MB, %d streams %.1f MB", f.Subject, f.StartMillis[len(f.StartMillis)-1],
		float64(f.IdleBytes)/1e6, f.Streams, float64(f.StreamBytes)/1e6)
	return errors.Join(err, failed)
}

// mostResident watches memory for a while, since a collector makes it rise and
// fall, and gives the most.
func mostResident(ctx context.Context, pids []int) (int64, error) {
	var most int64
	for until := time.Now().Add(holdFor); time.Now().Before(until); {
		n, err := proc.Default.Resident(pids)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return most, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
