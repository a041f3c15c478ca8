//go:build !nokube

package deployment_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"tollgate/internal/kube/deployment"
	"tollgate/internal/kube/resource"
)

const directory = "../../../deploy/kubernetes"

// manifests gives the objects of an installation in the order in which kubectl applies them.
func manifests(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests:", err)
	}
	var out []*unstructured.Unstructured
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			asJSON, err := yaml.YAMLToJSONStrict(document)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			o := &unstructured.Unstructured{}
			if err := o.UnmarshalJSON(asJSON); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			out = append(out, o)
		}
	}
	return out
}

func installed(t *testing.T, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range manifests(t) {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("%s %s is not installed", kind, name)
	return nil
}

func TestInstallation(t *testing.T) {
	seen := map[string]int{}
	for i, o := range manifests(t) {
		seen[o.GetKind()+" "+o.GetName()] = i
		if o.GetLabels()["app.kubernetes.io/name"] != "tollgate" {
			t.Errorf("%s %s lacks the label that tells whose it is", o.GetKind(), o.GetName())
		}
		if ns := o.GetNamespace(); ns != "" && ns != "kgateway-system" {
			t.Errorf("%s %s is in %s", o.GetKind(), o.GetName(), ns)
		}
	}
	if seen["Namespace kgateway-system"] != 0 {
		t.Error("the namespace is not the first to be applied")
	}
	class := installed(t, "GatewayClass", "agentgateway")
	if at(class.Object, "spec", "controllerName") != string(deployment.ControllerName) {
		t.Errorf("the class names %v", at(class.Object, "spec", "controllerName"))
	}
	// kustomize installs the same.
	text, err := os.ReadFile(filepath.Join(directory, "Kustomization"))
	if err != nil {
		t.Fatal(err)
	}
	var k struct{ Resources []string }
	if err := yaml.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(directory, "*.yaml"))
	for i, f := range files {
		files[i] = filepath.Base(f)
	}
	if !slices.Equal(k.Resources, files) {
		t.Errorf("Kustomization has %v, the directory %v", k.Resources, files)
	}
}

// schema is a part of a structural schema.
type schema struct {
	Type                 string
	Description          string
	Properties           map[string]*schema
	Items                *schema
	AdditionalProperties *schema
	Required             []string
	Open                 bool   `json:"x-kubernetes-preserve-unknown-fields"`
	List                 string `json:"x-kubernetes-list-type"`
}

type definition struct {
	Spec struct {
		Versions []struct {
			Name         string
			Subresources struct{ Status *struct{} }
			Columns      []struct{ Name, JSONPath, Description string } `json:"additionalPrinterColumns"`
			Schema       struct {
				OpenAPI *schema `json:"openAPIV3Schema"`
			}
		}
	}
}

func definitions(t *testing.T) map[string]definition {
	t.Helper()
	out := map[string]definition{}
	for _, o := range manifests(t) {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		text, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var d definition
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		out[o.GetName()] = d
	}
	return out
}

// What the program reads stands in the schemas, or the API server would drop it; and what
// a schema takes the program knows, or it would be taken and mean nothing.
func TestSchemasHaveTheFieldsOfTheTypes(t *testing.T) {
	all := definitions(t)
	for name, of := range map[string]reflect.Type{
		"backends.gateway.kgateway.dev":         reflect.TypeFor[resource.Backend](),
		"agentgatewaybackends.agentgateway.dev": reflect.TypeFor[resource.AgentgatewayBackend](),
		"agentgatewaypolicies.agentgateway.dev": reflect.TypeFor[resource.AgentgatewayPolicy](),
		"virtualkeys.tollgate.dev":              reflect.TypeFor[resource.VirtualKey](),
	} {
		d, ok := all[name]
		if !ok {
			t.Errorf("%s is not defined", name)
			continue
		}
		delete(all, name)
		if len(d.Spec.Versions) != 1 || d.Spec.Versions[0].Name != "v1alpha1" || d.Spec.Versions[0].Subresources.Status == nil {
			t.Errorf("%s: versions or status subresource", name)
			continue
		}
		root := d.Spec.Versions[0].Schema.OpenAPI
		for _, part := range []string{"spec", "status"} {
			if f, ok := fieldsOf(of)[part]; ok {
				same(t, name+" ."+part, root.Properties[part], f)
			}
		}
		described(t, name, root)
	}
	if len(all) != 0 {
		t.Errorf("definitions without a type: %v", all)
	}
}

// fieldsOf gives the fields of a type by their names in JSON.
func fieldsOf(of reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case options == "inline", f.Anonymous && name == "":
			for k, v := range fieldsOf(f.Type) {
				out[k] = v
			}
		case name == "": // read by a method of the type
			out[strings.ToLower(f.Name[:1])+f.Name[1:]] = f.Type
		default:
			out[name] = f.Type
		}
	}
	return out
}

// notes tells whether a type notes the fields that it does not know, so that a condition
// can name them: the schema may then have more than the type.
func notes(of reflect.Type) bool {
	for i := range of.NumField() {
		if f := of.Field(i); f.Name == "Others" || f.Anonymous && f.Type.Kind() == reflect.Struct && notes(f.Type) {
			return true
		}
	}
	return false
}

var (
	times     = reflect.TypeFor[metav1.Time]()
	durations = reflect.TypeFor[metav1.Duration]()
)

// same compares a schema with a type.
func same(t *testing.T, where string, s *schema, of reflect.Type) {
	t.Helper()
	if s == nil {
		t.Errorf("%s: the schema lacks it", where)
		return
	}
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Int32: "integer", reflect.Int64: "integer",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object", reflect.Interface: "",
	}[of.Kind()]
	if of == times || of == durations {
		want = "string"
	}
	if s.Type != want {
		t.Errorf("%s: the schema says %q, the type is a %s", where, s.Type, of)
		return
	}
	switch {
	case of == times || of == durations:
	case of.Kind() == reflect.Slice:
		same(t, where+"[]", s.Items, of.Elem())
	case of.Kind() == reflect.Map && !s.Open:
		same(t, where+"{}", s.AdditionalProperties, of.Elem())
	case of.Kind() == reflect.Struct:
		fields := fieldsOf(of)
		for name, f := range fields {
			if name == "moderation" && strings.HasSuffix(where, ".anthropic") {
				continue // one type for both providers, and only the other has this
			}
			same(t, where+"."+name, s.Properties[name], f)
		}
		for name, p := range s.Properties {
			if _, ok := fields[name]; !ok && !notes(of) {
				t.Errorf("%s.%s: the schema takes it and the type does not know it: %s", where, name, p.Description)
			}
		}
	}
}

// described checks that every field is explained, and that lists say how they are merged.
func described(t *testing.T, where string, s *schema) {
	t.Helper()
	for name, p := range s.Properties {
		if p.Description == "" && name != "metadata" {
			t.Errorf("%s.%s has no description", where, name)
		}
		described(t, where+"."+name, p)
	}
	for _, r := range s.Required {
		if s.Properties[r] == nil {
			t.Errorf("%s: %s is required and not there", where, r)
		}
	}
	if s.Items != nil {
		if s.List == "" {
			t.Errorf("%s: does not say how lists are merged", where)
		}
		described(t, where+"[]", s.Items)
	}
}

var (
	step   = regexp.MustCompile(`^\.([A-Za-z]+)((?:\[[^]]*\])*)`)
	filter = regexp.MustCompile(`^\[\?\(@\.([A-Za-z]+)==`)
)

func TestColumnsExist(t *testing.T) {
	for name, d := range definitions(t) {
		for _, c := range d.Spec.Versions[0].Columns {
			at, rest := d.Spec.Versions[0].Schema.OpenAPI, c.JSONPath
			for rest != "" && at != nil {
				m := step.FindStringSubmatch(rest)
				if m == nil {
					t.Fatalf("%s: column %s: cannot follow %s", name, c.Name, c.JSONPath)
				}
				rest = rest[len(m[0]):]
				if m[1] == "creationTimestamp" {
					break // metadata is the API server's own
				}
				if at = at.Properties[m[1]]; at == nil || m[2] == "" {
					continue
				}
				at = at.Items
				if f := filter.FindStringSubmatch(m[2]); f != nil && at != nil && at.Properties[f[1]] == nil {
					at = nil
				}
			}
			if at == nil || c.Description == "" {
				t.Errorf("%s: column %s: nothing is at %s, or it is not described", name, c.Name, c.JSONPath)
			}
		}
	}
}

// rights gives what a role allows, as "group/resource verb".
func rights(t *testing.T, kind, name string) []string {
	t.Helper()
	var out []string
	role := installed(t, kind, name)
	for _, r := range at(role.Object, "rules").([]any) {
		list := func(field string) []string {
			var texts []string
			items, _ := at(r, field).([]any)
			for _, i := range items {
				texts = append(texts, i.(string))
			}
			return texts
		}
		for _, group := range list("apiGroups") {
			for _, resource := range list("resources") {
				for _, verb := range list("verbs") {
					if group == "*" || resource == "*" || verb == "*" {
						t.Errorf("%s allows more than it says", name)
					}
					if names := list("resourceNames"); names != nil {
						verb += " " + strings.Join(names, ",")
					}
					out = append(out, group+"/"+resource+" "+verb)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// each gives rights on several resources.
func each(resources, verbs string) []string {
	var out []string
	for r := range strings.FieldsSeq(resources) {
		for v := range strings.FieldsSeq(verbs) {
			out = append(out, r+" "+v)
		}
	}
	return out
}

// Nobody gets a right that is not needed, or lacks one that is: watching for what is
// followed, update for the statuses that are written.
func TestRolesAllowWhatIsNeeded(t *testing.T) {
	const watch, keep = "get list watch", "get list watch create patch delete"
	const network, ai = "gateway.networking.k8s.io/", "agentgateway.dev/"
	for name, want := range map[string][]string{
		deployment.RoleGateway: slices.Concat(
			each(network+"gateways "+network+"httproutes "+network+"referencegrants "+network+"backendtlspolicies gateway.kgateway.dev/backends "+
				ai+"agentgatewaybackends "+ai+"agentgatewaypolicies tollgate.dev/virtualkeys /secrets /configmaps /services discovery.k8s.io/endpointslices", watch),
			each(network+"gateways/status "+network+"httproutes/status "+network+"backendtlspolicies/status gateway.kgateway.dev/backends/status "+
				ai+"agentgatewaybackends/status "+ai+"agentgatewaypolicies/status tollgate.dev/virtualkeys/status", "update"),
			each("/events", "create"),
		),
		deployment.RoleCluster: slices.Concat(
			each(network+"gatewayclasses /namespaces apiextensions.k8s.io/customresourcedefinitions", watch), each(network+"gatewayclasses/status", "update"),
		),
		deployment.RoleKeys:  slices.Concat(each("/secrets", "create update"), each("tollgate.dev/virtualkeys/finalizers", "update")),
		deployment.RoleLease: each("coordination.k8s.io/leases", "get create update"),
		"tollgate-controller": slices.Concat(
			each(network+"gatewayclasses "+network+"gateways", watch), each(network+"gatewayclasses/status "+network+"gateways/status", "update"),
			each(network+"httproutes "+network+"backendtlspolicies "+ai+"agentgatewaypolicies", "list"),
			each(network+"httproutes/status "+network+"backendtlspolicies/status "+ai+"agentgatewaypolicies/status", "update"),
			each("/serviceaccounts /services apps/deployments policy/poddisruptionbudgets rbac.authorization.k8s.io/rolebindings rbac.authorization.k8s.io/clusterrolebindings", keep),
			each("/secrets /persistentvolumeclaims /events", "create"),
			[]string{
				"apiextensions.k8s.io/customresourcedefinitions get gateways.gateway.networking.k8s.io,backends.gateway.kgateway.dev",
				"rbac.authorization.k8s.io/clusterroles bind " + strings.Join([]string{deployment.RoleGateway, deployment.RoleCluster, deployment.RoleKeys, deployment.RoleLease}, ","),
			},
		),
	} {
		slices.Sort(want)
		if got := rights(t, "ClusterRole", name); !slices.Equal(got, want) {
			t.Errorf("%s allows\n%s\nand not\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	want := slices.Concat(each("coordination.k8s.io/leases", "create get update"), each("/pods", "get"))
	if got := rights(t, "Role", "tollgate-controller"); !slices.Equal(slices.Sorted(slices.Values(want)), got) {
		t.Errorf("the controller's Role allows %v", got)
	}
}
