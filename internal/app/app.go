package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/adminapi"
	"tollgate/internal/config"
	"tollgate/internal/dataplane"
	"tollgate/internal/gateway"
	"tollgate/internal/provider/transports"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/telemetry"
)

// defaultDataDir is where what outlives the process is kept, relative to the
// working directory.
const defaultDataDir = "tollgate-data"

// embedded is the configuration of a start without one: the simulated provider
// behind one virtual key, which is added from the data directory.
const embedded = `llm:
  policies:
    apiKey: {mode: strict, keys: []}
  models:
  - name: simulated
    provider: simulated
`

// Options are what a program is made of.
type Options struct {
	File    string // configuration file; "-" standard input
	Inline  string // configuration text instead of a file
	Strict  bool
	DataDir string // "": the configuration's, else defaultDataDir
	Version string

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
}

func (o *Options) env(name string) string {
	value, _ := o.LookupEnv(name)
	return value
}

// App is the program, ready to run.
type App struct {
	options    Options
	began      time.Time
	log        *slog.Logger
	level      *slog.LevelVar
	parts      snapshot.Parts
	transports *transports.Chooser
	recorder   *telemetry.Recorder
	gateway    *gateway.Gateway
	surface    *dataplane.Server
	listeners  *listeners
	accessLog  io.Closer // nil: not a file of ours
	admin      []*http.Server
	started    *starter // nil: not on embedded defaults
	stdin      []byte   // what standard input said

	reloading sync.Mutex
	config    atomic.Pointer[config.Config]
	ready     atomic.Bool
	first     *loaded // until it is in force
}

// loaded is a configuration that was read and compiled.
type loaded struct {
	config   *config.Config
	report   *config.Report
	compiled *snapshot.Compiled
	settings telemetry.Settings
}

// New reads and compiles the configuration and builds every part. It starts
// nothing and opens no address. A configuration with problems is a *config.Problems.
func New(o Options) (*App, error) {
	a := newApp(o)
	l, _, err := a.read()
	if err != nil {
		return nil, err
	}
	a.warn(l.report)
	a.setLevel(l.config)
	if err := a.build(l); err != nil {
		return nil, err
	}
	a.first = l
	return a, nil
}

// Validate does all that a start would do with a configuration but serve by it.
func Validate(o Options) error {
	a := newApp(o)
	l, _, err := a.read()
	if err != nil {
		return err
	}
	a.warn(l.report)
	return nil
}

func newApp(o Options) *App {
	level := new(slog.LevelVar)
	logger := slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: level}))
	a := &App{options: o, began: time.Now(), log: logger, level: level, transports: transports.New()}
	a.parts = snapshot.Parts{
		Transport: a.transports, Limits: ratelimit.NewRegistry(a.began), Health: routing.NewRegistry(),
		Now: time.Now, Started: a.began, Version: o.Version,
	}
	return a
}

// embeddedDefaults tells that no configuration was named.
func (a *App) embeddedDefaults() bool { return a.options.File == "" && a.options.Inline == "" }

// read loads and compiles the configuration without touching what is live. The
// report is nil if the source could not be read at all.
func (a *App) read() (*loaded, *config.Report, error) {
	src, err := a.source()
	if err != nil {
		return nil, nil, err
	}
	c, report := config.Load(src, config.Options{LookupEnv: a.options.LookupEnv, Strict: a.options.Strict})
	if a.embeddedDefaults() && a.started == nil {
		if a.started, err = a.starter(c); err != nil {
			return nil, report, err
		}
		a.parts.Keys, a.parts.Pepper = append(a.parts.Keys, a.started.entry), a.started.pepper
	}
	compiled := snapshot.Compile(c, report, a.parts)
	var settings telemetry.Settings
	if compiled != nil {
		if settings, err = a.settings(c, report, compiled); err != nil {
			report.Add(config.Position{File: src.Name}, "%v", err)
		}
	}
	if err := report.Err(); err != nil {
		return nil, report, err
	}
	return &loaded{config: c, report: report, compiled: compiled, settings: settings}, report, nil
}

func (a *App) source() (config.Source, error) {
	switch {
	case a.options.Inline != "":
		return config.Source{Name: "--config", Text: []byte(a.options.Inline)}, nil
	case a.options.File == "-":
		return a.standardInput()
	case a.options.File != "":
		return config.ReadSource(a.options.File)
	default:
		return config.Source{Name: "embedded defaults", Text: []byte(embedded)}, nil
	}
}

// standardInput gives the configuration of standard input, which can be read
// only once, also for the reloads when a file that it refers to changes.
func (a *App) standardInput() (config.Source, error) {
	if a.stdin == nil {
		text, err := io.ReadAll(a.options.Stdin)
		if err != nil {
			return config.Source{}, fmt.Errorf("read the configuration from standard input: %w", err)
		}
		a.stdin = text
	}
	return config.Source{Name: "standard input", Text: a.stdin}, nil
}

func (a *App) dataDir(c *config.Config) string {
	return cmp.Or(a.options.DataDir, c.Tollgate.DataDir, defaultDataDir)
}

func (a *App) warn(r *config.Report) {
	for _, w := range r.Warnings {
		a.log.Warn("configuration: " + w.String())
	}
}

func (a *App) setLevel(c *config.Config) {
	var level slog.Level
	text := string(c.Process.Logging.Level)
	if text == "trace" {
		text = "debug"
	}
	if text == "" || level.UnmarshalText([]byte(text)) != nil {
		return
	}
	a.level.Set(level)
}

// build makes the parts that live as long as the process.
func (a *App) build(l *loaded) error {
	c := l.config
	if c.Process.Logging.Format == "json" {
		a.log = slog.New(slog.NewJSONHandler(a.options.Stderr, &slog.HandlerOptions{Level: a.level}))
	}
	// What libraries have to say goes the same way as everything else.
	log.SetFlags(0)
	log.SetOutput(quietly{a.log})

	accessLog, err := a.openAccessLog(c)
	if err != nil {
		return err
	}
	a.recorder, err = telemetry.New(telemetry.Options{
		Settings: l.settings, Version: a.options.Version, AccessLog: accessLog, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.gateway = gateway.New(gateway.Options{
		Snapshot: l.compiled.Snapshot, Quota: quota.NewEngine(a.parts.Now), Recorder: a.recorder, Tracer: a.recorder, Log: a.log,
	})
	a.surface = &dataplane.Server{
		Gateway: a.gateway, Log: a.log, MaxBody: a.gateway.MaxBody,
		BodyTimeout: c.Tollgate.BodyTimeout, WriteTimeout: c.Tollgate.WriteTimeout,
	}
	a.listeners = newListeners(a.surface, a.log, a.recorder.Connections)
	return nil
}

func (a *App) openAccessLog(c *config.Config) (io.Writer, error) {
	switch {
	case !c.Tollgate.AccessLog.Enabled:
		return nil, nil
	case c.Tollgate.AccessLog.Path == "":
		return a.options.Stdout, nil
	}
	f, err := os.OpenFile(c.Tollgate.AccessLog.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open the access log: %w", err)
	}
	a.accessLog = f
	return f, nil
}

// Run serves until ctx is over, then drains. A second interrupt ends it at once:
// the caller restores the usual handling of signals when ctx is over.
func (a *App) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	recorded := make(chan error, 1)
	running.Go(func() { recorded <- a.recorder.Run(background) })

	err := a.serve(ctx)
	a.ready.Store(false)
	if err == nil {
		a.log.Info("draining: no new connections; requests under way may finish", "for", a.grace())
	}
	if a.config.Load() != nil {
		a.listeners.drain(a.grace())
	}
	for _, s := range a.admin {
		_ = s.Close()
	}
	stop()
	running.Wait()
	a.transports.Close()
	err = errors.Join(err, <-recorded)
	if a.accessLog != nil {
		err = errors.Join(err, a.accessLog.Close())
	}
	return err
}

// serve starts everything and waits for the end.
func (a *App) serve(ctx context.Context) error {
	failed := make(chan error, 4)
	if err := a.openAdmin(a.first.config, failed); err != nil {
		return err
	}
	if err := a.force(a.first); err != nil {
		return err
	}
	first := a.first
	a.first = nil
	a.recorder.Loaded(nil)
	a.ready.Store(true)
	a.announce(first)

	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.options.File != "" || a.options.Inline != "" {
		watching.Go(func() { a.watch(ctx, first.report, failed) })
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	case err := <-a.listeners.failed:
		return err
	}
}

func (a *App) grace() time.Duration {
	if c := a.config.Load(); c != nil {
		return c.Tollgate.DrainTimeout
	}
	return 5 * time.Second
}

// force puts a compiled configuration in force: whole, or not at all.
func (a *App) force(l *loaded) error {
	addresses := make([]wanted, 0, len(l.compiled.Snapshot.Binds))
	for _, b := range l.compiled.Snapshot.Binds {
		addresses = append(addresses, wanted{bind: b.Name, address: b.Address, tls: b.TLS})
	}
	change, err := a.listeners.prepare(addresses)
	if err != nil {
		return err
	}
	if err := a.recorder.Apply(l.settings); err != nil {
		change.abandon()
		return err
	}
	a.gateway.Swap(l.compiled.Snapshot)
	l.compiled.Limits.Commit(a.parts.Now())
	a.parts.Health.Keep(l.compiled.Targets)
	a.config.Store(l.config)
	a.listeners.commit(change, l.config.Tollgate.DrainTimeout)
	return nil
}

// openAdmin opens the listeners for operators.
func (a *App) openAdmin(c *config.Config, failed chan<- error) error {
	admin := &adminapi.Admin{
		Metrics: a.recorder.Handler(), Dump: func() ([]byte, error) { return a.config.Load().Dump() }, Level: a.level,
		Token: secret.New(a.options.env("TOLLGATE_ADMIN_TOKEN")), Version: a.options.Version,
	}
	pending := func() []string {
		if a.ready.Load() {
			return nil
		}
		return []string{"configuration"}
	}
	for _, s := range []struct {
		what    string
		at      config.Address
		handler http.Handler
	}{
		{"admin", c.Process.AdminAddr, admin.Handler()},
		{"metrics", c.Process.StatsAddr, admin.StatsHandler()},
		{"readiness", c.Process.ReadinessAddr, adminapi.ReadyHandler(pending)},
	} {
		if s.at.Off() {
			continue
		}
		l, err := listen(s.at.Value)
		if err != nil {
			return fmt.Errorf("open the %s listener: %w", s.what, err)
		}
		server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 15 * time.Second, ErrorLog: log.New(quietly{a.log}, "", 0)}
		a.admin = append(a.admin, server)
		go serveAdmin(server, l, s.what, failed)
	}
	return nil
}

// serveAdmin ends when Run closes the server.
func serveAdmin(s *http.Server, l net.Listener, what string, failed chan<- error) {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("serve the %s listener: %w", what, err)
	}
}

// watch reloads on every change of the configuration's files, until ctx is over.
func (a *App) watch(ctx context.Context, report *config.Report, failed chan<- error) {
	w := config.NewWatcher(report)
	err := w.Run(ctx, func() {
		if report := a.reload(); report != nil {
			w.Watch(report)
		}
	})
	if err != nil && ctx.Err() == nil {
		failed <- fmt.Errorf("watch the configuration: %w", err)
	}
}

// reload puts a changed configuration in force, or says why it does not and
// leaves everything as it is. It gives the report with the files to watch from
// now on, also those that could not be read; nil if they are the same.
func (a *App) reload() *config.Report {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	l, report, err := a.read()
	if err == nil {
		err = a.force(l)
	}
	a.recorder.Loaded(err)
	if err != nil {
		for line := range bytes.Lines([]byte(err.Error())) {
			a.log.Error("Failed to reload config; the previous one stays in force", "error", string(bytes.TrimSpace(line)))
		}
		return report
	}
	a.warn(report)
	a.setLevel(l.config)
	a.log.Info("configuration reloaded", "file", a.options.File)
	return report
}
