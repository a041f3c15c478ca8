package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/config"
	"tollgate/internal/control"
	"tollgate/internal/dataplane"
	"tollgate/internal/gateway"
	"tollgate/internal/history"
	"tollgate/internal/provider/transports"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/record"
	"tollgate/internal/routing"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/store"
	"tollgate/internal/telemetry"
	"tollgate/internal/vkey"
)

// defaultDataDir is where what outlives the process is kept, relative to the
// working directory.
const defaultDataDir = "tollgate-data"

// embedded is the configuration of a start without one: the simulated provider
// for whoever has a virtual key of the database.
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
	Program string // what the program was called by, for commands to paste; "": tollgate
	// Kubernetes says which cluster to follow; nil: none.
	Kubernetes *Kubernetes
	// Repair goes on with a database that does not verify, and puts that on record.
	Repair bool

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	// Hangup asks for the configuration to be read and the access log to be
	// opened again; nil: nobody does.
	Hangup <-chan os.Signal
}

// Kubernetes says which cluster is followed, and what of it. All may be empty.
type Kubernetes struct {
	Kubeconfig string // file; "": $KUBECONFIG, the cluster that the program runs in, or ~/.kube/config
	Class      string // name of the one GatewayClass to serve; "": all that name tollgate
	Gateway    string // the one Gateway to serve, as NAMESPACE/NAME; "": all of the classes
	Namespace  string // the one namespace to watch; "": all
	Address    string // where Gateways are reached that have no Service of their name
	Bind       string // IP address that Gateways listen on; "": all
	Local      bool   // lets Backends name addresses of this machine and its link
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
	prices     *prices
	data       *data // nil while a configuration is only checked
	keys       *vkey.Directory
	control    *control.Control
	cluster    cluster // none unless Options.Kubernetes says so
	recorder   *telemetry.Recorder
	history    *history.History
	gateway    *gateway.Gateway
	surface    *dataplane.Server
	listeners  *listeners
	accessLog  *logFile // nil: not a file of ours
	admin      []*http.Server
	serving    sync.WaitGroup // of admin
	adminURL   string         // "" without an admin listener
	stdin      []byte         // what standard input said

	reloading sync.Mutex
	shared    []*budget.Limit // of the database
	strays    []*budget.Limit // stored ones that the books count in another window
	config    atomic.Pointer[config.Config]
	compiled  atomic.Pointer[snapshot.Compiled]
	reloaded  atomic.Pointer[reloading]
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
	prices   []*catalog.Layer
}

// New reads the configuration, opens the data directory and builds every part. It
// starts nothing and opens no address. A configuration with problems is a
// *config.Problems.
func New(o Options) (_ *App, err error) {
	a, err := newApp(o)
	if err != nil {
		return nil, err
	}
	c, report, err := a.load()
	if err != nil {
		return nil, err
	}
	if report.Err() != nil { // all problems are told at once
		_, err := a.compile(c, report)
		return nil, err
	}
	if err := a.open(context.Background(), c); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.data.store.Close())
		}
	}()
	if err := a.connect(); err != nil {
		return nil, err
	}
	if o.Kubernetes != nil { // nothing is served or declared before the cluster is known
		c = without(c)
	}
	l, err := a.compile(c, report)
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

// Validate does all that a start would do with a configuration but serve by it. It
// opens no data directory.
func Validate(o Options) error {
	a, err := newApp(o)
	if err != nil {
		return err
	}
	c, report, err := a.load()
	if err != nil {
		return err
	}
	if _, err := a.compile(c, report); err != nil {
		return err
	}
	a.warn(report)
	return nil
}

func newApp(o Options) (*App, error) {
	level := new(slog.LevelVar)
	logger := slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: level}))
	prices, err := newPrices()
	if err != nil {
		return nil, err
	}
	a := &App{options: o, began: time.Now(), log: logger, level: level, transports: transports.New(), prices: prices}
	a.parts = snapshot.Parts{
		Transport: a.transports, Limits: ratelimit.NewRegistry(a.began), Health: routing.NewRegistry(),
		Now: time.Now, Started: a.began, Version: o.Version,
		Proxy: func(u *url.URL) (*url.URL, error) { return http.ProxyFromEnvironment(&http.Request{URL: u}) },
	}
	return a, nil
}

// open opens the data directory and what administration works with.
func (a *App) open(ctx context.Context, c *config.Config) (err error) {
	if a.data, err = a.openData(ctx, c); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.data.store.Close())
		}
	}()
	owner, err := a.ownerToken()
	if err != nil {
		return err
	}
	a.keys = vkey.NewDirectory(a.data.pepper)
	a.parts.Managed = a.keys
	a.control = control.New(control.Parts{
		Store: a.data.store, Books: a.data.books, Live: live{a}, Pepper: a.data.pepper, Vault: a.data.vault,
		Catalog: a.prices.live.Load, Now: a.parts.Now, Random: rand.Reader, Health: a.health,
		OwnerToken: owner, Providers: providers(), Strays: func() []*budget.Limit { return a.strays },
	})
	a.parts.Credential = func(name, provider, host string, tls bool) (secret.Text, error) {
		return a.control.OpenCredential(ctx, name, provider, host, tls)
	}
	return a.loadKeys(ctx)
}

// loadGC is the garbage that may lie about while keys are loaded, in percent of what is kept. Most of what is
// read then is garbage at once, and of a million keys that would be as much memory as they take.
const loadGC = 20

// loadKeys fills the data plane with the keys and shared limits of the database.
func (a *App) loadKeys(ctx context.Context) error {
	defer debug.SetGCPercent(debug.SetGCPercent(loadGC))
	counted := a.data.books.Windows()
	compare := func(l *budget.Limit) {
		if w, ok := counted[l.ID]; ok && !w.Equal(l.Window) {
			a.strays = append(a.strays, l)
		}
	}
	err := a.data.store.View(ctx, func(tx store.Tx) error {
		limits, err := tx.Limits().List()
		if err != nil {
			return fmt.Errorf("read the shared limits: %w", err)
		}
		for _, l := range limits {
			compare(&l.Limit)
			if l.Origin == vkey.Managed { // the others come with the configuration
				a.shared = append(a.shared, &l.Limit)
			}
		}
		a.keys.SetShared(a.shared)
		return a.keys.Load(func(yield func(*vkey.Key) error) error {
			return tx.Keys().Each(func(k *vkey.Key) error {
				for _, l := range k.Limits {
					compare(l)
				}
				if k.Origin != vkey.Managed {
					return nil // comes with the configuration
				}
				return yield(k)
			})
		})
	})
	if err != nil {
		return fmt.Errorf("read the virtual keys: %w", err)
	}
	return nil
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
	a.history = history.New(history.Options{
		Requests: a.data.store.Requests(), Log: a.log,
		Retention: record.Retention{Requests: c.Tollgate.Retention.Requests, Hours: c.Tollgate.Retention.Hours},
	})
	a.recorder.Show(a.figures()...)
	a.gateway = gateway.New(gateway.Options{
		Snapshot: l.compiled.Snapshot, Quota: quota.NewEngine(a.parts.Now, a.data.books), Prices: a.prices.live.Load,
		Recorder: recorders{a.recorder, a.history}, Tracer: a.recorder, Log: a.log,
	})
	a.surface = &dataplane.Server{
		Gateway: a.gateway, Log: a.log, MaxBody: a.gateway.MaxBody,
		BodyTimeout: c.Tollgate.BodyTimeout, WriteTimeout: c.Tollgate.WriteTimeout,
	}
	a.listeners = newListeners(a.surface, a.log, a.recorder.Connections)
	return nil
}

// recorders are told of every exchange one after the other.
type recorders []gateway.Recorder

// Record implements gateway.Recorder.
func (all recorders) Record(x *gateway.Exchange) {
	for _, r := range all {
		r.Record(x)
	}
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
