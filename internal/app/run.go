package app

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"tollgate/internal/adminapi"
	"tollgate/internal/config"
	"tollgate/internal/secret"
)

// Run serves until ctx is over, then drains. A second interrupt ends it at once:
// the caller restores the usual handling of signals when ctx is over.
func (a *App) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	recorded := make(chan error, 1)
	running.Go(func() { recorded <- a.recorder.Run(background) })

	err := a.serve(ctx)
	a.draining.Store(true)
	if err == nil {
		a.linger()
		a.log.Info("draining: no new connections; requests under way may finish", "for", a.grace())
	}
	a.listeners.drain(a.grace())
	for _, s := range a.admin {
		_ = s.Close()
	}
	a.serving.Wait()
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
	if err := a.started.keep(); err != nil {
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
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case err := <-a.listeners.failed:
			return err
		case <-a.options.Hangup:
			a.hangup()
		}
	}
}

// hangup does what is expected on SIGHUP: the access log is opened anew, for
// whoever moved it away, and the configuration is read again.
func (a *App) hangup() {
	if a.accessLog != nil {
		if err := a.accessLog.reopen(); err != nil {
			a.log.Error("the access log goes on in the old file", "error", err)
		}
	}
	if !a.embeddedDefaults() {
		a.reload()
	}
}

// linger keeps serving for a while after the end was asked for, so that whoever
// watches the readiness stops sending first.
func (a *App) linger() {
	if d := a.config.Load().Process.MinimumDrain; d > 0 {
		a.log.Info("not ready any more: serving on until load balancers have noticed", "for", d)
		time.Sleep(d)
	}
}

func (a *App) grace() time.Duration {
	return a.config.Load().Tollgate.DrainTimeout
}

// force puts a compiled configuration in force: whole, or not at all.
func (a *App) force(l *loaded) error {
	addresses := make([]wanted, 0, len(l.compiled.Snapshot.Binds))
	for _, b := range l.compiled.Snapshot.Binds {
		w := wanted{bind: b.Name, address: b.Address, tls: b.TLS}
		if len(b.Listeners) > 0 {
			w.gateway, w.name = b.Listeners[0].Place.Gateway, b.Listeners[0].Place.Listener
		}
		addresses = append(addresses, w)
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
		switch {
		case a.draining.Load():
			return []string{"draining"}
		case a.ready.Load():
			return nil
		default:
			return []string{"configuration"}
		}
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
			return fmt.Errorf("open the %s listener: %w%s", s.what, err, inUse(err))
		}
		server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 15 * time.Second, ErrorLog: log.New(quietly{a.log}, "", 0)}
		a.admin = append(a.admin, server)
		a.serving.Go(func() { serveAdmin(server, l, s.what, failed) })
	}
	return nil
}

// serveAdmin ends when Run closes the server.
func serveAdmin(s *http.Server, l net.Listener, what string, failed chan<- error) {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("serve the %s listener: %w", what, err)
	}
}
