// Package adminapi is the HTTP surface for operators: metrics, readiness, the
// configuration in force, log level and profiles. It is served on listeners of
// its own and never on one that applications call.
package adminapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"

	"tollgate/internal/secret"
)

// Admin is what the admin listener shows.
type Admin struct {
	Metrics http.Handler
	// Dump gives the configuration in force as JSON, without secrets.
	Dump func() ([]byte, error)
	// Level is the level of the program's log.
	Level *slog.LevelVar
	// Token is asked of every request but for metrics. Without one, only
	// requests from this machine that also name it as their host are served, so
	// that neither a wrong address nor a web page can reach the listener.
	Token secret.Text
	// Version is shown on the first page.
	Version string
}

// Handler serves the admin listener (15000 by default).
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.index)
	mux.HandleFunc("GET /config_dump", a.dump)
	mux.HandleFunc("GET /logging", a.showLevel)
	mux.HandleFunc("POST /logging", a.setLevel)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	// Not the command line, which --config can put a whole configuration on.
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)

	all := http.NewServeMux()
	all.Handle("/", a.guard(mux))
	all.Handle("GET /metrics", a.Metrics)
	return all
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

// guard lets in whoever has the token, or without one whoever is on this machine.
func (a *Admin) guard(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(a.Token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if foreign(r) {
			refuse(w, http.StatusForbidden, "the admin listener does not answer pages of other sites")
			return
		}
		if a.Token.Empty() {
			if !local(r) {
				refuse(w, http.StatusForbidden, "the admin listener answers only requests from this machine, by the name localhost; "+
					"set TOLLGATE_ADMIN_TOKEN in the server's environment to use it from elsewhere")
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			refuse(w, http.StatusUnauthorized, "send the admin token as \"Authorization: Bearer TOKEN\"")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign tells whether a browser sends the request for a page of another site
// (Fetch metadata, and Origin for browsers without it).
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host
}

// local tells whether a request comes from this machine and means this machine.
func local(r *http.Request) bool {
	if r.RemoteAddr == "" || r.RemoteAddr == "@" { // a Unix socket: file permissions decide
		return true
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
}

func (a *Admin) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("tollgate " + a.Version + "\n\n" +
		"/metrics       Prometheus metrics\n" +
		"/config_dump   the configuration in force, without secrets\n" +
		"/logging       the log level; POST /logging?level=debug changes it\n" +
		"/debug/pprof/  profiles\n"))
}

func (a *Admin) dump(w http.ResponseWriter, _ *http.Request) {
	text, err := a.Dump()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the configuration cannot be shown: "+err.Error())
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
	var level slog.Level
	if err := level.UnmarshalText([]byte(r.URL.Query().Get("level"))); err != nil {
		refuse(w, http.StatusBadRequest, "level must be debug, info, warn or error")
		return
	}
	a.Level.Set(level)
	a.showLevel(w, r)
}
