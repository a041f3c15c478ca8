package app

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/dataplane"
	"tollgate/internal/gateway"
	"tollgate/internal/provider/transports"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
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
	// Hangup asks for the configuration to be read and the access log to be
	// opened again; nil: nobody does.
	Hangup <-chan os.Signal
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
	accessLog  *logFile // nil: not a file of ours
	admin      []*http.Server
	serving    sync.WaitGroup // of admin
	started    *starter       // nil: not on embedded defaults
	stdin      []byte         // what standard input said

	reloading sync.Mutex
	config    atomic.Pointer[config.Config]
	ready     atomic.Bool
	draining  atomic.Bool
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
	if err := a.build(l); err != nil {
		return nil, err
	}
	a.warn(l.report)
	a.setLevel(l.config)
	a.config.Store(l.config)
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
		Proxy: func(u *url.URL) (*url.URL, error) { return http.ProxyFromEnvironment(&http.Request{URL: u}) },
	}
	return a
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
	f := &logFile{path: c.Tollgate.AccessLog.Path}
	if err := f.reopen(); err != nil {
		return nil, err
	}
	a.accessLog = f
	return f, nil
}
