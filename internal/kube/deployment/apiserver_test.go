//go:build !nokube

package deployment_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

type tree = map[string]any

// apiServer is as much of a Kubernetes API server as the controller talks to: objects by
// their paths, watches, server-side apply of one manager. It knows no schema.
type apiServer struct {
	t       *testing.T
	http    *httptest.Server
	mu      sync.Mutex
	changed *sync.Cond
	objects map[string]tree
	applied map[string]tree // what was applied last, by path
	version int
	watches map[*watcher]bool
	writes  []string
	// refuse may answer a request with a status instead; 0: it is served.
	refuse func(r *http.Request, path string) int
	// spoil may change what is applied, as a webhook would.
	spoil func(path string, o tree)
}

type watcher struct {
	path, selector string
	events         chan tree
}

func newAPIServer(t *testing.T, objects ...string) *apiServer {
	s := &apiServer{t: t, objects: map[string]tree{}, applied: map[string]tree{}, watches: map[*watcher]bool{}}
	s.changed = sync.NewCond(&s.mu)
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
	})
	s.add(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gateways.gateway.networking.k8s.io, annotations: {gateway.networking.k8s.io/bundle-version: v1.6.3}}}`)
	for _, o := range objects {
		s.add(o)
	}
	return s
}

func (s *apiServer) config() *rest.Config {
	return &rest.Config{Host: s.http.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}

// pathOf is where an object is.
func pathOf(o tree) string {
	version, kind := o["apiVersion"].(string), strings.ToLower(o["kind"].(string))
	plural := kind + "s"
	switch stem, y := strings.CutSuffix(kind, "policy"); {
	case y:
		plural = stem + "policies"
	case strings.HasSuffix(kind, "s"):
		plural = kind + "es"
	}
	root := "/apis/" + version
	if !strings.Contains(version, "/") {
		root = "/api/" + version
	}
	if ns, ok := at(o, "metadata", "namespace").(string); ok && ns != "" {
		root += "/namespaces/" + ns
	}
	return root + "/" + plural + "/" + at(o, "metadata", "name").(string)
}

// add puts an object there, or another in its place, as a user would.
func (s *apiServer) add(text string) {
	s.t.Helper()
	var o tree
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(pathOf(o), o)
}

// change edits an object as a user would.
func (s *apiServer) change(path string, edit func(tree)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := clone(s.objects[path])
	edit(o)
	s.put(path, o)
}

func (s *apiServer) remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(path)
}

// get gives an object, nil if there is none.
func (s *apiServer) get(path string) tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.objects[path])
}

// await waits until something is so.
func (s *apiServer) await(what string, so func(objects map[string]tree, writes []string) bool) {
	s.t.Helper()
	expired := false
	timer := time.AfterFunc(20*time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		expired = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !so(s.objects, s.writes) {
		if expired {
			s.t.Fatalf("never: %s; there is\n%s\nafter\n%s", what, strings.Join(slices.Sorted(maps.Keys(s.objects)), "\n"), strings.Join(s.writes, "\n"))
		}
		s.changed.Wait()
	}
}

func (s *apiServer) awaitObjects(paths ...string) {
	s.t.Helper()
	for _, p := range paths {
		s.await(p+" is there", func(objects map[string]tree, _ []string) bool { return objects[p] != nil })
	}
}

// written gives the writes so far, and forgets them.
func (s *apiServer) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.DeleteFunc(s.writes, func(w string) bool { return strings.Contains(w, "/leases") })
	s.writes = nil
	return out
}

func clone(o tree) tree {
	if o == nil {
		return nil
	}
	text, _ := json.Marshal(o)
	var out tree
	_ = json.Unmarshal(text, &out)
	return out
}

// put stores an object if it differs from what is there, and tells who watches.
func (s *apiServer) put(path string, o tree) tree {
	before := s.objects[path]
	meta := o["metadata"].(tree)
	if before != nil {
		meta["resourceVersion"], meta["uid"] = at(before, "metadata", "resourceVersion"), at(before, "metadata", "uid")
		if reflect.DeepEqual(clone(before), clone(o)) {
			return before
		}
	}
	s.version++
	if meta["uid"] == nil {
		meta["uid"] = fmt.Sprintf("uid-%d", s.version)
	}
	meta["resourceVersion"] = fmt.Sprint(s.version)
	s.objects[path] = o
	s.tell(path, before, o)
	return o
}

func (s *apiServer) drop(path string) {
	if before := s.objects[path]; before != nil {
		s.version++
		delete(s.objects, path)
		delete(s.applied, path)
		s.tell(path, before, nil)
	}
}

func (s *apiServer) tell(path string, before, now tree) {
	s.changed.Broadcast()
	for w := range s.watches {
		was, is := w.sees(path, before), w.sees(path, now)
		switch {
		case is && was:
			w.events <- tree{"type": "MODIFIED", "object": clone(now)}
		case is:
			w.events <- tree{"type": "ADDED", "object": clone(now)}
		case was:
			w.events <- tree{"type": "DELETED", "object": clone(before)}
		}
	}
}

func (w *watcher) sees(path string, o tree) bool {
	if o == nil || !in(w.path, path) {
		return false
	}
	for _, want := range strings.FieldsFunc(w.selector, func(r rune) bool { return r == ',' }) {
		k, v, _ := strings.Cut(want, "=")
		if at(o, "metadata", "labels", k) != v {
			return false
		}
	}
	return true
}

// in tells whether an object is one of a collection, which may be that of all namespaces.
func in(collection, path string) bool {
	parent := path[:strings.LastIndex(path, "/")]
	if parent == collection {
		return true
	}
	before, after, ok := strings.Cut(parent, "/namespaces/")
	_, resource, _ := strings.Cut(after, "/")
	return ok && before+"/"+resource == collection
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") != "" {
		s.watch(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	status, answer := s.answer(r, body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func failure(status int, reason string) (int, tree) {
	return status, tree{"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": reason}
}

func (s *apiServer) answer(r *http.Request, body []byte) (int, tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimSuffix(r.URL.Path, "/status")
	if r.Method != http.MethodGet {
		s.writes = append(s.writes, r.Method+" "+r.URL.Path)
		s.changed.Broadcast()
	}
	if s.refuse != nil {
		if status := s.refuse(r, r.URL.Path); status != 0 {
			return failure(status, http.StatusText(status))
		}
	}
	o := tree{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &o); err != nil {
			return failure(http.StatusBadRequest, "BadRequest")
		}
	}
	live := s.objects[path]
	if list := s.list(path); r.Method == http.MethodGet && live == nil && list != nil {
		return http.StatusOK, list
	}
	if live == nil && (r.Method == http.MethodGet || r.Method == http.MethodPut || r.Method == http.MethodDelete) {
		return failure(http.StatusNotFound, "NotFound")
	}
	switch r.Method {
	case http.MethodGet:
		return http.StatusOK, live
	case http.MethodPost:
		if path = pathOf(withKind(o, path)); s.objects[path] != nil {
			return failure(http.StatusConflict, "AlreadyExists")
		}
		return http.StatusCreated, s.put(path, o)
	case http.MethodPut:
		if v := at(o, "metadata", "resourceVersion"); v != nil && v != "" && v != at(live, "metadata", "resourceVersion") {
			return failure(http.StatusConflict, "Conflict")
		}
		if path != r.URL.Path {
			status := o["status"]
			o = clone(live)
			o["status"] = status
		}
		return http.StatusOK, s.put(path, o)
	case http.MethodPatch:
		if r.Header.Get("Content-Type") != "application/apply-patch+yaml" || r.URL.Query().Get("fieldManager") != "tollgate-controller" {
			return failure(http.StatusUnsupportedMediaType, "UnsupportedMediaType")
		}
		now := clone(live)
		if now == nil {
			now = tree{}
		}
		withdraw(now, s.applied[path], o)
		merge(now, o)
		s.applied[path] = o
		if s.spoil != nil {
			s.spoil(path, now)
		}
		return http.StatusOK, s.put(path, now)
	case http.MethodDelete:
		if uid := at(o, "preconditions", "uid"); uid != nil && uid != at(live, "metadata", "uid") {
			return failure(http.StatusConflict, "Conflict")
		}
		s.drop(path)
		return http.StatusOK, tree{"apiVersion": "v1", "kind": "Status", "status": "Success"}
	}
	return failure(http.StatusMethodNotAllowed, "MethodNotAllowed")
}

// list gives the objects of a collection, nil if there are none.
func (s *apiServer) list(collection string) tree {
	var items []any
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		if in(collection, path) {
			items = append(items, s.objects[path])
		}
	}
	if items == nil {
		return nil
	}
	return tree{"apiVersion": "v1", "kind": "List", "metadata": tree{}, "items": items}
}

// withKind gives an object that says what it is, which typed clients leave out.
func withKind(o tree, path string) tree {
	if o["kind"] == nil && strings.HasSuffix(path, "/leases") {
		o["apiVersion"], o["kind"] = "coordination.k8s.io/v1", "Lease"
	}
	return o
}

// merge puts what is applied into an object.
func merge(into, from tree) {
	for k, v := range from {
		inner, isMap := v.(tree)
		there, _ := into[k].(tree)
		if isMap && there != nil {
			merge(there, inner)
		} else {
			into[k] = clone(tree{"": v})[""]
		}
	}
}

// withdraw takes out what was applied before and is not any more.
func withdraw(from, before, now tree) {
	for k, v := range before {
		inner, isMap := v.(tree)
		there, _ := from[k].(tree)
		still, has := now[k]
		next, _ := still.(tree)
		switch {
		case isMap && there != nil && next != nil:
			withdraw(there, inner, next)
		case !has:
			delete(from, k)
		}
	}
}

func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	me := &watcher{path: r.URL.Path, selector: r.URL.Query().Get("labelSelector"), events: make(chan tree, 1000)}
	s.mu.Lock()
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		if me.sees(path, s.objects[path]) {
			me.events <- tree{"type": "ADDED", "object": clone(s.objects[path])}
		}
	}
	me.events <- tree{"type": "BOOKMARK", "object": tree{
		"apiVersion": "v1", "kind": "Bookmark",
		"metadata": tree{"resourceVersion": fmt.Sprint(s.version), "annotations": tree{"k8s.io/initial-events-end": "true"}},
	}}
	s.watches[me] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watches, me)
	}()
	w.Header().Set("Content-Type", "application/json")
	encoder, flush := json.NewEncoder(w), http.NewResponseController(w)
	for {
		select {
		case e := <-me.events:
			if encoder.Encode(e) != nil || flush.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
