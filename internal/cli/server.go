package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tollgate/client"
)

const (
	defaultDataDir = "tollgate-data"
	defaultServer  = "http://127.0.0.1:15000"
	doorFile       = "admin.json"
)

// remote is the flags of every command that calls a server.
type remote struct {
	Server  string `group:"server" placeholder:"URL" help:"Address of its admin API, or unix:/path of its socket; the token is in TOLLGATE_ADMIN_TOKEN. The default is TOLLGATE_SERVER, else the server on this machine."`
	DataDir string `group:"server" placeholder:"DIR" help:"Data directory of a server on this machine, which leaves its address and a token there. The default is TOLLGATE_DATA_DIR, else tollgate-data."`
	Output  string `short:"o" enum:"text,json" default:"text" placeholder:"text" help:"text for people, json as the API gives it."`
}

// session is a command at work.
type session struct {
	*client.Client
	env  *Environment
	json bool
	now  time.Time
	door *door // where the server was found; nil: it was named
}

// open finds the server. It does not call it.
func (r *remote) open(env *Environment) (*session, error) {
	s := &session{env: env, json: r.Output == "json", now: env.now()}
	url, token := r.Server, env.lookup("TOLLGATE_ADMIN_TOKEN")
	if url == "" {
		url = env.lookup("TOLLGATE_SERVER")
	}
	switch {
	case url != "" && token == "":
		return nil, usageError("put an admin token into TOLLGATE_ADMIN_TOKEN: a server that is named by its address asks for one")
	case url == "":
		d, err := findDoor(r.dataDir(env))
		switch {
		case err == nil:
			s.door, url = d, d.URL
			if token == "" {
				token = d.Token
			}
		case token != "" && errors.Is(err, fs.ErrNotExist):
			url = defaultServer
		default:
			return nil, err
		}
	}
	c, err := client.New(client.Options{
		URL: url, Token: token, UserAgent: "tollgate/" + build().Version,
		HTTPClient: &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
		}},
	})
	if err != nil {
		return nil, usageError(err.Error())
	}
	s.Client = c
	return s, nil
}

func (r *remote) dataDir(env *Environment) string {
	for _, dir := range []string{r.DataDir, env.lookup("TOLLGATE_DATA_DIR")} {
		if dir != "" {
			return dir
		}
	}
	return defaultDataDir
}

// door is what a running server leaves in its data directory.
type door struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
	path  string
}

// errNoServer is told where nothing says where a server is. It is fs.ErrNotExist too.
type errNoServer struct{ path string }

func (e *errNoServer) Error() string {
	return fmt.Sprintf("no server was found: there is no %s. Start one (tollgate serve), say where its data directory is (--data-dir), "+
		"or name a server with --server and a token in TOLLGATE_ADMIN_TOKEN", e.path)
}

func (e *errNoServer) Unwrap() error { return fs.ErrNotExist }

// findDoor reads the file that a server leaves. A file that others can read, or that
// somebody else put there, is refused: the token in it is no secret any more, or the
// server it names is not ours.
func findDoor(dir string) (*door, error) {
	path := filepath.Join(dir, doorFile)
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &errNoServer{path}
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s cannot be read by you: run this as the user that the server runs as, or name the server with --server and a token in TOLLGATE_ADMIN_TOKEN", path)
	case err != nil:
		return nil, fmt.Errorf("find the server: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("find the server: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file that a server leaves", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o), so the token in it is no secret: restart the server, which makes a new one", path, info.Mode().Perm())
	}
	if !trusted(info) {
		return nil, fmt.Errorf("%s belongs to another user, so it is not used: name the server with --server and a token in TOLLGATE_ADMIN_TOKEN", path)
	}
	d := &door{path: path}
	if err := json.NewDecoder(f).Decode(d); err != nil || d.URL == "" || d.Token == "" {
		return nil, fmt.Errorf("%s is not what a server leaves: restart the server", path)
	}
	return d, nil
}

// explain makes the error of a call one that tells what to do.
func (s *session) explain(err error) error {
	refused, ok := errors.AsType[*client.Error](err)
	switch {
	case err == nil:
		return nil
	case ok && refused.Status == http.StatusUnauthorized && refused.Code == "unauthenticated":
		why := "it is unknown there, has expired or was deleted"
		if strings.HasPrefix(s.env.lookup("TOLLGATE_ADMIN_TOKEN"), "sk-") {
			why = "it begins with sk-, so it may be a virtual key, and those are for applications"
		}
		return &unwelcome{err, fmt.Sprintf("the server at %s does not accept the admin token of %s: %s", s.URL(), s.tokenSource(), why)}
	case ok && refused.Code == "" && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusNotFound):
		return fmt.Errorf("%w\nIs %s the address of the admin listener?", err, s.URL())
	case ok:
		return err
	}
	if wrong, ok := errors.AsType[*net.OpError](err); ok && wrong.Op == "dial" {
		if s.door != nil {
			return fmt.Errorf("no server answers at %s: %s says that process %d is one, but it has ended or its admin listener is off (%w)", s.URL(), s.door.path, s.door.PID, wrong.Err)
		}
		return fmt.Errorf("no server answers at %s: is it running, and is that the address of its admin listener? (%w)", s.URL(), wrong.Err)
	}
	return err
}

// unwelcome is an error that is told in words of the command line: what the server says
// is for those who write requests themselves.
type unwelcome struct {
	error
	text string
}

func (e *unwelcome) Error() string { return e.text }
func (e *unwelcome) Unwrap() error { return e.error }

func (s *session) tokenSource() string {
	if s.env.lookup("TOLLGATE_ADMIN_TOKEN") != "" {
		return "TOLLGATE_ADMIN_TOKEN"
	}
	return s.door.path
}

// show prints an answer: as JSON, or with what text makes of it.
func (s *session) show(v any, text func() error) error {
	if s.json {
		return printJSON(s.env.Stdout, v)
	}
	return text()
}

// done tells on standard error what was done, or prints the answer as JSON.
func (s *session) done(v any, format string, args ...any) error {
	return s.show(v, func() error { return line(s.env.Stderr, format, args...) })
}
