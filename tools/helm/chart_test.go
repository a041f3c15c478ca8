package helm

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "copy the definitions of deploy/kubernetes into the chart")

const (
	directory = "../../deploy/helm/tollgate"
	plain     = "../../deploy/kubernetes"
)

type object = map[string]any

// render gives what the chart makes of values, by kind and name.
func render(t *testing.T, namespace string, values object) (map[string]object, error) {
	t.Helper()
	c, err := loader.LoadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	with, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: "tollgate", Namespace: namespace, IsInstall: true, Revision: 1}, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	e := engine.Engine{Strict: true}
	files, err := e.Render(c, with)
	if err != nil {
		return nil, err
	}
	out := map[string]object{}
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			collect(t, name, []byte(text), out)
		}
	}
	for _, d := range definitions(t, c) {
		collect(t, d.Name, d.File.Data, out)
	}
	return out, nil
}

func definitions(t *testing.T, c *chart.Chart) []chart.CRD {
	t.Helper()
	all := c.CRDObjects()
	if len(all) == 0 {
		t.Fatal("the chart has no definitions")
	}
	return all
}

func collect(t *testing.T, file string, text []byte, into map[string]object) {
	t.Helper()
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var o object
		if err := yaml.UnmarshalStrict(document, &o); err != nil {
			t.Fatalf("%s: %v in\n%s", file, err, document)
		}
		if o != nil {
			into[o["kind"].(string)+" "+o["metadata"].(object)["name"].(string)] = o
		}
	}
}

// The chart installs what kubectl apply -f deploy/kubernetes does, but for the namespace,
// which helm install --create-namespace makes.
func TestChartIsThePlainInstallation(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(plain, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests:", err)
	}
	want := map[string]object{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		collect(t, f, text, want)
	}
	delete(want, "Namespace kgateway-system")
	got, err := render(t, "kgateway-system", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
		t.Fatalf("the chart has\n%s\nand the directory\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	for name := range want {
		if !reflect.DeepEqual(got[name], want[name]) {
			a, _ := yaml.Marshal(got[name])
			b, _ := yaml.Marshal(want[name])
			t.Errorf("%s is\n%s\nand not\n%s", name, a, b)
		}
	}
}

// The definitions are the same files.
func TestDefinitionsAreTheSame(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(plain, "*-crd-*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		want, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(directory, "crds", filepath.Base(f))
		if *update {
			if err := os.WriteFile(copied, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(copied); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from %s (go test -update copies it): %v", copied, f, err)
		}
	}
	if copies, _ := filepath.Glob(filepath.Join(directory, "crds", "*")); len(copies) != len(files) {
		t.Errorf("the chart has %v", copies)
	}
}

func controller(t *testing.T, objects map[string]object) object {
	t.Helper()
	spec := objects["Deployment tollgate-controller"]["spec"].(object)["template"].(object)["spec"].(object)
	return spec
}

func TestValues(t *testing.T) {
	got, err := render(t, "llm", object{
		"image":           object{"repository": "registry.example/tollgate", "tag": "sha256:ab"},
		"virtualKeys":     false,
		"gatewayClass":    object{"create": false},
		"gateways":        object{"namespace": "llm", "storage": "none", "replicas": 3, "serviceType": "ClusterIP", "storageClass": "fast"},
		"foreignBackends": true, "replicas": 1,
		"imagePullSecrets": []any{object{"name": "registry"}},
		"tolerations":      []any{object{"key": "llm", "operator": "Exists"}},
		"nodeSelector":     object{"pool": "llm"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ClusterRole tollgate-gateway-keys", "GatewayClass agentgateway"} {
		if got[name] != nil {
			t.Errorf("%s is there", name)
		}
	}
	spec := controller(t, got)
	c := spec["containers"].([]any)[0].(object)
	if c["image"] != "registry.example/tollgate@sha256:ab" {
		t.Errorf("image %v", c["image"])
	}
	args := []any{"controller", "--storage=none", "--storage-class=fast", "--kube-namespace=llm", "--service-type=ClusterIP", "--replicas=3", "--foreign-backends"}
	if !reflect.DeepEqual(c["args"], args) {
		t.Errorf("arguments %v", c["args"])
	}
	if spec["imagePullSecrets"] == nil || spec["tolerations"] == nil || spec["nodeSelector"] == nil {
		t.Errorf("pod %v", spec)
	}
	for name, o := range got {
		if ns, ok := o["metadata"].(object)["namespace"]; ok && ns != "llm" {
			t.Errorf("%s is in %v", name, ns)
		}
		subjects, _ := o["subjects"].([]any)
		for _, s := range subjects {
			if s.(object)["namespace"] != "llm" {
				t.Errorf("%s is for %v", name, s)
			}
		}
	}
}

func TestWrongValues(t *testing.T) {
	for says, values := range map[string]object{
		"serviceType":  {"gateways": object{"serviceType": "ExternalName"}},
		"storage":      {"gateways": object{"storage": "lots"}},
		"storageclass": {"gateways": object{"storageclass": "fast"}},
		"replicas":     {"replicas": 0},
		"virtualKeys":  {"virtualKeys": "no"},
		"repository":   {"image": object{"repository": ""}},
	} {
		if _, err := render(t, "x", values); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want something about %s", values, err, says)
		}
	}
}
