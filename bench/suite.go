package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/bench/fakeprovider"
	"tollgate/bench/load"
	"tollgate/bench/proc"
	"tollgate/bench/report"
)

// keyCount is the number of virtual keys.
const keyCount = 1000

// suite is one run of the benchmark.
type suite struct {
	options
	dir             string // for configurations and logs
	pinned          bool
	nginx, tollgate string // programs
	provider        string // address of the fake provider
	loadPIDs        []int  // this process and the fake provider
	keys            []string
	subjects        []string
	results         *report.Results
}

// measure does everything and leaves nothing running.
func measure(ctx context.Context, root string, opt options) (*report.Results, error) {
	chosen, withFootprint, err := choose(opt.only)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tollgate-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a place for configurations: %w", err)
	}
	defer os.RemoveAll(dir)
	s := &suite{options: opt, dir: dir, keys: load.Keys(keyCount), subjects: strings.Split(opt.subjects, ",")}
	if err := s.prepare(ctx, root); err != nil {
		return nil, err
	}
	stop, err := s.startProvider()
	if err != nil {
		return nil, err
	}
	defer stop()
	if withFootprint {
		if err := s.footprints(ctx); err != nil {
			return nil, err
		}
	}
	if len(chosen) > 0 {
		if err := s.compare(ctx, chosen); err != nil {
			return nil, err
		}
	}
	return s.results, nil
}

// prepare finds or builds the programs, describes the machine, and takes this
// process to its core.
func (s *suite) prepare(ctx context.Context, root string) error {
	machine, err := proc.Default.Machine()
	if err != nil {
		return err
	}
	s.results = &report.Results{Date: time.Now(), Machine: machine}
	s.results.Versions.Go = runtime.Version()
	for _, subject := range s.subjects {
		switch subject {
		case report.Direct:
		case report.Nginx:
			if s.nginx, s.results.Versions.Nginx, err = findNginx(); err != nil {
				return err
			}
		case report.Tollgate, report.Limited:
			if s.tollgate != "" {
				continue
			}
			if s.tollgate = s.binary; s.tollgate == "" {
				if s.tollgate, err = buildTollgate(ctx, root, s.dir); err != nil {
					return err
				}
			}
			s.results.Versions.Tollgate = versionOf(s.tollgate)
		default:
			return fmt.Errorf("there is no subject %q", subject)
		}
	}
	if err := s.pin(); err != nil {
		return err
	}
	s.results.Settings = report.Settings{Rounds: s.rounds, Seconds: s.seconds, Keys: len(s.keys), Pinned: s.pinned}
	return nil
}

// pin takes the load to its core, if there are two.
func (s *suite) pin() error {
	if runtime.NumCPU() < 2 {
		return nil
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		note("taskset is missing (package util-linux): nothing is pinned")
		return nil
	}
	out, err := exec.Command("taskset", "-acp", strconv.Itoa(loadCore), strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taking the load to core %d: %w\n%s", loadCore, err, out)
	}
	runtime.GOMAXPROCS(1)
	s.pinned = true
	return nil
}

// start runs a subject. The direct one is the provider, which runs already.
func (s *suite) start(ctx context.Context, subject string) (*process, error) {
	switch subject {
	case report.Nginx:
		return s.startNginx(ctx)
	case report.Tollgate, report.Limited:
		return s.startTollgate(ctx, subject)
	default:
		return &process{name: subject, addr: s.provider, streamAddr: s.provider}, nil
	}
}

// compare runs the rounds. Within a round the subjects follow each other in
// each scenario, so that they meet the same machine; who is first changes.
func (s *suite) compare(ctx context.Context, chosen []scenario) error {
	var running []*process
	defer func() {
		for _, p := range running {
			if p.cmd != nil {
				p.stop()
			}
		}
	}()
	for _, subject := range s.subjects {
		p, err := s.start(ctx, subject)
		if err != nil {
			return err
		}
		running = append(running, p)
		if err := s.inspect(ctx, p); err != nil {
			return fmt.Errorf("%s does not do its work: %w", subject, err)
		}
	}
	books, err := s.openBooks(ctx, running)
	if err != nil {
		return err
	}
	for _, sc := range chosen {
		s.results.Scenarios = append(s.results.Scenarios, report.Scenario{Name: sc.name, Title: sc.title, Stream: sc.stream, Paced: sc.paced()})
	}
	for round := range s.rounds {
		for i, sc := range chosen {
			samples, err := s.quietRound(ctx, round, sc, running, books)
			if err != nil {
				return err
			}
			into := &s.results.Scenarios[i]
			into.Rounds = append(into.Rounds, samples)
		}
	}
	if err := s.closeBooks(ctx, books); err != nil {
		return err
	}
	if s.profile {
		return s.profiles(ctx, running)
	}
	return nil
}

// quietRound makes a round, and makes it again while others use the cores. If
// they never stop, the round that suffered least counts.
func (s *suite) quietRound(ctx context.Context, round int, sc scenario, running []*process, books *books) (report.Round, error) {
	best, err := s.round(ctx, round, sc, running, books)
	for i := 0; err == nil && i < s.repeats && best.Disturbance() > report.Tolerable; i++ {
		note("round %d  %-9s others used %.0f %% of a core: once more", round+1, sc.name, 100*best.Disturbance())
		s.results.Settings.Repeated++
		var again report.Round
		if again, err = s.round(ctx, round, sc, running, books); again.Disturbance() < best.Disturbance() {
			best = again
		}
	}
	return best, err
}

func (s *suite) round(ctx context.Context, round int, sc scenario, running []*process, books *books) (report.Round, error) {
	var samples report.Round
	for i := range running {
		p := running[(i+round)%len(running)]
		sample, sent, err := s.sample(ctx, sc, p)
		if err != nil {
			return nil, fmt.Errorf("round %d, %s, %s: %w", round+1, sc.name, p.name, err)
		}
		note("round %d  %-9s %-9s %9.0f/s  %6.1f µs CPU  p50 %6.0f µs  p99 %6.0f µs",
			round+1, sc.name, p.name, sample.PerSecond, sample.CPUMicros, sample.P50Micros, sample.P99Micros)
		samples = append(samples, sample)
		if p == books.of {
			if err := books.count(ctx, sent); err != nil {
				return nil, err
			}
		}
	}
	return samples, nil
}

// sample measures one subject under one load.
func (s *suite) sample(ctx context.Context, sc scenario, p *process) (report.Sample, int, error) {
	cfg := sc.config(p.address(sc.stream), s.keys, seconds(s.warmUp), seconds(s.seconds))
	var before, after clocks
	var failed [2]error
	cfg.Begin = func() { before, failed[0] = s.readClocks(p) }
	cfg.End = func() { after, failed[1] = s.readClocks(p) }
	result, err := load.Run(ctx, cfg)
	if err = errors.Join(err, failed[0], failed[1]); err != nil {
		return report.Sample{}, 0, err
	}
	cpu := after.cpu - before.cpu
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return report.Sample{
		Subject:        p.name,
		PerSecond:      result.PerSecond(),
		CPUMicros:      micros(cpu) / result.Answers,
		P50Micros:      micros(result.Latency.Quantile(0.50)),
		P99Micros:      micros(result.Latency.Quantile(0.99)),
		FirstP50Micros: micros(result.FirstByte.Quantile(0.50)),
		FirstP99Micros: micros(result.FirstByte.Quantile(0.99)),
		OtherLoad:      max(0, after.others(before).Seconds()/result.Seconds),
	}, result.Sent, nil
}

// clocks are CPU times at one moment: of a subject, of load and provider, and
// how long the core of each was busy.
type clocks struct{ cpu, gatewayCore, load, loadCore time.Duration }

func (s *suite) readClocks(p *process) (c clocks, err error) {
	var failed [4]error
	c.cpu, failed[0] = proc.Default.CPU(p.pids)
	c.load, failed[1] = proc.Default.CPU(s.loadPIDs)
	if s.pinned {
		c.gatewayCore, failed[2] = proc.Default.Busy(gatewayCore)
		c.loadCore, failed[3] = proc.Default.Busy(loadCore)
	}
	return c, errors.Join(failed[:]...)
}

// others is the time since before that the core which suffered more was busy
// with something else.
func (c clocks) others(before clocks) time.Duration {
	gateway := (c.gatewayCore - before.gatewayCore) - (c.cpu - before.cpu)
	load := (c.loadCore - before.loadCore) - (c.load - before.load)
	return max(gateway, load)
}

// inspect makes sure, with another client than the load's, that a subject
// answers in full, and that tollgate refuses a key that it does not know.
func (s *suite) inspect(ctx context.Context, p *process) error {
	status, body, err := ask(ctx, p.addr, s.keys[1], load.Body(fakeprovider.ModelJSON, false))
	var answer struct {
		Usage struct {
			CompletionTokens int `json:"completion_tokens"`
		} `json:"usage"`
	}
	err = errors.Join(err, json.Unmarshal(body, &answer))
	if err != nil || status != http.StatusOK || answer.Usage.CompletionTokens != fakeprovider.CompletionTokens {
		return fmt.Errorf("JSON: %d %.200q: %w", status, body, err)
	}
	status, body, err = ask(ctx, p.streamAddr, s.keys[1], load.Body(fakeprovider.ModelBurst, true))
	if err = errors.Join(err, load.CheckStream(body)); err != nil || status != http.StatusOK {
		return fmt.Errorf("stream: %d %.200q: %w", status, body, err)
	}
	if p.name != report.Tollgate && p.name != report.Limited {
		return nil
	}
	status, body, err = ask(ctx, p.addr, "sk-bench-unknown", load.Body(fakeprovider.ModelJSON, false))
	if err != nil || status != http.StatusUnauthorized {
		return fmt.Errorf("an unknown key gets %d %.200q: %w", status, body, err)
	}
	return nil
}

func find(running []*process, name string) *process {
	i := slices.IndexFunc(running, func(p *process) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return running[i]
}

// note tells the person who waits.
func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
