//go:build !nokube

package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/config"
	"tollgate/internal/control"
	"tollgate/internal/kube/manifest"
)

// What is wrong with one object is not all others' matter: whatever compiling the whole finds
// out is the fault of somebody, once.
func TestBlame(t *testing.T) {
	ref := func(kind, name string) manifest.Ref {
		return manifest.Ref{Kind: kind, NamespacedName: types.NamespacedName{Namespace: "ns", Name: name}}
	}
	keys := &config.APIKeys{Keys: []config.APIKey{{ID: "key_one"}, {ID: "key_two", At: config.Position{File: ref("Secret", "keys").String(), Path: "alice"}}}}
	c := &config.Config{Routes: []config.Route{{}, {Policies: config.RoutePolicies{APIKey: keys}}}}
	settings := &manifest.Settings{Broken: map[manifest.Ref]string{}, Unavailable: map[int]string{}}
	problems := &config.Problems{List: []config.Problem{{File: ref("HTTPRoute", "r").String(), Path: "spec", Message: "is odd"}}}
	taken := fmt.Errorf("take over: %w", &control.Error{Detail: "it has the secret of key_x", Subject: "key_two"})
	for _, step := range []struct {
		err  error
		news bool
	}{{problems, true}, {problems, false}, {taken, true}, {taken, false}, {&control.Error{Detail: "the disk is full"}, false}, {errors.New("other"), false}} {
		if news := blame(step.err, c, settings); news != step.news {
			t.Errorf("%v is news: %t", step.err, news)
		}
	}
	if len(settings.Broken) != 2 || settings.Broken[ref("HTTPRoute", "r")] != "spec: is odd" || settings.Broken[ref("Secret", "keys")] != "alice: it has the secret of key_x" {
		t.Errorf("%v", settings.Broken)
	}
}

// Objects change all the time; what there is to say is said when it is new.
func TestWarnedOnce(t *testing.T) {
	var said bytes.Buffer
	a := &App{log: slog.New(slog.NewTextHandler(&said, nil))}
	report := &config.Report{Warnings: []config.Problem{{Path: "mcp", Message: "is left aside"}}}
	for _, objects := range [][]string{{"first"}, {"first", "second"}, {"second"}} {
		a.warnOf(report, objects)
	}
	for _, once := range []string{"is left aside", "Kubernetes: first", "Kubernetes: second"} {
		if n := strings.Count(said.String(), once); n != 1 {
			t.Errorf("%q is said %d times:\n%s", once, n, said.String())
		}
	}
	a.warnOf(report, []string{"first"})
	if n := strings.Count(said.String(), "Kubernetes: first"); n != 2 {
		t.Errorf("what came back is said %d times", n)
	}
}
