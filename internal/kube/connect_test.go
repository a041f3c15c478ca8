//go:build !nokube

package kube_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/kube"
)

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://SERVER"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: ns}}]
current-context: x`

func TestWhereTheClusterIs(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	named := file("named", strings.ReplaceAll(kubeconfig, "SERVER", "named"))
	other := file("other", strings.ReplaceAll(kubeconfig, "SERVER", "other"))
	for _, c := range []struct {
		name, flag, variable, pod string
		host, problem             string
	}{
		{"the file that is named", named, other, "10.0.0.1", "https://named", ""},
		{"the variable", "", other, "10.0.0.1", "https://other", ""},
		{"a pod without a service account", "", "", "10.0.0.1", "", "service account of this pod"},
		{"a file that is not there", filepath.Join(dir, "absent"), "", "", "", "read the kubeconfig"},
		{"a file that is none", file("bad", "clusters: ["), "", "", "", "read the kubeconfig"},
		{"a file without a cluster", file("empty", "apiVersion: v1\nkind: Config\n"), "", "", "", "no cluster is known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", c.variable)
			t.Setenv("KUBERNETES_SERVICE_HOST", c.pod)
			t.Setenv("KUBERNETES_SERVICE_PORT", "443")
			config, namespace, err := kube.Config(c.flag)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("got %v, want an error with %q", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, "server and namespace", config.Host+" "+namespace, c.host+" ns")
			cluster, err := kube.Connect(kube.Options{Kubeconfig: c.flag, Log: slog.New(slog.DiscardHandler), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, "lease", cluster.Lease(), "ns/tollgate")
			if cluster.Objects() != nil || cluster.Leading() {
				t.Error("something is known before Run")
			}
		})
	}
}
