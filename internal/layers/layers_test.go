// Package layers holds the walls of the house: which package may import which.
package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tollgate/"

// layer is a row of packages. A package may import those of rows below its
// own; the exceptions of each row stand beside it.
type layer struct {
	name     string
	packages []string
	// among tells that packages of this row may import each other.
	among bool
}

// layers lists every package of the program, the lowest row first. A package
// that stands in no row fails the test: a new one is a decision.
var layers = []layer{
	{"public types", []string{"api/admin"}, false},
	{"leaves", []string{"internal/actor", "internal/secret", "internal/fault", "internal/sse", "internal/tokens", "internal/usage", "internal/money", "internal/spelling"}, false},
	{"domain", []string{
		"internal/access", "internal/audit", "internal/budget", "internal/caller", "internal/catalog", "internal/dialect", "internal/expression", "internal/ledger", "internal/quota", "internal/ratelimit", "internal/record",
		"internal/routing", "internal/vault", "internal/vkey",
	}, true},
	{"codecs", []string{
		"internal/dialect/answer", "internal/dialect/openai", "internal/dialect/anthropic", "internal/dialect/gemini",
		"internal/dialect/bedrock", "internal/dialect/cohere", "internal/dialect/meters", "internal/dialect/reply", "internal/dialect/request", "internal/dialect/translate",
		"internal/store/sqlite/block",
	}, true},
	{"contracts", []string{"internal/config", "internal/provider", "internal/store"}, false},
	{"what is declared", []string{"internal/declaration"}, false},
	{"Kubernetes objects", []string{"internal/kube/resource"}, false},
	{"what they mean", []string{"internal/kube/manifest"}, false},
	{"transports", []string{"internal/provider/lean", "internal/provider/standard", "internal/provider/transports", "internal/provider/simulated"}, true},
	{"use cases", []string{"internal/gateway", "internal/control"}, false},
	{"surfaces and adapters", []string{"internal/dataplane", "internal/adminapi", "internal/console", "internal/telemetry", "internal/snapshot", "internal/history", "internal/store/sqlite", "internal/kube", "internal/kube/deployment"}, false},
	{"client", []string{"client"}, false},
	{"app", []string{"internal/app"}, false},
	{"cli", []string{"internal/cli"}, false},
	{"commands", []string{"cmd/tollgate"}, false},
}

// free are packages that are no part of the program.
var free = []string{"bench", "test", "internal/layers", "internal/provider/providertest", "internal/store/storetest", "tools"}

// onlyImporter names the one place where a dependency may be used.
var onlyImporter = map[string][]string{
	"github.com/prometheus/":    {"internal/telemetry"},
	"go.opentelemetry.io/":      {"internal/telemetry"},
	"cel.dev/":                  {"internal/expression"},
	"go.yaml.in/":               {"internal/config"},
	"github.com/tiktoken-go/":   {"internal/tokens"},
	"github.com/alecthomas/":    {"internal/cli", "cmd/tollgate"},
	"github.com/fsnotify/":      {"internal/config"},
	"github.com/invopop/":       {"internal/config"},
	"k8s.io/":                   {"internal/kube", "internal/kube/resource", "internal/kube/manifest", "internal/kube/deployment"},
	"sigs.k8s.io/":              {"internal/kube", "internal/kube/resource", "internal/kube/manifest", "internal/kube/deployment"},
	"database/sql":              {"internal/store/sqlite"},
	"modernc.org/":              {"internal/store/sqlite"},
	"github.com/pressly/":       {"internal/store/sqlite"},
	"github.com/danielgtaylor/": {"internal/adminapi"},
	"github.com/rogpeppe/":      {},
	"pgregory.net/":             {},
}

// ignorant lists what the lower rows must not know.
var ignorant = map[string][]string{
	"net/http":      {"leaves", "domain"},
	"log/slog":      {"domain", "codecs"},
	"log":           {"leaves", "domain", "codecs", "contracts", "use cases"},
	"encoding/json": {},
}

func TestLayers(t *testing.T) {
	row := map[string]int{}
	for i, l := range layers {
		for _, p := range l.packages {
			row[p] = i
		}
	}
	for pkg, imports := range imports(t) {
		if under(pkg, free) {
			continue
		}
		mine, ok := row[pkg]
		if !ok {
			t.Errorf("%s stands in no layer: decide where it belongs and add it to the table", pkg)
			continue
		}
		for _, imported := range imports {
			checkOutside(t, pkg, layers[mine].name, imported)
			inner, ok := strings.CutPrefix(imported, module)
			if !ok {
				continue
			}
			theirs, known := row[inner]
			switch {
			case !known:
				t.Errorf("%s imports %s, which is no part of the program", pkg, inner)
			case theirs > mine, theirs == mine && !layers[mine].among:
				t.Errorf("%s (%s) must not import %s (%s)", pkg, layers[mine].name, inner, layers[theirs].name)
			}
		}
	}
}

func checkOutside(t *testing.T, pkg, layer, imported string) {
	t.Helper()
	for prefix, allowed := range onlyImporter {
		if strings.HasPrefix(imported, prefix) && !slices.Contains(allowed, pkg) {
			t.Errorf("%s must not import %s: only %v may", pkg, imported, allowed)
		}
	}
	if slices.Contains(ignorant[imported], layer) {
		t.Errorf("%s (%s) must not import %s", pkg, layer, imported)
	}
}

// TestGatewayKnowsNoServer keeps the use case free of HTTP servers: it may use
// the names of methods and statuses, never a ResponseWriter.
func TestGatewayKnowsNoServer(t *testing.T) {
	root := root(t)
	files, err := filepath.Glob(filepath.Join(root, "internal/gateway/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the gateway: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "http.ResponseWriter") || strings.Contains(string(text), "http.Request") {
			t.Errorf("%s knows the HTTP server", filepath.Base(f))
		}
	}
}

func under(pkg string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return pkg == r || strings.HasPrefix(pkg, r+"/") })
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// imports parses the files of every package; a child process running the go
// command would be answered from the test cache and pass over a new violation.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	root := root(t)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "web") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[filepath.ToSlash(pkg)] = append(found[filepath.ToSlash(pkg)], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
