// Package adminapi is the HTTP surface for operators: the admin API over the use
// cases of control, and what shows the process itself: metrics, readiness, the
// configuration in force, log level and profiles. It is served on listeners of its
// own and never on one that applications call. It decodes strictly, finds out who
// asks, and turns results and refusals into answers; it decides nothing else.
package adminapi

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"tollgate/internal/audit"
	"tollgate/internal/control"
)

// Admin is what the admin listener serves.
type Admin struct {
	Metrics http.Handler
	// Dump gives the configuration in force as JSON, without secrets.
	Dump func() ([]byte, error)
	// Level is the level of the program's log.
	Level *slog.LevelVar
	// Control does what is asked for over the API, and knows all admin tokens.
	Control Control
	// Backup writes an archive of the data, and puts it on record that it was asked for.
	Backup func(ctx context.Context, call control.Call, to io.Writer) error
	// Try serves a request in the name of a key, as the listeners for applications would.
	Try func(w http.ResponseWriter, r *http.Request, keyID string)
	// Console serves the web console below /ui/.
	Console http.Handler
	// Hosts are the names that the listener is called by, beside localhost and addresses.
	Hosts []string
	// Version is shown on the first page.
	Version string
	// Log gets what an answer does not tell; nil: nobody does.
	Log *slog.Logger
	// Now is the clock that guesses of tokens are slowed down by; nil: time.Now.
	Now func() time.Time
}

// Handler serves the admin listener (15000 by default). Every request needs an
// admin token whose role may make it, but for the first page, metrics and the
// description of the API.
func (a *Admin) Handler() http.Handler { return a.build().guard }

// OpenAPI gives the OpenAPI document of the API, as it is served.
func (a *Admin) OpenAPI() []byte { return a.build().document }

// built is a finished admin listener.
type built struct {
	guard    *guard
	service  *service
	document []byte
}

// build mounts everything, by its row in the table of routes. It panics if a
// handler has no row or a row no handler, which is a mistake of the program.
func (a *Admin) build() *built {
	log, now := a.Log, a.Now
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	mux := http.NewServeMux()
	s := &service{mux: mux, api: newAPI(mux), control: a.Control, log: log, tests: newAllowance[string](now, testsAtOnce, testEvery), rows: map[string]*route{}, mounted: map[string]bool{}}
	g := &guard{
		mux: mux, rows: map[string]*route{}, public: map[string]*route{}, control: a.Control, hosts: a.Hosts, log: log, failed: newFailures(now), sessions: newSessions(now), refused: newAllowance[string](now, refusalsAtOnce, failureEvery),
	}
	for i := range routes {
		s.rows[routes[i].operation], g.rows[routes[i].pattern()] = &routes[i], &routes[i]
	}
	for i := range open {
		s.rows[open[i].operation], g.public[open[i].pattern()] = &open[i], &open[i]
	}
	s.keys()
	s.limits()
	s.credentials()
	s.adminTokens()
	s.session(g.sessions)
	s.try(a.Try)
	s.prices()
	s.usage()
	s.requests()
	s.audit()
	s.server(a.Backup)
	s.finish()
	document := s.document()
	s.handle("openapi", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document)
	})
	a.process(s)
	for operation := range s.rows {
		if !s.mounted[operation] {
			panic("adminapi: nothing is mounted for " + operation + " of the table of routes")
		}
	}
	return &built{guard: g, service: s, document: document}
}

// process mounts what shows the process itself.
func (a *Admin) process(s *service) {
	s.handle("index", a.index)
	s.handle("console", a.Console.ServeHTTP)
	s.handle("consoleRoot", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/ui/", http.StatusTemporaryRedirect)
	})
	s.handle("metrics", a.Metrics.ServeHTTP)
	s.handle("budgetStatus", a.budgets)
	s.handle("dumpConfiguration", a.dump)
	s.handle("getLogLevel", a.showLevel)
	s.handle("setLogLevel", a.setLevel)
	// The command line is not among the profiles: --config can put a whole
	// configuration on it.
	s.handle("profiles", pprof.Index)
	s.handle("profileCPU", pprof.Profile)
	s.handle("profileSymbol", pprof.Symbol)
	s.handle("profileTrace", pprof.Trace)
}

// StatsHandler serves the metrics listener (15020 by default).
func (a *Admin) StatsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.Metrics)
	mux.Handle("GET /stats/prometheus", a.Metrics)
	return mux
}

// ReadyHandler serves the readiness listener (15021 by default): pending names
// what is not ready yet, and is empty once everything is.
func ReadyHandler(pending func() []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if waiting := pending(); len(waiting) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("not ready: " + strings.Join(waiting, ", ") + "\n"))
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	return mux
}

func (a *Admin) index(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") { // a browser
		http.Redirect(w, r, "/ui/", http.StatusTemporaryRedirect)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("tollgate " + a.Version + "\n\n" +
		"/ui/                  the console, for browsers\n" +
		"/metrics              Prometheus metrics\n" +
		"/api/v1/openapi.json  description of the admin API\n" +
		"\nwith an admin token:\n\n" +
		"/api/v1/              the admin API\n" +
		"/config_dump          the configuration in force, without secrets\n" +
		"/logging              the log level; POST /logging?level=debug changes it\n" +
		"/debug/pprof/         profiles\n"))
}

func (a *Admin) budgets(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(a.Control.Budgets(r.Context(), exchangeOf(r.Context()).call, r.URL.Query().Get("apiKeyName")))
}

func (a *Admin) dump(w http.ResponseWriter, _ *http.Request) {
	text, err := a.Dump()
	if err != nil {
		refusal(http.StatusInternalServerError, "internal_error", "the configuration cannot be shown: "+err.Error()).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

func (a *Admin) showLevel(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"level": strings.ToLower(a.Level.Level().String())})
}

func (a *Admin) setLevel(w http.ResponseWriter, r *http.Request) {
	const action = "logging.set"
	call, target := exchangeOf(r.Context()).call, audit.Target{Kind: "logging"}
	var level slog.Level
	if err := level.UnmarshalText([]byte(r.URL.Query().Get("level"))); err != nil {
		p := refusal(http.StatusBadRequest, "invalid", "level must be debug, info, warn or error")
		p.EventID = a.Control.Refused(r.Context(), call, action, target, p)
		p.write(w)
		return
	}
	if err := a.Control.Noted(r.Context(), call, action, target, "level "+strings.ToLower(level.String())); err != nil {
		p, _ := problemOf(err)
		p.write(w)
		return
	}
	a.Level.Set(level)
	a.showLevel(w, r)
}
