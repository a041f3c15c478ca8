//go:build !nokube

package deployment_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"tollgate/internal/kube/deployment"
)

var update = flag.Bool("update", false, "write the expected files anew")

// read gives an object that is written in YAML.
func read[T any](t *testing.T, text string) *T {
	t.Helper()
	out := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), out); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return out
}

const page = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: agentgateway, namespace: kgateway-system, uid: 0a1b}
spec:
  gatewayClassName: agentgateway
  listeners:
  - {name: http, protocol: HTTP, port: 8080, allowedRoutes: {namespaces: {from: All}}}
`

const elaborate = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: public
  namespace: edge
  uid: 2c3d
  annotations: {tollgate.dev/service-type: NodePort, tollgate.dev/config: settings}
spec:
  gatewayClassName: llm
  infrastructure:
    labels: {team: platform, app.kubernetes.io/name: mine}
    annotations: {example.com/load-balancer: internal}
  listeners:
  - {name: http, protocol: HTTP, port: 80}
  - {name: a, protocol: HTTPS, port: 443, hostname: a.example.com}
  - {name: b, protocol: HTTPS, port: 443, hostname: b.example.com}
  - {name: raw, protocol: TCP, port: 9000}
  - {name: metrics, protocol: HTTP, port: 15020}
`

var ordinary = deployment.Settings{Image: "registry.example/tollgate:1.2.3", Storage: "10Gi"}

func TestObjects(t *testing.T) {
	for name, c := range map[string]struct {
		gateway  string
		settings deployment.Settings
	}{
		"page":       {page, ordinary},
		"elaborate":  {elaborate, deployment.Settings{Image: "tollgate:1", Class: "llm", Storage: "none", Replicas: 3}},
		"namespaced": {page, deployment.Settings{Image: "tollgate:1", Namespaced: true, Storage: "1Ti", StorageClass: "fast", ServiceType: "ClusterIP"}},
	} {
		t.Run(name, func(t *testing.T) {
			gateway := read[gatewayv1.Gateway](t, c.gateway)
			objects, err := deployment.Objects(gateway, c.settings)
			if err != nil {
				t.Fatal(err)
			}
			kept, err := deployment.Kept(gateway, c.settings, bytes.NewReader(make([]byte, 32)))
			if err != nil {
				t.Fatal(err)
			}
			var text []string
			for _, o := range slices.Concat(objects, kept) {
				out, err := yaml.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				text = append(text, string(out))
			}
			compare(t, filepath.Join("testdata", name+".yaml"), strings.Join(text, "---\n"))
		})
	}
}

// Only Gateways of the namespaces that were named get rights in all of them.
func TestWideNamespaces(t *testing.T) {
	for namespace, wide := range map[string]bool{"kgateway-system": true, "team": false} {
		settings := ordinary
		settings.Wide = []string{"kgateway-system", "edge"}
		objects, err := deployment.Objects(read[gatewayv1.Gateway](t, strings.ReplaceAll(page, "namespace: kgateway-system", "namespace: "+namespace)), settings)
		if err != nil {
			t.Fatal(err)
		}
		var bound []string
		confined := false
		for _, o := range objects {
			if o.GetKind() == "ClusterRoleBinding" {
				role, _, _ := strings.Cut(o.GetName(), ":")
				bound = append(bound, role)
			}
			if o.GetKind() == "Deployment" {
				text, err := yaml.Marshal(o.Object)
				confined = err == nil && strings.Contains(string(text), "--kube-namespace="+namespace+"\n")
			}
		}
		want := []string{deployment.RoleCluster}
		if wide {
			want = append(want, deployment.RoleGateway, deployment.RoleKeys)
		}
		if !slices.Equal(bound, want) || confined == wide {
			t.Errorf("a Gateway of %s: bound in the whole cluster %v, confined to its namespace: %t", namespace, bound, confined)
		}
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what comes out (go test -update writes it); it is\n%s", file, got)
	}
}

// The same Gateway gives the same objects, so that nothing is applied twice.
func TestObjectsAreStable(t *testing.T) {
	gateway := read[gatewayv1.Gateway](t, elaborate)
	first := made(t, gateway, ordinary)
	for range 20 {
		for i, o := range made(t, gateway, ordinary) {
			if o.GetAnnotations()["tollgate.dev/applied"] != first[i].GetAnnotations()["tollgate.dev/applied"] {
				t.Fatalf("%s %s differs from time to time", o.GetKind(), o.GetName())
			}
		}
	}
	other := made(t, gateway, deployment.Settings{Image: "other"})
	if a, b := deploymentOf(t, first), deploymentOf(t, other); a.GetAnnotations()["tollgate.dev/applied"] == b.GetAnnotations()["tollgate.dev/applied"] {
		t.Error("another image does not change the digest")
	}
}

func made(t *testing.T, gateway *gatewayv1.Gateway, settings deployment.Settings) []*unstructured.Unstructured {
	t.Helper()
	objects, err := deployment.Objects(gateway, settings)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func deploymentOf(t *testing.T, objects []*unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	for _, o := range objects {
		if o.GetKind() == "Deployment" {
			return o
		}
	}
	t.Fatal("no Deployment")
	return nil
}

// What a Pod Security Standard of the level restricted asks for, of everything that is run.
func TestPodsAreRestricted(t *testing.T) {
	for name, d := range map[string]*unstructured.Unstructured{
		"gateway":    deploymentOf(t, made(t, read[gatewayv1.Gateway](t, elaborate), deployment.Settings{Image: "i", Storage: "1Gi"})),
		"controller": installed(t, "Deployment", "tollgate-controller"),
	} {
		pod := at(d.Object, "spec", "template", "spec")
		security := at(pod, "securityContext")
		if at(security, "runAsNonRoot") != true || at(security, "runAsUser") == int64(0) || at(security, "seccompProfile", "type") != "RuntimeDefault" {
			t.Errorf("%s: pod security context %v", name, security)
		}
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC", "hostUsers"} {
			if at(pod, field) != nil {
				t.Errorf("%s: %s is set", name, field)
			}
		}
		if sysctls, ok := at(security, "sysctls").([]any); ok && (len(sysctls) != 1 || at(sysctls[0], "name") != "net.ipv4.ip_unprivileged_port_start") {
			t.Errorf("%s: sysctls %v", name, sysctls)
		}
		for _, c := range at(pod, "containers").([]any) {
			s := at(c, "securityContext")
			drop, _ := at(s, "capabilities", "drop").([]any)
			if at(s, "allowPrivilegeEscalation") != false || at(s, "readOnlyRootFilesystem") != true || !slices.Contains(drop, any("ALL")) || at(s, "capabilities", "add") != nil {
				t.Errorf("%s: container security context %v", name, s)
			}
			if at(c, "livenessProbe") == nil || at(c, "readinessProbe", "httpGet", "path") != "/healthz/ready" || at(c, "resources", "requests") == nil {
				t.Errorf("%s: probes or requests are missing", name)
			}
		}
		volumes, _ := at(pod, "volumes").([]any)
		for _, v := range volumes {
			for kind := range v.(map[string]any) {
				if !slices.Contains([]string{"name", "emptyDir", "secret", "configMap", "persistentVolumeClaim"}, kind) {
					t.Errorf("%s: a volume of the kind %s", name, kind)
				}
			}
		}
	}
}

// at follows a path through maps; nil where it ends.
func at(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

// Operators' ports must not be reachable from outside of the cluster by a Gateway's Service.
func TestServiceHasNoAdminPort(t *testing.T) {
	gateway := read[gatewayv1.Gateway](t, strings.ReplaceAll(elaborate, "port: 9000", "port: 15000"))
	gateway.Spec.Listeners[3].Protocol = gatewayv1.HTTPProtocolType
	for _, o := range made(t, gateway, ordinary) {
		if o.GetKind() != "Service" {
			continue
		}
		var ports []int64
		for _, p := range at(o.Object, "spec", "ports").([]any) {
			ports = append(ports, at(p, "port").(int64))
		}
		if !slices.Equal(ports, []int64{80, 443}) {
			t.Errorf("ports %v", ports)
		}
	}
}

// A pod gets its grace: longer than it serves on and drains for.
func TestGraceIsLongerThanTheDrain(t *testing.T) {
	d := deploymentOf(t, made(t, read[gatewayv1.Gateway](t, page), ordinary))
	if grace := at(d.Object, "spec", "template", "spec", "terminationGracePeriodSeconds"); grace != int64(50) {
		t.Errorf("grace %v", grace)
	}
	args := at(at(d.Object, "spec", "template", "spec", "containers").([]any)[0], "args").([]any)
	if last := args[len(args)-1].(string); !strings.Contains(last, "connectionMinTerminationDeadline: 5s") || !strings.Contains(last, "drainTimeout: 30s") {
		t.Errorf("arguments %v", args)
	}
}

func TestMasterKeyIsRandomAndKept(t *testing.T) {
	gateway := read[gatewayv1.Gateway](t, page)
	kept, err := deployment.Kept(gateway, ordinary, strings.NewReader(strings.Repeat("\xab\xcd", 16)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(at(kept[0].Object, "data", "master-key").(string))
	if err != nil || string(key) != strings.Repeat("abcd", 16) {
		t.Errorf("master key %q, %v", key, err)
	}
	for _, o := range kept {
		if len(o.GetOwnerReferences()) != 0 {
			t.Errorf("%s ends with the Gateway", o.GetKind())
		}
	}
	if kept[0].GetAnnotations()["tollgate.dev/applied"] != "" {
		t.Error("the Secret shows a digest of its content")
	}
	if _, err := deployment.Kept(gateway, ordinary, strings.NewReader("short")); err == nil {
		t.Error("a key was made of too little")
	}
}

func TestWhatKeepsAGatewayFromRunning(t *testing.T) {
	for says, change := range map[string]func(*gatewayv1.Gateway){
		"at most 63 characters and no dot": func(g *gatewayv1.Gateway) { g.Name = "a.b" },
		"names of Gateways":                func(g *gatewayv1.Gateway) { g.Name = strings.Repeat("a", 64) },
		`"Internal" must be one of`:        func(g *gatewayv1.Gateway) { g.Annotations["tollgate.dev/service-type"] = "Internal" },
		`"" must be one of`:                func(g *gatewayv1.Gateway) { g.Annotations["tollgate.dev/service-type"] = "" },
		"no parameters are known": func(g *gatewayv1.Gateway) {
			g.Spec.Infrastructure.ParametersRef = &gatewayv1.LocalParametersReference{Kind: "ConfigMap", Name: "x"}
		},
		"whose key config.yaml is a configuration": func(g *gatewayv1.Gateway) { g.Annotations["tollgate.dev/config"] = "" },
		`"a/b" must name a ConfigMap`:              func(g *gatewayv1.Gateway) { g.Annotations["tollgate.dev/config"] = "a/b" },
	} {
		gateway := read[gatewayv1.Gateway](t, elaborate)
		change(gateway)
		if _, err := deployment.Objects(gateway, ordinary); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

func TestSettings(t *testing.T) {
	for says, s := range map[string]deployment.Settings{
		"--image is missing":              {},
		"--service-type ExternalName":     {Image: "i", ServiceType: "ExternalName"},
		"--storage lots: must be a size":  {Image: "i", Storage: "lots"},
		"--storage 0: must be a size":     {Image: "i", Storage: "0"},
		"--storage -1Gi: must be a size":  {Image: "i", Storage: "-1Gi"},
		"the ledger is one database":      {Image: "i", Storage: "1Gi", Replicas: 2},
		"--replicas -1: must be at least": {Image: "i", Replicas: -1},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %s", s, err, says)
		}
	}
	for _, s := range []deployment.Settings{{Image: "i"}, {Image: "i", Storage: "none", Replicas: 3}, {Image: "i", Storage: "1.5Ti", Replicas: 1, ServiceType: "ClusterIP"}} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// The Gateway's own wishes never replace what things are found by.
func TestOurLabelsWin(t *testing.T) {
	d := deploymentOf(t, made(t, read[gatewayv1.Gateway](t, elaborate), ordinary))
	labels := d.GetLabels()
	if labels["team"] != "platform" || labels["app.kubernetes.io/name"] != "tollgate" {
		t.Errorf("labels %v", labels)
	}
	selector := at(d.Object, "spec", "selector", "matchLabels").(map[string]any)
	pod := at(d.Object, "spec", "template", "metadata", "labels").(map[string]any)
	for k, v := range selector {
		if pod[k] != v {
			t.Errorf("the selector asks for %s=%v, the pod has %v", k, v, pod[k])
		}
	}
	if _, ok := selector["team"]; ok {
		t.Error("the selector has a label that may change:", slices.Collect(maps.Keys(selector)))
	}
}
