package manifest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/kube/manifest"
)

// scenes gives what the files of TestCompile and of TestMeaning have, each on its own.
func scenes(t *testing.T) map[string]act {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	out := map[string]act{}
	for _, file := range files {
		out[file] = scene(t, file)
	}
	return out
}

// lists calls f with each list of objects.
func lists(o *manifest.Objects, f func(list reflect.Value)) {
	v := reflect.ValueOf(o).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Slice {
			f(v.Field(i))
		}
	}
}

// TestOrderMeansNothing compiles the same objects in other orders.
func TestOrderMeansNothing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, a := range scenes(t) {
		want := manifest.Compile(defaults(t), a.objects, a.settings)
		for range 4 {
			lists(a.objects, func(list reflect.Value) { random.Shuffle(list.Len(), reflect.Swapper(list.Interface())) })
			got := manifest.Compile(defaults(t), a.objects, a.settings)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: another order gives something else\n%v\n%v", name, routeLines(got.Config), routeLines(want.Config))
			}
		}
	}
}

// TestNothingIsChanged compares what is compiled with how it was before.
func TestNothingIsChanged(t *testing.T) {
	t.Parallel()
	base := defaults(t)
	base.Gateways, base.Routes = make(config.Map[config.Gateway], 0, 8), make([]config.Route, 0, 8) // with room behind
	first := manifest.Compile(base, scene(t, "testdata/gatewayapi/order.txtar").objects, settingsOf(t, ""))
	lines := append(gatewayLines(first.Config), routeLines(first.Config)...)
	for name, a := range scenes(t) {
		before, after := scene(t, name), a
		result := manifest.Compile(base, a.objects, a.settings)
		if !reflect.DeepEqual(before.objects, after.objects) || !reflect.DeepEqual(before.settings, after.settings) {
			t.Errorf("%s: objects are changed", name)
		}
		// Whoever writes the statuses may change them.
		for _, parents := range result.Statuses.Routes {
			for i := range parents {
				p := &parents[i].ParentRef
				for _, field := range []any{&p.Group, &p.Kind, &p.Namespace, &p.SectionName, &p.Port} {
					if v := reflect.ValueOf(field).Elem(); !v.IsNil() {
						v.Elem().SetZero()
					}
				}
			}
		}
		if !reflect.DeepEqual(before.objects, after.objects) {
			t.Errorf("%s: statuses share memory with objects", name)
		}
	}
	if len(base.Gateways)+len(base.Routes) > 0 {
		t.Error("the base is changed")
	}
	if again := append(gatewayLines(first.Config), routeLines(first.Config)...); !slices.Equal(again, lines) {
		t.Errorf("what was compiled before is changed: %v", again)
	}
}

// TestAnyObject takes away fields of objects and puts nonsense in their place. Whatever comes
// of it, compiling ends without a panic, and in a configuration that can be put in force.
func TestAnyObject(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for name, a := range scenes(t) {
		for range 8 {
			o := *a.objects
			lists(&o, func(list reflect.Value) {
				damaged := reflect.MakeSlice(list.Type(), 0, list.Len())
				for i := range list.Len() {
					damaged = reflect.Append(damaged, damage(t, random, list.Index(i)))
				}
				list.Set(damaged)
			})
			result := manifest.Compile(defaults(t), &o, a.settings)
			if t.Run(name, func(t *testing.T) { inForce(t, result.Config) }); t.Failed() {
				t.FailNow()
			}
		}
	}
}

// damage gives a copy of an object that something is missing of or wrong with.
func damage(t *testing.T, random *rand.Rand, object reflect.Value) reflect.Value {
	t.Helper()
	text, err := json.Marshal(object.Interface())
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	out := reflect.New(object.Type().Elem())
	if text, err = json.Marshal(chewed(random, tree)); err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal(text, out.Interface()) != nil {
		return object // what the API server would not take either
	}
	return out
}

// chewed gives a JSON value with fields and elements missing or replaced here and there.
func chewed(random *rand.Rand, v any) any {
	const one = 25 // in so many
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) { // so that a failure can be had again
			if v[name] = chewed(random, v[name]); random.IntN(one) == 0 {
				delete(v, name)
			}
		}
	case []any:
		for i := range v {
			v[i] = chewed(random, v[i])
		}
		if len(v) > 0 && random.IntN(one) == 0 {
			i := random.IntN(len(v))
			return slices.Delete(v, i, i+1)
		}
		if len(v) > 0 && random.IntN(one) == 0 {
			return append(v, v[random.IntN(len(v))])
		}
	case string:
		if random.IntN(one) == 0 {
			return []string{"", "*", "/", "(", "\x00", "a b", v + v, "System", "*.example.com"}[random.IntN(9)]
		}
	case float64:
		if random.IntN(one) == 0 {
			return []float64{0, -1, 1, 80, 1 << 30}[random.IntN(5)]
		}
	}
	return v
}

// TestPositionsNameObjects looks at every position in what objects come to: what is wrong
// there can be told to the object.
func TestPositionsNameObjects(t *testing.T) {
	t.Parallel()
	for name, a := range scenes(t) {
		result := manifest.Compile(nil, a.objects, a.settings)
		positions(reflect.ValueOf(result.Config.Gateways), name+" gateways", func(at config.Position, path string) { checkPosition(t, at, path) })
		positions(reflect.ValueOf(result.Config.Routes), name+" routes", func(at config.Position, path string) { checkPosition(t, at, path) })
	}
}

func checkPosition(t *testing.T, at config.Position, path string) {
	t.Helper()
	if _, ok := manifest.ParseRef(at.File); !ok {
		t.Errorf("%s: the position is in %q", path, at.File)
	}
}

// positions calls f with every position below a value, but for those of what is not given.
func positions(v reflect.Value, path string, f func(config.Position, string)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			positions(v.Elem(), path, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			positions(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case reflect.Struct:
		if at, ok := v.Interface().(config.Position); ok {
			f(at, path)
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && !v.Field(i).IsZero() || field.Name == "At" && !v.IsZero() {
				positions(v.Field(i), path+"."+field.Name, f)
			}
		}
	}
}

// TestConditions looks at every condition: it is of the generation that was compiled, has what
// the API wants, and no time, which is for whoever writes it.
func TestConditions(t *testing.T) {
	t.Parallel()
	for name, a := range scenes(t) {
		generation := int64(1) // another one for each object
		lists(a.objects, func(list reflect.Value) {
			for i := range list.Len() {
				list.Index(i).Interface().(metav1.Object).SetGeneration(generation)
				generation++
			}
		})
		s := manifest.Compile(defaults(t), a.objects, a.settings).Statuses
		for _, c := range a.objects.Classes {
			checkConditions(t, name, c, s.Classes[c.Name].Conditions)
		}
		for _, g := range a.objects.Gateways {
			status := s.Gateways[types.NamespacedName{Namespace: g.Namespace, Name: g.Name}]
			checkConditions(t, name, g, status.Conditions)
			for _, l := range status.Listeners {
				checkConditions(t, name, g, l.Conditions)
			}
		}
		for _, r := range a.objects.Routes {
			for _, p := range s.Routes[types.NamespacedName{Namespace: r.Namespace, Name: r.Name}] {
				checkConditions(t, name, r, p.Conditions)
			}
		}
		for _, p := range a.objects.TLSPolicies {
			for _, ancestor := range s.TLSPolicies[types.NamespacedName{Namespace: p.Namespace, Name: p.Name}] {
				checkConditions(t, name, p, ancestor.Conditions)
			}
		}
	}
}

func checkConditions(t *testing.T, scene string, of metav1.Object, all []metav1.Condition) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range all {
		if c.ObservedGeneration != of.GetGeneration() || c.Reason == "" || c.Message == "" || len(c.Message) > 32768 || !c.LastTransitionTime.IsZero() || seen[c.Type] {
			t.Errorf("%s: %s of generation %d: %+v", scene, of.GetName(), of.GetGeneration(), c)
		}
		seen[c.Type] = true
	}
}

// TestLongMessages makes a route so wrong that the API would refuse to be told all of it.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	o := stage(t)
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Name: "wrong", Namespace: "infra"}}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "gw"}}
	kind := gatewayv1.PathMatchRegularExpression
	for i := range 64 {
		value := fmt.Sprintf("/%d(%s", i, strings.Repeat("ü", 500))
		r.Spec.Rules = append(r.Spec.Rules, gatewayv1.HTTPRouteRule{Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &kind, Value: &value}}}})
	}
	o.Routes = append(o.Routes, r)
	s := manifest.Compile(defaults(t), o, settingsOf(t, "")).Statuses
	message := s.Routes[types.NamespacedName{Namespace: "infra", Name: "wrong"}][0].Conditions[0].Message
	if len(message) > 8192 || !utf8.ValidString(message) || !strings.HasPrefix(message, `rule0: "/0(`) || !strings.HasSuffix(message, " …") {
		t.Errorf("%d bytes: %.100s", len(message), message)
	}
}
