package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// served is one life of the program in a data directory.
type served struct {
	stdout, stderr *heard
	admin          string // address of the admin listener, "" without one
	door           door
}

// lifeOf runs the program until visit returns, and requires a clean end.
func lifeOf(t *testing.T, o Options, visit func(*served)) *served {
	t.Helper()
	s := &served{stdout: newHeard(), stderr: newHeard()}
	o.Stdout, o.Stderr = s.stdout, s.stderr
	if o.env("ADMIN_ADDR") != "off" {
		s.admin = o.env("ADMIN_ADDR")
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if a.embeddedDefaults() { // on the documented port only one program can serve
		elsewhere(t, a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the program does not end")
		}
	}()
	s.stdout.wait(t, "tollgate 1.2.3")
	if text, err := os.ReadFile(filepath.Join(o.DataDir, doorFile)); err == nil {
		if err := json.Unmarshal(text, &s.door); err != nil {
			t.Error(err)
		}
	}
	if visit != nil {
		visit(s)
	}
	return s
}

// elsewhere moves what is about to be served to an address that is free.
func elsewhere(t *testing.T, a *App) {
	binds := a.first.compiled.Snapshot.Binds
	for address, bind := range binds {
		delete(binds, address)
		bind.Address = freeAddress(t)
		binds[bind.Address] = bind
		return
	}
}

// status asks the admin listener with a token.
func (s *served) status(t *testing.T, path, token string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.admin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// withAdmin are options with an admin listener; more is the environment.
func withAdmin(t *testing.T, more map[string]string) Options {
	t.Helper()
	o, _, _ := quiet(t)
	address, none := freeAddress(t), o.LookupEnv
	o.LookupEnv = func(name string) (string, bool) {
		if name == "ADMIN_ADDR" {
			return address, true
		}
		if value, ok := more[name]; ok {
			return value, true
		}
		return none(name)
	}
	return o
}

// noKeys is a configuration that makes nothing at the first start.
const noKeys = "binds: []\n"

var (
	anyKey        = regexp.MustCompile(`sk-tg-[0-9A-Za-z]{12}-[0-9A-Za-z]{49}`)
	anyAdminToken = regexp.MustCompile(`tga-[0-9A-Za-z]+-[0-9A-Za-z]+`)
)

// A first start makes an admin token and on embedded defaults a key, shows each
// once, and keeps neither; the second start does nothing of it.
func TestFirstStart(t *testing.T) {
	o := withAdmin(t, nil)
	o.DataDir = filepath.Join(o.DataDir, "deep", "data")
	var token string
	first := lifeOf(t, o, func(s *served) {
		said := s.stdout.String()
		token = anyAdminToken.FindString(said)
		if token == "" || strings.Count(said, token) != 1 {
			t.Fatalf("no admin token is shown once:\n%s", said)
		}
		if got := s.status(t, "/api/v1/whoami", token); got != http.StatusOK {
			t.Errorf("the token that was shown gets %d", got)
		}
	})
	key := anyKey.FindString(first.stdout.String())
	for _, want := range []string{"Authorization: Bearer " + key, "no real provider is configured", `base_url="http://localhost:`, "/v1/chat/completions"} {
		if key == "" || !strings.Contains(first.stdout.String(), want) {
			t.Errorf("announced %s\nwithout %s", first.stdout, want)
		}
	}
	second := lifeOf(t, o, func(s *served) {
		if got := s.status(t, "/api/v1/whoami", token); got != http.StatusOK {
			t.Errorf("after a restart the token gets %d", got)
		}
	})
	if said := second.stdout.String(); anyAdminToken.MatchString(said) || anyKey.MatchString(said) || !strings.Contains(said, "$TOLLGATE_KEY") {
		t.Errorf("the second start announced %s", said)
	}
	for _, s := range []*served{first, second} {
		if said := s.stderr.String(); anyAdminToken.MatchString(said) || anyKey.MatchString(said) {
			t.Errorf("the log tells a secret: %s", said)
		}
	}
	keptFiles(t, o.DataDir, []string{key, token, first.door.Token, second.door.Token})
}

// A data directory that others can write to, or whose pepper they can read, is told of.
func TestOpenDataDirectoryIsTold(t *testing.T) {
	o := withAdmin(t, nil)
	o.DataDir, o.Inline = filepath.Join(o.DataDir, "data"), noKeys
	const told = "other users of this machine can get at what is kept"
	if said := lifeOf(t, o, nil).stderr.String(); strings.Contains(said, told) {
		t.Errorf("told of its own directory: %s", said)
	}
	for path, mode := range map[string]fs.FileMode{o.DataDir: 0o770, filepath.Join(o.DataDir, pepperFile): 0o644} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if said := lifeOf(t, o, nil).stderr.String(); strings.Count(said, told) != 1 || !strings.Contains(said, "path="+path+" ") {
			t.Errorf("%s with the mode %v: %s", path, mode, said)
		}
		if err := os.Chmod(path, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}

// keptFiles requires that a data directory and its files are their owner's alone, and
// that no secret is in any of them.
func keptFiles(t *testing.T, dir string, secrets []string) {
	t.Helper()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory: %v, %v", info.Mode(), err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		text, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(text, []byte(s)) || bytes.Contains(text, []byte(s[len(s)-20:])) {
				t.Errorf("a secret is in %s", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The owner's token of the environment opens as it is, and no other one is made.
func TestOwnersTokenOfTheEnvironment(t *testing.T) {
	const own = "a-long-token-of-the-owner-0123456789abcdef"
	o := withAdmin(t, map[string]string{"TOLLGATE_ADMIN_TOKEN": own})
	o.DataDir, o.Inline = filepath.Join(o.DataDir, "data"), noKeys
	s := lifeOf(t, o, func(s *served) {
		if got := s.status(t, "/api/v1/whoami", own); got != http.StatusOK {
			t.Errorf("the owner's token gets %d", got)
		}
		for path, want := range map[string]int{"/": 200, "/metrics": 200, "/api/v1/openapi.json": 200, "/config_dump": 401, "/logging": 401, "/debug/pprof/": 401, "/api/v1/keys": 401} {
			if got := s.status(t, path, "wrong"); got != want {
				t.Errorf("%s without a token: %d, want %d", path, got, want)
			}
		}
	})
	if said := s.stdout.String() + s.stderr.String(); anyAdminToken.MatchString(said) || strings.Contains(said, own) {
		t.Errorf("a token is told: %s", said)
	}
	keptFiles(t, o.DataDir, []string{own})
}

// The file for the command line is its owner's alone, made anew by every start, and
// gone after a clean end; the token of the start before opens nothing any more.
func TestDoor(t *testing.T) {
	o := withAdmin(t, nil)
	o.Inline = noKeys
	path := filepath.Join(o.DataDir, doorFile)
	check := func(s *served) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if s.door.URL != "http://"+strings.Replace(s.admin, "127.0.0.1", "localhost", 1) || s.door.PID != os.Getpid() {
			t.Errorf("it says %s, process %d", s.door.URL, s.door.PID)
		}
		if got := s.status(t, "/api/v1/whoami", s.door.Token); got != http.StatusOK {
			t.Errorf("its token gets %d", got)
		}
	}
	first := lifeOf(t, o, check)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is still there after the end")
	}
	// After an end that was not clean an old file is in the way.
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	lifeOf(t, o, func(s *served) {
		check(s)
		if s.door.Token == first.door.Token {
			t.Error("the token is the same")
		}
		if got := s.status(t, "/api/v1/whoami", first.door.Token); got != http.StatusUnauthorized {
			t.Errorf("the token of the last start gets %d", got)
		}
	})
	// Without an admin listener there is nothing to open, and what is there is removed.
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed, _, _ := quiet(t)
	closed.DataDir, closed.Inline = o.DataDir, noKeys
	lifeOf(t, closed, func(*served) {
		if _, err := os.Stat(path); err == nil {
			t.Error("the file names a listener that is not there")
		}
	})
}

// Without the pepper no key of the database would be known again, so a start that
// would make another one is refused, and changes nothing.
func TestPepperOfADatabase(t *testing.T) {
	o := withAdmin(t, nil)
	o.Inline = noKeys
	lifeOf(t, o, nil)
	path := filepath.Join(o.DataDir, pepperFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte // nil: no file
		want string
	}{
		"missing":        {nil, "is missing, and without it no key of this database is known again"},
		"no hexadecimal": {[]byte("xyz\n"), "must be hexadecimal digits"},
		"short":          {[]byte("00\n"), path},
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if c.text != nil {
			if err := os.WriteFile(path, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		after, err := os.ReadFile(path)
		if c.text == nil && err == nil || !bytes.Equal(after, c.text) {
			t.Errorf("%s: the file was changed to %q", name, after)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lifeOf(t, o, nil)
}

// What cannot be a data directory, or is another process's, is told with the way out.
func TestDataDirectoriesThatCannotBeUsed(t *testing.T) {
	o, _, _ := quiet(t)
	o.Inline = noKeys
	file := filepath.Join(o.DataDir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.DataDir = filepath.Join(file, "below")
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "--data-dir names another place") {
		t.Errorf("%v", err)
	}
	o.DataDir = t.TempDir()
	lifeOf(t, o, func(*served) {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), o.DataDir) {
			t.Errorf("a second process in the directory: %v", err)
		}
	})
	o.Inline = "config: {database: {url: 'postgres://u:canary@db/x'}}\n" + noKeys
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "PostgreSQL is not supported") || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

// The master key is read from one place, and a database is bound to it.
func TestMasterKeys(t *testing.T) {
	one, two := strings.Repeat("11", 32), strings.Repeat("22", 32)
	file := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(file, []byte(one+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := func(env map[string]string) error {
		o := withAdmin(t, env)
		o.DataDir, o.Inline = dir, noKeys
		a, err := New(o)
		if err != nil {
			return err
		}
		return a.data.store.Close()
	}
	for _, c := range []struct {
		env  map[string]string
		want string // "": it starts
	}{
		{map[string]string{"TOLLGATE_MASTER_KEY": "short"}, "stored provider credentials"},
		{map[string]string{"TOLLGATE_MASTER_KEY_FILE": file + "-none"}, "read the master key"},
		{map[string]string{"TOLLGATE_MASTER_KEY": one, "TOLLGATE_MASTER_KEY_FILE": file}, "given twice"},
		{map[string]string{"TOLLGATE_MASTER_KEY": one}, ""},
		{map[string]string{"TOLLGATE_MASTER_KEY_FILE": file}, ""},
		{map[string]string{"TOLLGATE_MASTER_KEY": two}, "stored provider credentials"},
		{nil, ""},
	} {
		err := start(c.env)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.env, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), one) || strings.Contains(err.Error(), two)) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

// A row that is not what was written keeps the program from starting, until it is told to go on
// without it.
func TestRepairSetsRowsAside(t *testing.T) {
	o := withAdmin(t, nil)
	o.Inline = noKeys
	lifeOf(t, o, nil)
	path := filepath.Join(o.DataDir, "tollgate.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(whole, []byte(`"created_by":"first start"`), []byte(`"created_by":"first stert"`), 1)
	if bytes.Equal(bad, whole) {
		t.Fatal("the row of the first admin token was not found")
	}
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := o
	refused.Stdout, refused.Stderr = newHeard(), newHeard()
	a, err := New(refused)
	if err == nil {
		err = a.Run(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "--repair") {
		t.Fatalf("it starts with %v", err)
	}
	o.Repair = true
	s := lifeOf(t, o, nil)
	s.stderr.wait(t, "is not what was written and is set aside")
	o.Repair = false
	lifeOf(t, o, nil)
}
