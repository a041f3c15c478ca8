//go:build !nokube

package deployment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Labels and annotations of what is made for a Gateway.
const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelGateway   = "gateway.networking.k8s.io/gateway-name"
	labelClass     = "gateway.networking.k8s.io/gateway-class-name"
	// labelNamespace says which namespace a Gateway is of, on objects that are in none.
	labelNamespace = "tollgate.dev/gateway-namespace"
	// annotationApplied is a digest of what was applied, so that a change which only takes
	// something away is seen as well.
	annotationApplied = "tollgate.dev/applied"

	program = "tollgate"
	// Manager is the name under which the controller owns fields, and its lease.
	Manager = "tollgate-controller"
)

// Ports of a pod beside those of its listeners. The admin listener has its usual port on
// the pod's loopback address, so that only kubectl port-forward and exec reach it.
const (
	portAdmin   = 15000
	portMetrics = 15020
	portReady   = 15021
)

// Objects gives everything that a Gateway needs to run, ready to be applied and in the
// order in which that is best done. What outlives the Gateway is given by Kept. An error
// tells what about the Gateway keeps it from running.
func Objects(gateway *gatewayv1.Gateway, settings Settings) ([]*unstructured.Unstructured, error) {
	g, err := plan(gateway, settings)
	if err != nil {
		return nil, err
	}
	objects := []runtime.Object{g.serviceAccount()}
	objects = append(objects, g.bindings()...)
	if len(g.ports) > 0 {
		objects = append(objects, g.service())
	}
	objects = append(objects, g.deployment(), g.disruptionBudget())
	out := make([]*unstructured.Unstructured, 0, len(objects))
	for _, o := range objects {
		u, err := applied(o)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// planned is a Gateway as it is going to run.
type planned struct {
	*gatewayv1.Gateway
	settings    Settings
	serviceType corev1.ServiceType
	// ports are those that requests come in by, in order.
	ports []port
	// config is the ConfigMap with the configuration to start from, "" for none.
	config string
}

type port struct {
	number int32
	scheme string // http or https
}

// plan finds out what of a Gateway matters to its Deployment.
func plan(gateway *gatewayv1.Gateway, settings Settings) (*planned, error) {
	if err := settings.Check(); err != nil {
		return nil, err
	}
	if len(gateway.Name) > 63 || strings.Contains(gateway.Name, ".") {
		return nil, fmt.Errorf("metadata.name: a Service cannot be called %q: names of Gateways that run in the cluster have at most 63 characters and no dot", gateway.Name)
	}
	g := &planned{Gateway: gateway, settings: settings, ports: listenerPorts(gateway)}
	wanted := settings.ServiceType
	if chosen, ok := gateway.Annotations[AnnotationServiceType]; ok {
		if wanted = chosen; chosen == "" || !knownServiceType(chosen) {
			return nil, fmt.Errorf("annotation %s: %q must be one of %s", AnnotationServiceType, chosen, serviceTypeNames())
		}
	}
	g.serviceType = corev1.ServiceType(wanted)
	if g.serviceType == "" {
		g.serviceType = corev1.ServiceTypeLoadBalancer
	}
	if in := gateway.Spec.Infrastructure; in != nil && in.ParametersRef != nil {
		return nil, fmt.Errorf("spec.infrastructure.parametersRef: no parameters are known, so it must be left out; the annotation %s names a ConfigMap with a configuration", AnnotationConfig)
	}
	if name, ok := gateway.Annotations[AnnotationConfig]; ok {
		if name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("annotation %s: %q must name a ConfigMap of the namespace %s, whose key %s is a configuration", AnnotationConfig, name, gateway.Namespace, configKey)
		}
		g.config = name
	}
	return g, nil
}

// listenerPorts gives the ports of listeners that are served, each once. Those of the
// program's own listeners are none of them.
func listenerPorts(gateway *gatewayv1.Gateway) []port {
	var ports []port
	for _, l := range gateway.Spec.Listeners {
		number := int32(l.Port)
		if l.Protocol != gatewayv1.HTTPProtocolType && l.Protocol != gatewayv1.HTTPSProtocolType ||
			number == portAdmin || number == portMetrics || number == portReady ||
			slices.ContainsFunc(ports, func(p port) bool { return p.number == number }) {
			continue
		}
		ports = append(ports, port{number, strings.ToLower(string(l.Protocol))})
	}
	return ports
}

// meta gives the metadata of an object that ends with the Gateway.
func (g *planned) meta(name string) metav1.ObjectMeta {
	m := g.keptMeta(name)
	m.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway", Name: g.Name, UID: g.UID,
	}}
	return m
}

// keptMeta gives the metadata of an object that outlives the Gateway.
func (g *planned) keptMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: g.Namespace, Name: name, Labels: g.labels(), Annotations: g.annotations()}
}

// labels are those that the Gateway asks for, and ours, which win.
func (g *planned) labels() map[string]string {
	labels := map[string]string{}
	if in := g.Spec.Infrastructure; in != nil {
		for k, v := range in.Labels {
			labels[string(k)] = string(v)
		}
	}
	maps.Copy(labels, g.selector())
	labels[labelManagedBy] = Manager
	labels[labelGateway] = g.Name
	// The name of a class may be longer than a label.
	if class := string(g.Spec.GatewayClassName); len(class) <= 63 {
		labels[labelClass] = class
	}
	return labels
}

// selector picks the pods of the Gateway. That of a Deployment can never change.
func (g *planned) selector() map[string]string {
	return map[string]string{labelName: program, labelInstance: g.Name}
}

func (g *planned) annotations() map[string]string {
	in := g.Spec.Infrastructure
	if in == nil || len(in.Annotations) == 0 {
		return nil
	}
	annotations := map[string]string{}
	for k, v := range in.Annotations {
		annotations[string(k)] = string(v)
	}
	return annotations
}

func (g *planned) serviceAccount() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: g.meta(g.Name),
		// The gateway's own pods ask for the token; no other pod gets it by accident.
		AutomountServiceAccountToken: new(false),
	}
}

// service gives what requests come in by. The ports of metrics, readiness and admin are not
// among its ports.
func (g *planned) service() *corev1.Service {
	s := &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: g.meta(g.Name),
		Spec: corev1.ServiceSpec{Type: g.serviceType, Selector: g.selector()},
	}
	for _, p := range g.ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
			Name: fmt.Sprintf("%s-%d", p.scheme, p.number), Protocol: corev1.ProtocolTCP, AppProtocol: new(p.scheme),
			Port: p.number, TargetPort: intstr.FromInt32(p.number),
		})
	}
	return s
}

// disruptionBudget lets a node be drained, one pod at a time. With a single pod a stricter
// one would hold up the drain for ever.
func (g *planned) disruptionBudget() *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta: metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}, ObjectMeta: g.meta(g.Name),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: new(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: g.selector()},
		},
	}
}

func (g *planned) deployment() *appsv1.Deployment {
	d := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: g.meta(g.Name),
		Spec: appsv1.DeploymentSpec{
			Replicas: new(g.settings.replicas()), Selector: &metav1.LabelSelector{MatchLabels: g.selector()},
			// The ledger has one writer: the pod before must have ended.
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: g.pod(),
		},
	}
	if !g.settings.durable() {
		d.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType
	}
	return d
}

// applied gives an object as it is sent: without what only a server says, and with a digest
// of the rest.
func applied(object runtime.Object) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("write %T: %w", object, err)
	}
	delete(fields, "status")
	for _, path := range [][]string{{"metadata", "creationTimestamp"}, {"spec", "template", "metadata", "creationTimestamp"}} {
		unstructured.RemoveNestedField(fields, path...)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("write %T: %w", object, err)
	}
	u := &unstructured.Unstructured{Object: fields}
	digest := sha256.Sum256(text)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotationApplied] = hex.EncodeToString(digest[:16])
	u.SetAnnotations(annotations)
	return u, nil
}
