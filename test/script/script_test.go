// Package script holds the tests of the whole program: every *.txtar beside
// this file is a story of an operator or an application, told with the real
// program, real files, ports and signals, and a scripted provider behind it.
// README.md lists the commands that the scripts use.
package script

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/test/program"
)

// serial scripts use the documented default ports, so no other may run beside them.
var serial = []string{"default-ports.txtar", "serve-defaults.txtar"}

func TestMain(m *testing.M) {
	if _, err := program.Path(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	program.Clean()
	os.Exit(code)
}

// TestScripts runs all scripts that can run side by side.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return slices.Contains(serial, f) })
	testscript.Run(t, params(files))
}

// TestDefaultPorts runs the scripts that need the documented ports for themselves.
func TestDefaultPorts(t *testing.T) {
	for _, file := range serial { // each Run within a test of its own, which waits for it
		t.Run(file, func(t *testing.T) { testscript.Run(t, params([]string{file})) })
	}
}

func params(files []string) testscript.Params {
	return testscript.Params{
		Files:              files,
		RequireUniqueNames: true,
		Setup:              setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"cert":      command(cmdCert),
			"edit":      command(cmdEdit),
			"exits":     command(cmdExits),
			"freeport":  command(cmdFreePort),
			"hammer":    command(cmdHammer),
			"http":      command(cmdHTTP),
			"json":      command(cmdJSON),
			"jsonvalid": command(cmdJSONValid),
			"keep":      command(cmdKeep),
			"logged":    command(cmdLogged),
			"logs":      command(cmdLogs),
			"metric":    command(cmdMetric),
			"obey":      command(cmdObey),
			"paste":     command(cmdPaste),
			"raw":       command(cmdRaw),
			"signal":    command(cmdSignal),
			"start":     command(cmdStart),
			"stop":      command(cmdStop),
			"stream":    command(cmdStream),
			"upstream":  command(cmdUpstream),
			"waitfor":   command(cmdWaitFor),
		},
	}
}

// setup gives a script its own ports and the environment that the program gets.
func setup(env *testscript.Env) error {
	w := newWorld(env.WorkDir)
	env.Values[worldKey{}] = w
	env.Defer(func() {
		if err := w.close(); err != nil {
			env.T().Fatal(err)
		}
	})

	binary, err := program.Path()
	if err != nil {
		return err
	}
	env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
	set := func(name, value string) {
		env.Setenv(name, value)
		w.env[name] = value
	}
	set("HOME", filepath.Join(env.WorkDir, "home"))
	set("TOLLGATE_DATA_DIR", filepath.Join(env.WorkDir, "data"))
	set("OPENAI_API_KEY", "sk-provider-secret-0001")
	for _, name := range []string{"PORT", "ADMIN", "STATS", "READY"} {
		port, err := program.FreePort()
		if err != nil {
			return err
		}
		set(name, fmt.Sprint(port))
	}
	set("ADMIN_ADDR", "127.0.0.1:"+env.Getenv("ADMIN"))
	set("STATS_ADDR", "127.0.0.1:"+env.Getenv("STATS"))
	set("READINESS_ADDR", "127.0.0.1:"+env.Getenv("READY"))
	env.Setenv("GW", "http://127.0.0.1:"+env.Getenv("PORT"))
	env.Setenv("ADMIN_URL", "http://127.0.0.1:"+env.Getenv("ADMIN"))
	w.ready = "http://127.0.0.1:" + env.Getenv("READY") + "/healthz/ready"
	w.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o755)
}
