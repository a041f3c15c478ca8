package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"tollgate/internal/actor"
	"tollgate/internal/config"
	"tollgate/internal/control"
	"tollgate/internal/snapshot"
	"tollgate/internal/store"
)

// unnamed tells that no configuration was named.
func (a *App) unnamed() bool { return a.options.File == "" && a.options.Inline == "" }

// embeddedDefaults tells that the program serves what it does without any configuration.
func (a *App) embeddedDefaults() bool { return a.unnamed() && a.options.Kubernetes == nil }

// without gives the settings of a configuration and nothing that is served.
func without(c *config.Config) *config.Config {
	bare := *c
	bare.Gateways, bare.Routes, bare.Binds, bare.Backends, bare.LLM = nil, nil, nil, nil, nil
	bare.Tollgate.SharedLimits = nil
	return &bare
}

// load reads the configuration. The report is nil if the source could not be read
// at all; it may hold problems.
func (a *App) load() (*config.Config, *config.Report, error) {
	src, err := a.source()
	if err != nil {
		return nil, nil, err
	}
	c, report := config.Load(src, config.Options{LookupEnv: a.options.LookupEnv, Strict: a.options.Strict})
	return c, report, nil
}

// compile compiles a configuration without touching what is live.
func (a *App) compile(c *config.Config, report *config.Report) (*loaded, error) {
	parts := a.parts
	parts.Shared = a.shared
	compiled := snapshot.Compile(c, report, parts)
	l := &loaded{config: c, report: report, compiled: compiled, prices: readPrices(c, report)}
	if compiled != nil {
		var err error
		if l.settings, err = a.settings(c, report, compiled); err != nil {
			report.Add(config.Position{}, "%v", err)
		}
	}
	if err := report.Err(); err != nil {
		return nil, err
	}
	return l, nil
}

func (a *App) source() (config.Source, error) {
	switch {
	case a.options.Inline != "":
		return config.Source{Name: "--config", Text: []byte(a.options.Inline)}, nil
	case a.options.File == "-":
		return a.standardInput()
	case a.options.File != "":
		return config.ReadSource(a.options.File)
	case a.options.Kubernetes != nil:
		return config.Source{Name: "no file", Text: []byte("{}")}, nil
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

// watch reloads on every change of the configuration's files, until ctx is over.
func (a *App) watch(ctx context.Context, w *config.Watcher, failed chan<- error) {
	err := w.Run(ctx, func() {
		if report := a.reload(ctx); report != nil {
			w.Watch(report)
		}
	})
	if err != nil && ctx.Err() == nil {
		failed <- fmt.Errorf("watch the configuration: %w", err)
	}
}

// reloading is how the last attempt to read the configuration anew went.
type reloading struct {
	at  time.Time
	err error
}

// reload puts a changed configuration in force, or says why it does not and
// leaves everything as it is. It gives the report with the files to watch from
// now on, also those that could not be read; nil if they are the same.
func (a *App) reload(ctx context.Context) *config.Report {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	before := a.config.Load()
	c, report, err := a.load()
	var l *loaded
	switch {
	case err != nil:
	case report.Err() == nil && a.options.Kubernetes != nil:
		l, err = a.followed(ctx, c, report)
	default:
		l, err = a.replace(ctx, c, report)
	}
	a.recorder.Loaded(err)
	a.reloaded.Store(&reloading{a.parts.Now(), err})
	if err != nil {
		for line := range bytes.Lines([]byte(err.Error())) {
			a.log.Error("Failed to reload config; the previous one stays in force", "error", string(bytes.TrimSpace(line)))
		}
		return report
	}
	if a.options.Kubernetes == nil { // objects change all the time: followed warns once
		a.warn(report)
	}
	for _, name := range startOnly(before, l.config) {
		a.log.Warn("this setting changed and takes effect at the next start", "setting", name)
	}
	a.setLevel(l.config)
	if a.options.Kubernetes != nil {
		a.log.Debug("configuration compiled from the cluster")
		return report
	}
	a.log.Info("configuration reloaded", "file", a.options.File)
	return report
}

// replace puts a configuration in force in place of the one before.
func (a *App) replace(ctx context.Context, c *config.Config, report *config.Report) (*loaded, error) {
	l, err := a.compile(c, report)
	if err == nil {
		err = a.declare(ctx, l)
	}
	if err == nil {
		err = a.force(l)
	}
	return l, err
}

// declare makes the keys and shared limits of a configuration known to administration.
func (a *App) declare(ctx context.Context, l *loaded) error {
	file := cmp.Or(a.options.File, "embedded defaults")
	if a.options.Kubernetes != nil {
		file = "Kubernetes"
	}
	call := control.Call{Actor: actor.Actor{Kind: actor.Configuration, ID: file, Name: file, Role: actor.Admin}}
	if err := a.control.Declare(ctx, call, l.compiled.Declared); err != nil {
		return fmt.Errorf("take over the virtual keys of the configuration: %w", err)
	}
	limits := make([]*store.SharedLimit, len(l.compiled.Shared))
	for i, shared := range l.compiled.Shared {
		limits[i] = &store.SharedLimit{Name: l.config.Tollgate.SharedLimits[i].Name, Limit: *shared}
	}
	if err := a.control.DeclareLimits(ctx, call, limits); err != nil {
		return fmt.Errorf("take over the shared limits of the configuration: %w", err)
	}
	return nil
}

// startOnly names the settings that differ and are only read at the start.
func startOnly(before, now *config.Config) []string {
	var names []string
	for _, s := range []struct {
		name    string
		changed bool
	}{
		{"config.adminAddr", before.Process.AdminAddr.Value != now.Process.AdminAddr.Value},
		{"config.statsAddr", before.Process.StatsAddr.Value != now.Process.StatsAddr.Value},
		{"config.readinessAddr", before.Process.ReadinessAddr.Value != now.Process.ReadinessAddr.Value},
		{"tollgate.adminHosts", !slices.Equal(before.Tollgate.AdminHosts, now.Tollgate.AdminHosts)},
		{"config.logging.format", before.Process.Logging.Format != now.Process.Logging.Format},
		{"tollgate.accessLog.enabled", before.Tollgate.AccessLog.Enabled != now.Tollgate.AccessLog.Enabled},
		{"tollgate.accessLog.path", before.Tollgate.AccessLog.Path != now.Tollgate.AccessLog.Path},
		{"config.database.url", before.Process.Database.URL != now.Process.Database.URL},
		{"tollgate.dataDir", before.Tollgate.DataDir != now.Tollgate.DataDir},
		{"tollgate.masterKeyFile", before.Tollgate.MasterKeyFile != now.Tollgate.MasterKeyFile},
		{"tollgate.retention", before.Tollgate.Retention != now.Tollgate.Retention},
		{"tollgate.bodyTimeout", before.Tollgate.BodyTimeout != now.Tollgate.BodyTimeout},
		{"tollgate.writeTimeout", before.Tollgate.WriteTimeout != now.Tollgate.WriteTimeout},
	} {
		if s.changed {
			names = append(names, s.name)
		}
	}
	return names
}
