//go:build !nokube

package deployment_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tollgate/internal/kube/deployment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const class = `{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: agentgateway, generation: 1}, spec: {controllerName: tollgate.dev/gateway}}`

// Where things of the Gateway of page are.
const (
	gatewayPath    = "/apis/gateway.networking.k8s.io/v1/namespaces/kgateway-system/gateways/agentgateway"
	deploymentPath = "/apis/apps/v1/namespaces/kgateway-system/deployments/agentgateway"
	servicePath    = "/api/v1/namespaces/kgateway-system/services/agentgateway"
	accountPath    = "/api/v1/namespaces/kgateway-system/serviceaccounts/agentgateway"
	budgetPath     = "/apis/policy/v1/namespaces/kgateway-system/poddisruptionbudgets/agentgateway"
	leasePath      = "/apis/rbac.authorization.k8s.io/v1/namespaces/kgateway-system/rolebindings/tollgate-gateway-lease:agentgateway"
	clusterPath    = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tollgate-gateway-cluster:kgateway-system:agentgateway"
	rolePath       = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tollgate-gateway:kgateway-system:agentgateway"
	keysPath       = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tollgate-gateway-keys:kgateway-system:agentgateway"
	secretPath     = "/api/v1/namespaces/kgateway-system/secrets/agentgateway-tollgate-master-key"
	claimPath      = "/api/v1/namespaces/kgateway-system/persistentvolumeclaims/agentgateway-tollgate-data"
	classPath      = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/agentgateway"
)

var watched = []string{deploymentPath, servicePath, accountPath, budgetPath, leasePath, clusterPath, rolePath, keysPath}

// running is a controller at work.
type running struct {
	log  *logged
	stop func() error
}

type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// control starts a controller, which ends with the test.
func control(t *testing.T, s *apiServer, change ...func(*deployment.Options)) running {
	t.Helper()
	log := &logged{}
	o := deployment.Options{
		Settings: ordinary, LeaseNamespace: "kgateway-system", Identity: "one",
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	for _, c := range change {
		c(&o)
	}
	c, err := deployment.New(s.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the controller ended with %v", err)
		}
	})
	return running{log, stop}
}

func TestAGatewayGetsWhatItNeeds(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	control(t, s)
	s.awaitObjects(watched...)
	s.awaitObjects(secretPath, claimPath)
	if owner := at(s.get(deploymentPath), "metadata", "ownerReferences").([]any)[0]; at(owner, "uid") != "0a1b" {
		t.Errorf("the owner of the Deployment is %v", owner)
	}
	if key := at(s.get(secretPath), "data", "master-key").(string); len(key) != 88 || strings.HasPrefix(key, "MDAwMDAw") {
		t.Errorf("master key %q", key)
	}
}

func TestTheClassIsAccepted(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, strings.ReplaceAll(strings.ReplaceAll(class, "name: agentgateway", "name: other"), "tollgate.dev/gateway", "example.com/other"))
	control(t, s)
	s.await("the class is accepted", func(objects map[string]tree, _ []string) bool {
		conditions, _ := at(objects[classPath], "status", "conditions").([]any)
		for _, c := range conditions {
			if at(c, "type") == "Accepted" && at(c, "status") == "True" && at(c, "observedGeneration") == 1.0 {
				return true
			}
		}
		return false
	})
	if other := s.get("/apis/gateway.networking.k8s.io/v1/gatewayclasses/other"); other["status"] != nil {
		t.Errorf("another controller's class got %v", other["status"])
	}
}

// settled waits until everything that has happened so far was dealt with: a Gateway that is
// made now has what it needs. The queue has one worker, first in, first out.
func (s *apiServer) settled(name string) {
	s.t.Helper()
	s.add(strings.ReplaceAll(page, "name: agentgateway, namespace: kgateway-system, uid: 0a1b", "name: "+name+", namespace: probe, uid: uid-of-"+name))
	s.awaitObjects("/apis/policy/v1/namespaces/probe/poddisruptionbudgets/" + name)
}

func TestNothingIsWrittenWhenNothingChanged(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	first := control(t, s)
	s.awaitObjects(watched...)
	s.settled("a")
	s.written()
	s.change(gatewayPath, func(o tree) { o["metadata"].(tree)["annotations"] = tree{"someone": "else"} })
	s.change(deploymentPath, func(o tree) {
		o["status"] = tree{"readyReplicas": 1.0}
		o["metadata"].(tree)["annotations"].(tree)["deployment.kubernetes.io/revision"] = "1"
		at(o, "spec", "template", "spec").(tree)["dnsPolicy"] = "ClusterFirst" // a default
		at(o, "spec", "template", "spec", "containers").([]any)[0].(tree)["terminationMessagePath"] = "/dev/termination-log"
	})
	s.settled("b")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	control(t, s, func(o *deployment.Options) { o.Identity = "two" })
	s.settled("c")
	for _, w := range s.written() {
		if strings.Contains(w, "agentgateway") && !strings.Contains(w, "gatewayclasses") {
			t.Error("written again:", w)
		}
	}
	if conditions := at(s.get(classPath), "status", "conditions"); conditions == nil {
		t.Error("the class has no conditions")
	}
}

func TestWhatOthersChangeIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	control(t, s)
	s.awaitObjects(watched...)
	s.settled("a")

	s.change(servicePath, func(o tree) { o["spec"].(tree)["type"] = "ClusterIP" })
	s.await("the type of the Service is back", func(objects map[string]tree, _ []string) bool {
		return at(objects[servicePath], "spec", "type") == "LoadBalancer"
	})
	s.remove(budgetPath)
	s.remove(rolePath)
	s.awaitObjects(budgetPath, rolePath)
	// Without our label it is out of sight, and still ours.
	s.change(deploymentPath, func(o tree) {
		delete(at(o, "metadata", "labels").(tree), "app.kubernetes.io/managed-by")
		at(o, "spec").(tree)["replicas"] = 7.0
	})
	s.await("the Deployment is as it was", func(objects map[string]tree, _ []string) bool {
		o := objects[deploymentPath]
		return at(o, "metadata", "labels", "app.kubernetes.io/managed-by") == "tollgate-controller" && at(o, "spec", "replicas") == 1.0
	})
	// What the controller does not set is others' to set.
	s.change(deploymentPath, func(o tree) {
		at(at(o, "spec", "template", "spec", "containers").([]any)[0], "resources").(tree)["limits"] = tree{"memory": "1Gi"}
	})
	s.change(deploymentPath, func(o tree) {
		container := at(o, "spec", "template", "spec", "containers").([]any)[0].(tree)
		container["env"] = append([]any{tree{"name": "SOMEBODYS", "value": "own"}}, at(container, "env").([]any)...)
	})
	s.written()
	s.settled("b")
	for _, w := range s.written() {
		if strings.Contains(w, "deployments/agentgateway") {
			t.Error("a variable that somebody has set has the Deployment written again")
		}
	}
	if limits := at(at(s.get(deploymentPath), "spec", "template", "spec", "containers").([]any)[0], "resources", "limits"); limits == nil {
		t.Error("limits that somebody has set are gone")
	}
}

func TestAChangeOfTheGatewayReachesItsObjects(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	control(t, s)
	s.awaitObjects(watched...)
	s.change(gatewayPath, func(o tree) {
		o["metadata"].(tree)["annotations"] = tree{"tollgate.dev/service-type": "ClusterIP"}
		o["spec"].(tree)["infrastructure"] = tree{"labels": tree{"team": "a"}}
		o["spec"].(tree)["listeners"] = append(at(o, "spec", "listeners").([]any), tree{"name": "s", "protocol": "HTTPS", "port": 443.0})
	})
	s.await("the Service has the other type, port and label", func(objects map[string]tree, _ []string) bool {
		o := objects[servicePath]
		ports, _ := at(o, "spec", "ports").([]any)
		return at(o, "spec", "type") == "ClusterIP" && len(ports) == 2 && at(o, "metadata", "labels", "team") == "a"
	})
	s.await("the pods may listen on 443", func(objects map[string]tree, _ []string) bool {
		return at(objects[deploymentPath], "spec", "template", "spec", "securityContext", "sysctls") != nil
	})
	// What is taken away from the Gateway is taken away.
	s.change(gatewayPath, func(o tree) { delete(o["spec"].(tree), "infrastructure") })
	s.await("the label is gone", func(objects map[string]tree, _ []string) bool {
		return at(objects[servicePath], "metadata", "labels", "team") == nil
	})
}

func TestWhatAGatewayLeavesBehind(t *testing.T) {
	for name, end := range map[string]func(*apiServer){
		"deleted": func(s *apiServer) { s.remove(gatewayPath) },
		"another class": func(s *apiServer) {
			s.add(strings.ReplaceAll(strings.ReplaceAll(class, "name: agentgateway", "name: other"), "tollgate.dev/gateway", "example.com/other"))
			s.change(gatewayPath, func(o tree) { o["spec"].(tree)["gatewayClassName"] = "other" })
		},
		"the class goes to another controller": func(s *apiServer) {
			s.change(classPath, func(o tree) { o["spec"].(tree)["controllerName"] = "example.com/other" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newAPIServer(t, class, page)
			control(t, s)
			s.awaitObjects(watched...)
			s.awaitObjects(secretPath, claimPath)
			end(s)
			for _, path := range watched {
				s.await(path+" is gone", func(objects map[string]tree, _ []string) bool { return objects[path] == nil })
			}
			for _, path := range []string{secretPath, claimPath} {
				if s.get(path) == nil {
					t.Errorf("%s is gone, and what keys have spent with it", path)
				}
			}
		})
	}
}

// Bindings of a Gateway that was deleted while no controller ran are in no namespace, so
// that the cluster does not take them away by itself.
func TestBindingsOfGatewaysThatAreGone(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	first := control(t, s)
	s.awaitObjects(watched...)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	s.remove(gatewayPath)
	copied := strings.Replace(rolePath, "tollgate-gateway:", "admins:", 1)
	s.add(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: "admins:kgateway-system:agentgateway", labels: {app.kubernetes.io/managed-by: tollgate-controller, gateway.networking.k8s.io/gateway-name: agentgateway, tollgate.dev/gateway-namespace: kgateway-system}}}`)
	control(t, s, func(o *deployment.Options) { o.Identity = "two" })
	for _, path := range []string{clusterPath, rolePath, keysPath} {
		s.await(path+" is gone", func(objects map[string]tree, _ []string) bool { return objects[path] == nil })
	}
	s.settled("a")
	if s.get(copied) == nil {
		t.Error("a binding was deleted that only has our labels")
	}
}

// A pod may end before it takes back what it wrote into the statuses of routes.
func TestStatusesThatSpeakOfGatewaysThatAreGone(t *testing.T) {
	t.Parallel()
	const routePath = "/apis/gateway.networking.k8s.io/v1/namespaces/web/httproutes/r"
	const policyPath = "/apis/agentgateway.dev/v1alpha1/namespaces/kgateway-system/agentgatewaypolicies/p"
	entry := func(ref, controller string) string {
		return "{parentRef: " + ref + ", ancestorRef: " + ref + ", controllerName: " + controller + "}"
	}
	const mine, other = "{name: agentgateway, namespace: kgateway-system}", "{kind: Gateway, name: other, namespace: kgateway-system}"
	s := newAPIServer(t, class, strings.ReplaceAll(class, "name: agentgateway", "name: second"), page,
		strings.ReplaceAll(strings.ReplaceAll(page, "name: agentgateway, namespace: kgateway-system, uid: 0a1b", "name: other, namespace: kgateway-system, uid: other"), "gatewayClassName: agentgateway", "gatewayClassName: second"),
		"{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r, namespace: web}, status: {parents: ["+
			entry(mine, "tollgate.dev/gateway")+", "+entry(mine, "istio.io/gateway")+", "+entry(other, "tollgate.dev/gateway")+", "+entry("{name: lost}", "tollgate.dev/gateway")+", "+
			entry("{kind: Service, name: lost}", "tollgate.dev/gateway")+"]}}",
		"{apiVersion: agentgateway.dev/v1alpha1, kind: AgentgatewayPolicy, metadata: {name: p, namespace: kgateway-system}, status: {ancestors: ["+
			entry("{kind: Gateway, name: agentgateway}", "tollgate.dev/gateway")+", "+entry("{kind: HTTPRoute, name: agentgateway}", "tollgate.dev/gateway")+"]}}")
	speaksOf := func(objects map[string]tree, path, list, ref string) string {
		var all []string
		entries, _ := at(objects[path], "status", list).([]any)
		for _, e := range entries {
			all = append(all, at(e, ref, "name").(string)+" "+at(e, "controllerName").(string))
		}
		return strings.Join(all, ", ")
	}
	control(t, s, func(o *deployment.Options) { o.Class = "agentgateway" })
	s.await("what was left before is gone, and nothing else", func(objects map[string]tree, _ []string) bool {
		return speaksOf(objects, routePath, "parents", "parentRef") ==
			"agentgateway tollgate.dev/gateway, agentgateway istio.io/gateway, other tollgate.dev/gateway, lost tollgate.dev/gateway"
	})
	s.awaitObjects(watched...)
	s.remove(gatewayPath)
	s.await("the entries of the Gateway are gone", func(objects map[string]tree, _ []string) bool {
		return speaksOf(objects, routePath, "parents", "parentRef") == "agentgateway istio.io/gateway, other tollgate.dev/gateway, lost tollgate.dev/gateway" &&
			speaksOf(objects, policyPath, "ancestors", "ancestorRef") == "agentgateway tollgate.dev/gateway"
	})
}

// Somebody deletes the class, perhaps to make it anew: traffic goes on.
func TestWithoutItsClassAGatewayRunsOn(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page, strings.ReplaceAll(class, "name: agentgateway", "name: second"))
	control(t, s)
	s.awaitObjects(watched...)
	s.remove(classPath)
	s.change(gatewayPath, func(o tree) { o["metadata"].(tree)["annotations"] = tree{"tollgate.dev/service-type": "ClusterIP"} })
	s.add(strings.ReplaceAll(strings.ReplaceAll(page, "name: agentgateway, namespace: kgateway-system, uid: 0a1b", "name: a, namespace: probe, uid: ua"), "gatewayClassName: agentgateway", "gatewayClassName: second"))
	s.awaitObjects("/apis/policy/v1/namespaces/probe/poddisruptionbudgets/a")
	if s.get(deploymentPath) == nil || at(s.get(servicePath), "spec", "type") != "LoadBalancer" {
		t.Error("the Gateway does not run on as it was")
	}
}

func TestATakenName(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: agentgateway, namespace: kgateway-system, labels: {app: theirs}}, spec: {replicas: 2}}`)
	r := control(t, s)
	s.await("the Gateway says why it does not run", func(objects map[string]tree, _ []string) bool {
		conditions, _ := at(objects[gatewayPath], "status", "conditions").([]any)
		for _, c := range conditions {
			if at(c, "type") == "Programmed" && at(c, "status") == "False" && at(c, "reason") == "NoResources" {
				return strings.Contains(at(c, "message").(string), "Deployment kgateway-system/agentgateway exists and was not made for this Gateway")
			}
		}
		return false
	})
	s.await("an event says so", func(objects map[string]tree, _ []string) bool {
		for path, o := range objects {
			if strings.Contains(path, "/events/agentgateway.") {
				return at(o, "involvedObject", "uid") == "0a1b" && strings.Contains(o["message"].(string), "rename the Gateway")
			}
		}
		return false
	})
	for _, path := range []string{servicePath, accountPath, rolePath, secretPath, claimPath} {
		if s.get(path) != nil {
			t.Errorf("%s was made for a Gateway that cannot run", path)
		}
	}
	if o := s.get(deploymentPath); at(o, "spec", "replicas") != 2.0 || at(o, "metadata", "annotations") != nil {
		t.Errorf("the other's Deployment is now %v", o)
	}
	// When the name is free the Gateway runs.
	s.remove(deploymentPath)
	s.awaitObjects(watched...)
	if !strings.Contains(r.log.String(), "not in order") {
		t.Errorf("log:\n%s", r.log)
	}
}

func TestAGatewayThatCannotRun(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, strings.Replace(page, "spec:", "spec:\n  infrastructure: {parametersRef: {group: example.com, kind: Thing, name: x}}", 1))
	control(t, s)
	s.await("the Gateway says why", func(objects map[string]tree, _ []string) bool {
		conditions, _ := at(objects[gatewayPath], "status", "conditions").([]any)
		for _, c := range conditions {
			if at(c, "type") == "Accepted" && at(c, "status") == "False" && at(c, "reason") == "InvalidParameters" {
				return true
			}
		}
		return false
	})
	// It is not tried again and again.
	s.settled("a")
	events := 0
	for _, w := range s.written() {
		if strings.HasPrefix(w, "POST") && strings.Contains(w, "kgateway-system/events") {
			events++
		}
	}
	if events > 2 { // once, and once more as the written status comes back
		t.Errorf("%d events", events)
	}
	s.change(gatewayPath, func(o tree) { delete(o["spec"].(tree), "infrastructure") })
	s.awaitObjects(watched...)
}

// A Secret or a volume that was made beforehand is used as it is.
func TestWhatIsKeptIsNeverChanged(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page, `{apiVersion: v1, kind: Secret, metadata: {name: agentgateway-tollgate-master-key, namespace: kgateway-system}, data: {master-key: bWluZQ==}}`)
	control(t, s)
	s.awaitObjects(watched...)
	s.awaitObjects(claimPath)
	if o := s.get(secretPath); at(o, "data", "master-key") != "bWluZQ==" || at(o, "metadata", "labels") != nil {
		t.Errorf("the Secret is now %v", o)
	}
	for _, w := range s.written() {
		if strings.Contains(w, "/secrets/") || strings.HasPrefix(w, "GET") && strings.Contains(w, "/secrets") {
			t.Error("the controller may only make Secrets, and did", w)
		}
	}
}

func TestOneNamespace(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page, strings.ReplaceAll(page, "namespace: kgateway-system, uid: 0a1b", "namespace: elsewhere, uid: 9"))
	control(t, s, func(o *deployment.Options) { o.Namespace = "kgateway-system" })
	s.awaitObjects(deploymentPath, servicePath, budgetPath, clusterPath)
	s.awaitObjects("/apis/rbac.authorization.k8s.io/v1/namespaces/kgateway-system/rolebindings/tollgate-gateway:agentgateway")
	if s.get(rolePath) != nil || s.get(keysPath) != nil {
		t.Error("rights in the whole cluster were granted")
	}
	if s.get("/apis/apps/v1/namespaces/elsewhere/deployments/agentgateway") != nil {
		t.Error("a Gateway of another namespace runs")
	}
	args := at(at(s.get(deploymentPath), "spec", "template", "spec", "containers").([]any)[0], "args")
	if !strings.Contains(strings.Join(texts(args), " "), "--kube-namespace=kgateway-system") {
		t.Errorf("arguments %v", args)
	}
}

func texts(v any) []string {
	var out []string
	for _, item := range v.([]any) {
		out = append(out, item.(string))
	}
	return out
}

// A webhook that changes what is applied must not keep the controller and itself busy.
func TestAChangeThatComesBackAtOnce(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	s.spoil = func(path string, o tree) {
		if path == servicePath {
			o["spec"].(tree)["type"] = "ClusterIP"
		}
	}
	r := control(t, s)
	s.await("the Service was applied", func(objects map[string]tree, _ []string) bool { return objects[servicePath] != nil })
	s.settled("a")
	if !strings.Contains(r.log.String(), "something in the cluster changes .spec.type at once") {
		t.Errorf("log:\n%s", r.log)
	}
}

func TestAFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	failures := 2
	s.refuse = func(r *http.Request, path string) int {
		if r.Method == http.MethodPatch && path == servicePath && failures > 0 {
			failures--
			return http.StatusForbidden
		}
		return 0
	}
	r := control(t, s)
	s.awaitObjects(watched...)
	if text := r.log.String(); strings.Count(text, "not in order") != 1 {
		t.Errorf("told other than once:\n%s", text)
	}
}

func TestTheImageOfThePod(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page, `{apiVersion: v1, kind: Pod, metadata: {name: me, namespace: kgateway-system}, spec: {containers: [{name: proxy, image: sidecar}, {name: tollgate, image: "registry/tollgate@sha256:1"}]}}`)
	control(t, s, func(o *deployment.Options) { o.Image, o.PodNamespace, o.PodName = "", "kgateway-system", "me" })
	s.awaitObjects(deploymentPath)
	if image := at(at(s.get(deploymentPath), "spec", "template", "spec", "containers").([]any)[0], "image"); image != "registry/tollgate@sha256:1" {
		t.Errorf("image %v", image)
	}
}

// Of two controllers one acts, and the other takes over when it ends.
func TestOneOfTwoLeads(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	first := control(t, s)
	s.awaitObjects(watched...)
	second := control(t, s, func(o *deployment.Options) { o.Identity, o.Image = "two", "tollgate:2" })
	s.settled("a")
	if strings.Contains(second.log.String(), "applied") {
		t.Error("both act")
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	s.await("the second has applied its image", func(objects map[string]tree, _ []string) bool {
		return at(at(objects[deploymentPath], "spec", "template", "spec", "containers").([]any)[0], "image") == "tollgate:2"
	})
}

func TestClustersThatDoNotFit(t *testing.T) {
	const foreign = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: backends.gateway.kgateway.dev, labels: {app.kubernetes.io/name: kgateway}}, spec: {versions: [{name: v1alpha1, schema: {openAPIV3Schema: {properties: {spec: {properties: {aws: {type: object}}}}}}}]}}`
	const older = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: backends.gateway.kgateway.dev, labels: {app.kubernetes.io/name: kgateway}}, spec: {versions: [{name: v1alpha1, schema: {openAPIV3Schema: {properties: {spec: {properties: {ai: {properties: {llm: {type: object}}}}}}}}}]}}`
	for name, c := range map[string]struct {
		objects []string
		without string
		allow   bool
		says    string // in the error, or in the log
		fails   bool
	}{
		"no Gateway API":          {without: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io", says: "the Gateway API is not installed", fails: true},
		"another's Backend":       {objects: []string{foreign}, says: "refuses Backends of the type AI", fails: true},
		"another's Backend, told": {objects: []string{foreign}, allow: true, says: "AgentgatewayBackends can be used instead"},
		"kgateway 2.1":            {objects: []string{older}},
		"no Backend":              {says: "Backends cannot be made"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newAPIServer(t, append(c.objects, class, page)...)
			if c.without != "" {
				s.remove(c.without)
			}
			if !c.fails {
				r := control(t, s, func(o *deployment.Options) { o.ForeignBackends = c.allow })
				s.awaitObjects(deploymentPath)
				if !strings.Contains(r.log.String(), c.says) {
					t.Errorf("log:\n%s", r.log)
				}
				return
			}
			d, err := deployment.New(s.config(), deployment.Options{Settings: ordinary, LeaseNamespace: "x", Identity: "i", Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if waiting := d.Waiting(); len(waiting) != 1 {
				t.Errorf("it is ready, waiting for %v", waiting)
			}
		})
	}
}

func TestNewChecksSettings(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	for says, o := range map[string]deployment.Options{
		"--image is missing": {},
		"--storage x":        {PodName: "me", Settings: deployment.Settings{Storage: "x"}},
	} {
		o.Log = slog.New(slog.DiscardHandler)
		if _, err := deployment.New(s.config(), o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

// What is kept is looked after only while the pods are not well: they would not be without it.
func TestWhatIsKeptIsMadeAnewWhenPodsMissIt(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t, class, page)
	control(t, s)
	s.awaitObjects(watched...)
	s.awaitObjects(secretPath)
	s.change(deploymentPath, func(o tree) { o["status"] = tree{"readyReplicas": 1.0} })
	s.settled("a")
	s.remove(secretPath)
	s.written()
	s.change(gatewayPath, func(o tree) { o["metadata"].(tree)["annotations"] = tree{"someone": "else"} })
	s.settled("b")
	for _, w := range s.written() {
		if w == "POST /api/v1/namespaces/kgateway-system/secrets" {
			t.Error("a Secret was made that nobody misses")
		}
	}
	s.change(deploymentPath, func(o tree) { o["status"] = tree{"readyReplicas": 0.0} })
	s.awaitObjects(secretPath)
}
