//go:build !nokube

package kube_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
	leasesfake "k8s.io/client-go/kubernetes/typed/coordination/v1/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"tollgate/internal/kube"
	"tollgate/internal/kube/manifest"
)

// server plays an API server: client-go's fake with what that leaves out and this package
// relies on, which are resource versions and their conflicts, generations, status as a
// subresource, field selectors, permissions, kinds that come later, and going away.
type server struct {
	t       *testing.T
	objects *fake.FakeDynamicClient
	leases  *leasesfake.FakeCoordinationV1
	gvr     map[string]schema.GroupVersionResource // by kind, the version that is served

	mu       sync.Mutex
	version  int
	absent   map[string]bool // kinds that are not installed
	denied   map[string]bool // "verb resource", or "verb resource name"
	down     bool
	watchers []watch.Interface
	writes   []string // "verb resource[/status] namespace/name"
	// before is called ahead of each write; an error is its answer.
	before func(verb string, u *unstructured.Unstructured) error
}

func newServer(t *testing.T) *server {
	s := &server{t: t, gvr: map[string]schema.GroupVersionResource{}, absent: map[string]bool{}, denied: map[string]bool{}}
	lists := map[schema.GroupVersionResource]string{}
	for kind, versions := range kube.Resources() {
		s.gvr[kind] = versions[0]
		for _, v := range versions {
			lists[v] = kind + "List"
		}
	}
	s.gvr["Event"] = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	lists[s.gvr["Event"]] = "EventList"
	s.objects = fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists)
	s.objects.PrependReactor("*", "*", s.react)
	s.objects.PrependWatchReactor("*", s.watch)
	s.leases = &leasesfake.FakeCoordinationV1{Fake: &clienttesting.Fake{}}
	s.leases.AddReactor("*", "*", clienttesting.ObjectReaction(clienttesting.NewObjectTracker(scheme.Scheme, scheme.Codecs.UniversalDecoder())))
	s.leases.PrependReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.down {
			return true, nil, errors.New("connection refused")
		}
		if s.denied[a.GetVerb()+" leases"] {
			return true, nil, forbidden("leases", "")
		}
		return false, nil, nil
	})
	return s
}

// ServerResourcesForGroupVersionWithContext plays discovery.
func (s *server) ServerResourcesForGroupVersionWithContext(_ context.Context, version string) (*metav1.APIResourceList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("connection refused")
	}
	list := &metav1.APIResourceList{GroupVersion: version}
	for kind, r := range s.gvr {
		if r.GroupVersion().String() == version && !s.absent[kind] {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: r.Resource})
		}
	}
	if len(list.APIResources) == 0 {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, version)
	}
	return list, nil
}

func forbidden(resource, name string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, name, errors.New("no role allows it"))
}

// allowed tells whether a request may pass. s.mu is held.
func (s *server) allowed(verb, resource, name string) error {
	if s.down {
		return errors.New("connection refused")
	}
	if s.denied[verb+" "+resource] && name == "" || s.denied[verb+" "+resource+" "+name] {
		return forbidden(resource, name)
	}
	return nil
}

func (s *server) react(a clienttesting.Action) (bool, runtime.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resource := a.GetResource().Resource
	switch a := a.(type) {
	case clienttesting.ListActionImpl:
		name, single := a.ListRestrictions.Fields.RequiresExactMatch("metadata.name")
		if err := s.allowed("list", resource, name); err != nil || !single {
			return err != nil, nil, err
		}
		all, err := s.objects.Tracker().List(a.GetResource(), a.GetKind(), a.GetNamespace())
		if err != nil {
			return true, nil, err
		}
		list := all.(*unstructured.UnstructuredList)
		list.Items = slices.DeleteFunc(list.Items, func(u unstructured.Unstructured) bool { return u.GetName() != name })
		return true, list, nil
	case clienttesting.GetActionImpl:
		if err := s.allowed("get", resource, a.Name); err != nil {
			return true, nil, err
		}
	case clienttesting.CreateActionImpl:
		return s.write("create", a.GetResource(), a.GetNamespace(), "", a.Object)
	case clienttesting.UpdateActionImpl:
		return s.write("update", a.GetResource(), a.GetNamespace(), a.Subresource, a.Object)
	}
	return false, nil, nil
}

// write creates or updates an object. s.mu is held, but not while the hook runs.
func (s *server) write(verb string, gvr schema.GroupVersionResource, namespace, sub string, o runtime.Object) (bool, runtime.Object, error) {
	u := o.(*unstructured.Unstructured).DeepCopy()
	what := gvr.Resource
	if sub != "" {
		what += "/" + sub
	}
	if s.before != nil {
		s.mu.Unlock()
		err := s.before(verb+" "+what, u)
		s.mu.Lock()
		if err != nil {
			return true, nil, err
		}
	}
	if err := s.allowed(verb, what, ""); err != nil {
		return true, nil, err
	}
	if u.GetName() == "" && u.GetGenerateName() != "" {
		u.SetName(fmt.Sprint(u.GetGenerateName(), s.version))
	}
	s.writes = append(s.writes, fmt.Sprintf("%s %s %s/%s", verb, what, namespace, u.GetName()))
	s.version++
	if verb == "create" {
		u.SetUID(types.UID(fmt.Sprint("uid-", s.version)))
		u.SetGeneration(1)
		u.SetResourceVersion(fmt.Sprint(s.version))
		return true, u, s.objects.Tracker().Create(gvr, u, namespace)
	}
	found, err := s.objects.Tracker().Get(gvr, namespace, u.GetName())
	if err != nil {
		return true, nil, err
	}
	old := found.(*unstructured.Unstructured)
	if v := u.GetResourceVersion(); v != "" && v != old.GetResourceVersion() {
		return true, nil, apierrors.NewConflict(gvr.GroupResource(), u.GetName(), errors.New("it was modified"))
	}
	next := u
	if sub == "status" {
		next = old.DeepCopy()
		next.Object["status"] = u.Object["status"]
	} else {
		next.SetUID(old.GetUID())
		next.SetGeneration(old.GetGeneration() + 1)
		if old.Object["status"] != nil {
			next.Object["status"] = old.Object["status"]
		}
	}
	next.SetResourceVersion(fmt.Sprint(s.version))
	return true, next, s.objects.Tracker().Update(gvr, next, namespace)
}

func (s *server) watch(a clienttesting.Action) (bool, watch.Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, single := a.(clienttesting.WatchActionImpl).WatchRestrictions.Fields.RequiresExactMatch("metadata.name")
	if err := s.allowed("watch", a.GetResource().Resource, name); err != nil {
		return true, nil, err
	}
	w, err := s.objects.Tracker().Watch(a.GetResource(), a.GetNamespace())
	if err != nil {
		return true, nil, err
	}
	if single {
		w = watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
			m, err := meta.Accessor(e.Object)
			return e, err == nil && m.GetName() == name
		})
	}
	s.watchers = append(s.watchers, w)
	return true, w, nil
}

// goAway breaks all connections and takes no new ones.
func (s *server) goAway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
	for _, w := range s.watchers {
		w.Stop()
	}
	s.watchers = nil
}

func (s *server) comeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

func (s *server) deny(what ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range what {
		s.denied[w] = true
	}
}

func (s *server) allow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.denied)
}

// install makes kinds known that were absent.
func (s *server) install(kinds ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		delete(s.absent, k)
	}
}

// written gives the writes since it was called last, whoever made them, sorted.
func (s *server) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.writes
	s.writes = nil
	slices.Sort(out)
	return out
}

// apply creates or updates the objects of a text with several documents.
func (s *server) apply(text string) {
	s.t.Helper()
	for _, doc := range strings.Split(text, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			s.t.Fatal(err)
		}
		client := s.objects.Resource(s.of(u.GetKind())).Namespace(u.GetNamespace())
		_, err := client.Create(s.t.Context(), u, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			_, err = client.Update(s.t.Context(), u, metav1.UpdateOptions{})
		}
		if err != nil {
			s.t.Fatal(err)
		}
		s.mu.Lock()
		s.writes = nil
		s.mu.Unlock()
	}
}

func (s *server) of(kind string) schema.GroupVersionResource {
	s.t.Helper()
	r, ok := s.gvr[kind]
	if !ok {
		s.t.Fatalf("no kind %q", kind)
	}
	return r
}

func (s *server) get(kind, namespace, name string) *unstructured.Unstructured {
	s.t.Helper()
	u, err := s.objects.Tracker().Get(s.of(kind), namespace, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.(*unstructured.Unstructured)
}

func (s *server) remove(kind, namespace, name string) {
	s.t.Helper()
	if err := s.objects.Tracker().Delete(s.of(kind), namespace, name); err != nil {
		s.t.Fatal(err)
	}
}

// setStatus writes a status as some other controller does.
func (s *server) setStatus(kind, namespace, name, status string) {
	s.t.Helper()
	u := s.get(kind, namespace, name).DeepCopy()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(status), &value); err != nil {
		s.t.Fatal(err)
	}
	u.Object["status"] = value
	if _, err := s.objects.Resource(s.of(kind)).Namespace(namespace).UpdateStatus(s.t.Context(), u, metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.written()
}

// replica is a Cluster that runs, with a compiler of the test in place of the real one.
type replica struct {
	*kube.Cluster
	t    *testing.T
	stop func()
	log  *journal
	// compile gives the result of objects; told counts how often it was asked.
	compile func(*manifest.Objects) *manifest.Result
	told    int
	last    *manifest.Objects
}

// journal keeps what is logged at Info and above.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// start runs a replica in a bubble of synctest until the test ends.
func (s *server) start(o kube.Options, compile func(*manifest.Objects) *manifest.Result) *replica {
	s.t.Helper()
	r := &replica{t: s.t, log: &journal{}, compile: compile}
	o.Log, o.Now = slog.New(slog.NewTextHandler(r.log, nil)), time.Now
	c, err := kube.ConnectTo(o, s.objects, s.leases, s)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Cluster = c
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	r.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	s.t.Cleanup(r.stop)
	return r
}

// settle lets some time pass, and does what an application does: it compiles when it is told to.
func (r *replica) settle(d time.Duration) {
	r.t.Helper()
	for end := time.Now().Add(d); ; {
		synctest.Wait()
		select {
		case <-r.Changes():
			r.told++
			r.last = r.Objects()
			if r.compile != nil && r.last != nil {
				r.Published(r.compile(r.last))
			}
			continue
		default:
		}
		if !time.Now().Before(end) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// names gives the names of objects, sorted.
func names[T metav1.Object](all []T) string {
	var out []string
	for _, o := range all {
		out = append(out, o.GetName())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func data(s *corev1.Secret, key string) string { return string(s.Data[key]) }

func keysOf[V any](m map[string]V) string { return strings.Join(slices.Sorted(maps.Keys(m)), " ") }

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
