//go:build !nokube

package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A controller that cannot work says why before it asks any cluster.
func TestController(t *testing.T) {
	t.Setenv("KUBECONFIG", "")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("HOME", t.TempDir())
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(`{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}], contexts: [{name: c, context: {cluster: c}}], current-context: c}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says string
		code int
		args []string
	}{
		{"no cluster is known", 1, nil},
		{"read the kubeconfig", 1, []string{"--kubeconfig", filepath.Join(t.TempDir(), "none")}},
		{"--image is missing", 2, []string{"--kubeconfig", kubeconfig}},
		{"--storage lots: must be a size", 2, []string{"--kubeconfig", kubeconfig, "--image", "i", "--storage", "lots"}},
		{"--service-type Internal: must be one of LoadBalancer, NodePort, ClusterIP", 2, []string{"--kubeconfig", kubeconfig, "--image", "i", "--service-type", "Internal"}},
		{"the ledger is one database", 2, []string{"--kubeconfig", kubeconfig, "--image", "i", "--replicas", "2"}},
		{"--readiness-addr moves it", 1, []string{"--kubeconfig", kubeconfig, "--image", "i", "--readiness-addr", "nowhere"}},
		{"look for the Gateway API", 1, []string{"--kubeconfig", kubeconfig, "--image", "i", "--readiness-addr", "127.0.0.1:0"}},
	} {
		code, stdout, stderr := run("", append([]string{"controller"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.says) || stdout != "" {
			t.Errorf("%v: exit %d\n%s%s\nwant %d, %s", c.args, code, stdout, stderr, c.code, c.says)
		}
	}
}
