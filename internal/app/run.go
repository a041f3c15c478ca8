package app

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/adminapi"
	"tollgate/internal/config"
	"tollgate/internal/console"
	"tollgate/internal/control"
	"tollgate/internal/secret"
)

// Run serves until ctx is over, then drains. A second interrupt ends it at once:
// the caller restores the usual handling of signals when ctx is over.
func (a *App) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 8)
	var keeping sync.WaitGroup // what the books and the records need to the very end
	for what, run := range map[string]func(context.Context) error{
		"write the records": a.recorder.Run, "keep the books": a.data.books.Run, "keep the request records": a.history.Run, "keep the database": a.data.store.Run,
	} {
		keeping.Go(func() {
			if err := run(background); err != nil {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	err := a.serve(ctx, failed)
	a.draining.Store(true)
	if err == nil {
		a.linger()
		a.log.Info("draining: no new connections; requests under way may finish", "for", a.grace())
	}
	a.listeners.drain(a.grace())
	a.gateway.Hasten()
	for _, s := range a.admin {
		_ = s.Close()
	}
	a.serving.Wait()
	a.removeDoor()
	a.noteUse(background)
	a.later("save a checkpoint of the ledger", a.data.books.Checkpoint(background))
	stop()
	keeping.Wait()
	a.transports.Close()
	close(failed)
	for late := range failed {
		err = errors.Join(err, late)
	}
	err = errors.Join(err, a.data.store.Close())
	if a.accessLog != nil {
		err = errors.Join(err, a.accessLog.Close())
	}
	return err
}

// serve starts everything and waits for the end.
func (a *App) serve(ctx context.Context, failed chan error) error {
	first := a.first
	a.first = nil
	a.tellFound()
	if err := a.control.Reconcile(ctx); err != nil {
		return fmt.Errorf("take over the limits of the database: %w", err)
	}
	if err := a.control.LoadPrices(ctx); err != nil {
		return fmt.Errorf("take over the operator's prices: %w", err)
	}
	if a.options.Kubernetes == nil { // else its keys come with the cluster's
		if err := a.declare(ctx, first); err != nil {
			return err
		}
	}
	if err := a.openAdmin(first.config, failed); err != nil {
		return err
	}
	if err := a.force(first); err != nil {
		return err
	}
	if err := a.leaveDoor(ctx); err != nil {
		return err
	}
	news, err := a.firstStart(ctx)
	if err != nil {
		return err
	}
	a.recorder.Loaded(nil)
	a.reloaded.Store(&reloading{at: a.parts.Now()})
	a.ready.Store(a.options.Kubernetes == nil)
	a.announce(first, news)
	files := config.NewWatcher(first.report)
	first = nil // with the places of everything in its text
	a.giveBack(ctx)

	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watching.Go(func() { a.housekeeping(ctx) })
	watching.Go(func() { a.verify(ctx) })
	if !a.unnamed() {
		watching.Go(func() { a.watch(ctx, files, failed) })
	}
	if a.options.Kubernetes != nil {
		watching.Go(func() { a.follow(ctx, failed) })
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
			a.hangup(ctx)
		}
	}
}

// giveBack gives memory back that only the start needed: what migrations and the text of
// the configuration took, what the database has kept of the pages that it read, and the code
// that will not run again.
func (a *App) giveBack(ctx context.Context) {
	a.later("give back memory of the database", a.data.store.Trim(ctx))
	debug.FreeOSMemory()
	returnPages()
}

// tellFound says what opening the books found.
func (a *App) tellFound() {
	f := &a.data.found
	for _, found := range a.data.store.Repaired() {
		a.log.Warn("repaired", "found", found)
	}
	a.log.Info("the ledger verifies", "rows", f.Rows, "read", f.Read, "took", f.Took.Round(time.Millisecond))
	if f.Expired > 0 {
		a.log.Warn("the last run ended with requests under way: they are charged what was set aside for them", "requests", f.Expired)
	}
	if f.Repaired != nil {
		a.log.Warn("the ledger did not verify, and goes on as it is", "found", f.Repaired)
	}
}

// news is what a first start made and shows once.
type news struct{ adminToken, key secret.Text }

// firstStart makes what a new installation needs: an admin token, and on embedded
// defaults a virtual key to begin with. Both come last, so that nothing is kept
// that nobody was shown. Where a cluster is followed nothing is shown: what a pod prints is
// collected and read by many, and who may run a command in it needs no token.
func (a *App) firstStart(ctx context.Context) (n news, err error) {
	if a.options.Kubernetes != nil {
		return n, nil
	}
	if n.adminToken, _, err = a.control.FirstToken(ctx); err != nil {
		return n, fmt.Errorf("make the first admin token: %w", err)
	}
	if !a.embeddedDefaults() || a.keys.Len() > 0 {
		return n, nil
	}
	call := control.Call{Actor: actor.Actor{Kind: actor.System, Name: "first start", Role: actor.Owner}}
	perMinute := int64(600)
	made, err := a.control.CreateKey(ctx, call, admin.KeyInput{
		Name: "starter", CostLimit: "10.00", ResetPeriod: "daily", RequestsLimit: &perMinute,
	})
	if err != nil {
		return n, fmt.Errorf("make the first virtual key: %w", err)
	}
	n.key = secret.New(made.Secret)
	return n, nil
}

// hangup does what is expected on SIGHUP: the access log is opened anew, for
// whoever moved it away, and the configuration is read again.
func (a *App) hangup(ctx context.Context) {
	if a.accessLog != nil {
		if err := a.accessLog.reopen(); err != nil {
			a.log.Error("the access log goes on in the old file", "error", err)
		}
	}
	if !a.embeddedDefaults() {
		a.reload(ctx)
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
	a.prices.use(l.prices)
	a.keys.SetShared(slices.Concat(a.shared, l.compiled.Shared))
	a.compiled.Store(l.compiled)
	a.config.Store(l.config)
	a.listeners.commit(change, l.config.Tollgate.DrainTimeout)
	return nil
}

// openAdmin opens the listeners for operators.
func (a *App) openAdmin(c *config.Config, failed chan<- error) error {
	surface := &adminapi.Admin{
		Metrics: a.recorder.Handler(), Dump: func() ([]byte, error) { return a.config.Load().Dump() }, Level: a.level,
		Control: a.control, Backup: a.writeBackup, Try: a.try, Console: console.Handler(),
		Hosts: c.Tollgate.AdminHosts, Version: a.options.Version, Log: a.log, Now: a.parts.Now,
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
		set     string // what says where it is
		handler http.Handler
	}{
		{"admin", c.Process.AdminAddr, "config.adminAddr, or ADMIN_ADDR in the environment", whenAsked(surface.Handler)},
		{"metrics", c.Process.StatsAddr, "config.statsAddr, or STATS_ADDR in the environment", surface.StatsHandler()},
		{"readiness", c.Process.ReadinessAddr, "config.readinessAddr, or READINESS_ADDR in the environment", adminapi.ReadyHandler(pending)},
	} {
		if s.at.Off() {
			continue
		}
		l, err := listen(s.at.Value)
		if err != nil {
			return fmt.Errorf("open the %s listener: %w%s", s.what, err, inUse(err, s.set))
		}
		if s.what == "admin" {
			if a.adminURL, err = urlOf(s.at); err != nil {
				_ = l.Close()
				return fmt.Errorf("find the %s listener: %w", s.what, err)
			}
		}
		server := &http.Server{
			Handler: s.handler, ReadHeaderTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
			ErrorLog: log.New(quietly{a.log}, "", 0),
		}
		if s.what != "admin" { // that has long requests and answers, and bounds how they stall
			server.ReadTimeout, server.WriteTimeout = 15*time.Second, 30*time.Second
		}
		a.admin = append(a.admin, server)
		a.serving.Go(func() { serveAdmin(server, l, s.what, failed) })
	}
	return nil
}

// whenAsked makes a handler with its first request: the description of the whole admin API
// takes time and memory that no start should wait for.
func whenAsked(handler func() http.Handler) http.Handler {
	made := sync.OnceValue(handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) })
}

// serveAdmin ends when Run closes the server.
func serveAdmin(s *http.Server, l net.Listener, what string, failed chan<- error) {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("serve the %s listener: %w", what, err)
	}
}

// urlOf is how the command line on this machine calls an address.
func urlOf(at config.Address) (string, error) {
	path := at.Unix()
	if path == "" {
		return "http://" + reachable(at.Value), nil
	}
	path, err := filepath.Abs(path)
	return "unix:" + path, err
}
