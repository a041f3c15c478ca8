//go:build !nokube

package kube

import (
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
)

// The most entries that the definitions allow in the lists that controllers share.
const maxParents, maxAncestors = 32, 16

// tree is a part of an object as the API server has it.
type tree = map[string]any

// edit makes of the status that there is the one that there should be. It changes nothing
// of what it is given; times move only with what they are about.
type edit func(before tree, now time.Time) (after tree, err error)

// edit gives what a result has to say in the status of an object, nil if that is nothing.
func (c *Cluster) edit(r *manifest.Result, usage *KeyUsage, e *entry) edit {
	name := types.NamespacedName{Namespace: e.GetNamespace(), Name: e.GetName()}
	s := &r.Statuses
	switch e.kind.name {
	case gatewayClass:
		if status, ok := s.Classes[name.Name]; ok {
			return own(&status, status.Conditions, standard, "supportedFeatures")
		}
	case gateway:
		if status, ok := s.Gateways[name]; ok {
			return gatewayStatus(&status)
		}
	case kgatewayBackend:
		if conditions, ok := s.Backends[name]; ok {
			return own(&resource.Conditions{}, conditions, unprefixed)
		}
	case agentBackend:
		if conditions, ok := s.AIBackends[name]; ok {
			return own(&resource.Conditions{}, conditions, unprefixed)
		}
	case virtualKey:
		if status, ok := s.VirtualKeys[name]; ok {
			return virtualKeyStatus(&status, usage)
		}
	case httpRoute:
		return share(shared{"parents", "parentRef", maxParents, c.leaves(name.Namespace)}, s.Routes[name],
			func(p *gatewayv1.RouteParentStatus) []metav1.Condition { return p.Conditions })
	case backendTLSPolicy:
		return ancestors(c.leaves(name.Namespace), s.TLSPolicies[name])
	case agentPolicy:
		leaves := c.leaves(name.Namespace)
		return ancestors(func(ref tree) bool { return leaves(ref) || !targets(e.Object, ref) }, s.Policies[name])
	}
	return nil
}

func ancestors(leaves func(tree) bool, want []gatewayv1.PolicyAncestorStatus) edit {
	return share(shared{"ancestors", "ancestorRef", maxAncestors, leaves}, want,
		func(a *gatewayv1.PolicyAncestorStatus) []metav1.Condition { return a.Conditions })
}

// targets tells whether a policy may still be about what an entry of its status refers to.
func targets(policy metav1.Object, ref tree) bool {
	p, ok := policy.(*resource.AgentgatewayPolicy)
	return !ok || len(p.Spec.TargetSelectors) > 0 || slices.ContainsFunc(p.Spec.TargetRefs, func(t resource.AgentgatewayTarget) bool {
		return t.Kind == ref["kind"] && t.Name == ref["name"]
	})
}

// standard tells the types of conditions that the Gateway API leaves to controllers like
// this one; others on the same object belong to somebody else.
func standard(condition string) bool {
	switch condition {
	case string(gatewayv1.GatewayConditionAccepted), string(gatewayv1.GatewayConditionProgrammed), "Ready",
		string(gatewayv1.ListenerConditionResolvedRefs), string(gatewayv1.ListenerConditionConflicted), string(gatewayv1.ListenerConditionOverlappingTLSConfig),
		string(gatewayv1.GatewayClassConditionStatusSupportedVersion):
		return true
	}
	return false
}

// unprefixed tells the types of conditions of whoever serves an object: those of others
// carry a domain in front.
func unprefixed(condition string) bool { return !strings.Contains(condition, "/") }

// own edits a status of which this controller has the conditions of its types and the named fields.
func own(status any, conditions []metav1.Condition, mine func(string) bool, fields ...string) edit {
	return func(before tree, now time.Time) (tree, error) {
		want, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
		if err != nil {
			return nil, err
		}
		after := take(before, want, fields...)
		after["conditions"] = merge(before["conditions"], conditions, mine, now)
		return after, nil
	}
}

// take gives a copy of a tree with some fields from another one.
func take(from, other tree, fields ...string) tree {
	after := tree{}
	maps.Copy(after, from)
	for _, f := range fields {
		delete(after, f)
		if v, ok := other[f]; ok {
			after[f] = v
		}
	}
	return after
}

func gatewayStatus(status *gatewayv1.GatewayStatus) edit {
	return func(before tree, now time.Time) (tree, error) {
		after, err := own(status, status.Conditions, standard, "addresses", "listeners")(before, now)
		if err != nil {
			return nil, err
		}
		listeners, _ := after["listeners"].([]any)
		for i, l := range listeners {
			listener := l.(tree) // the converter made it
			was := named(before["listeners"], "name", listener["name"])
			listener["conditions"] = merge(was["conditions"], status.Listeners[i].Conditions, standard, now)
		}
		return after, nil
	}
}

func virtualKeyStatus(status *resource.VirtualKeyStatus, usage *KeyUsage) edit {
	return func(before tree, now time.Time) (tree, error) {
		after, err := own(status, status.Conditions, func(string) bool { return true }, "keyID", "secretName", "rotation")(before, now)
		if err != nil || usage == nil {
			return after, err
		}
		spent := usage.status(now)
		want, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&spent)
		if err != nil {
			return nil, err
		}
		if stands(before, want, now) {
			return after, nil
		}
		return take(after, want, "spent", "limits", "usageAt"), nil
	}
}

// status gives usage in the form of the resource.
func (u *KeyUsage) status(now time.Time) resource.VirtualKeyStatus {
	at := metav1.NewTime(now)
	out := resource.VirtualKeyStatus{Spent: u.Spent, UsageAt: &at}
	for _, l := range u.Limits {
		limit := resource.VirtualKeyLimitStatus{Kind: l.Kind, Amount: l.Amount, Spent: l.Spent, Reserved: l.Reserved, Remaining: l.Remaining}
		if l.ResetsAt != nil {
			resets := metav1.NewTime(*l.ResetsAt)
			limit.ResetsAt = &resets
		}
		out.Limits = append(out.Limits, limit)
	}
	return out
}

// stands tells that what a status says of usage is still so. The instant at which a window
// resets may move along with the clock: it is no news until the one that stands there is over.
func stands(before, want tree, now time.Time) bool {
	was, _ := before["limits"].([]any)
	is, _ := want["limits"].([]any)
	if before["usageAt"] == nil || before["spent"] != want["spent"] || len(was) != len(is) {
		return false
	}
	for i := range is {
		old, _ := was[i].(tree)
		limit, _ := is[i].(tree)
		if !equality.Semantic.DeepEqual(take(old, nil, "resetsAt"), take(limit, nil, "resetsAt")) {
			return false
		}
		text, dated := old["resetsAt"].(string)
		resets, err := time.Parse(time.RFC3339, text)
		if dated != (limit["resetsAt"] != nil) || dated && (err != nil || !resets.After(now)) {
			return false
		}
	}
	return true
}

// shared is a list of a status that several controllers write entries of.
type shared struct {
	list, ref string
	limit     int
	// leaves tells that what an entry of this controller refers to is for this program to
	// speak about, and another program of the same name does not.
	leaves func(ref tree) bool
}

// share edits a list of which this controller has its own entries. The API server takes
// such a list as a whole only.
func share[T any](in shared, want []T, conditions func(*T) []metav1.Condition) edit {
	return func(before tree, now time.Time) (tree, error) {
		all := func(string) bool { return true }
		wants := make([]tree, len(want))
		for i := range want {
			var err error
			if wants[i], err = runtime.DefaultUnstructuredConverter.ToUnstructured(&want[i]); err != nil {
				return nil, err
			}
		}
		entries, _ := before[in.list].([]any)
		out, done := []any{}, make([]bool, len(want))
		for _, item := range entries {
			was, _ := item.(tree)
			ref, _ := was[in.ref].(tree)
			i := slices.IndexFunc(wants, func(w tree) bool {
				return w["controllerName"] == was["controllerName"] && equality.Semantic.DeepEqual(w[in.ref], was[in.ref])
			})
			switch {
			case i >= 0 && !done[i]:
				done[i] = true
				wants[i]["conditions"] = merge(was["conditions"], conditions(&want[i]), all, now)
				out = append(out, wants[i])
			case i < 0 && (was["controllerName"] != Controller || !in.leaves(ref)):
				out = append(out, item)
			}
		}
		for i := range wants {
			if !done[i] && len(out) < in.limit {
				wants[i]["conditions"] = merge(nil, conditions(&want[i]), all, now)
				out = append(out, wants[i])
			}
		}
		if len(out) == 0 && len(entries) == 0 {
			return before, nil
		}
		after := take(before, nil)
		after[in.list] = out
		return after, nil
	}
}

// leaves tells of references to Gateways whether they are this program's to speak about.
// Programs for other Gateways or classes write entries under the same name of controller.
func (c *Cluster) leaves(namespace string) func(ref tree) bool {
	return func(ref tree) bool {
		name, _ := ref["name"].(string)
		in, _ := ref["namespace"].(string)
		if in == "" {
			in = namespace
		}
		of, _ := ref["kind"].(string)
		if of != "" && of != gateway {
			return c.settings.Gateway.Name == ""
		}
		if c.settings.Gateway.Name != "" {
			return c.settings.Gateway == types.NamespacedName{Namespace: in, Name: name}
		}
		return c.settings.Class == "" || !c.anotherClass(in, name)
	}
}

// anotherClass tells that a Gateway is of a class of this controller that is not the one served.
func (c *Cluster) anotherClass(namespace, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.find(kindNamed(gateway), namespace, name)
	if e == nil {
		return false
	}
	g, ok := e.Object.(*gatewayv1.Gateway)
	if !ok || string(g.Spec.GatewayClassName) == c.settings.Class {
		return false
	}
	e = c.find(kindNamed(gatewayClass), "", string(g.Spec.GatewayClassName))
	if e == nil {
		return false
	}
	class, ok := e.Object.(*gatewayv1.GatewayClass)
	return ok && class.Spec.ControllerName == c.settings.Controller
}

// named gives the item of a list whose field has a value.
func named(list any, field string, value any) tree {
	items, _ := list.([]any)
	for _, i := range items {
		if item, ok := i.(tree); ok && item[field] == value {
			return item
		}
	}
	return nil
}

// merge gives conditions as they should be: those that are wanted, with the time of the
// last change of their status, and of those that there are the ones that are not ours.
func merge(before any, want []metav1.Condition, mine func(string) bool, now time.Time) []any {
	was, _ := before.([]any)
	out := []any{}
	done := map[string]bool{}
	for _, item := range was {
		old, _ := item.(tree)
		of, _ := old["type"].(string)
		i := slices.IndexFunc(want, func(w metav1.Condition) bool { return w.Type == of })
		switch {
		case i >= 0 && !done[of]:
			done[of] = true
			out = append(out, condition(&want[i], old, now))
		case i < 0 && !mine(of):
			out = append(out, item)
		}
	}
	for i := range want {
		if !done[want[i].Type] {
			out = append(out, condition(&want[i], nil, now))
		}
	}
	return out
}

func condition(want *metav1.Condition, was tree, now time.Time) tree {
	since := metav1.NewTime(now).UTC().Format(time.RFC3339)
	if text, ok := was["lastTransitionTime"].(string); ok && was["status"] == string(want.Status) {
		since = text
	}
	out := tree{"type": want.Type, "status": string(want.Status), "reason": want.Reason, "message": want.Message, "lastTransitionTime": since}
	if want.ObservedGeneration != 0 {
		out["observedGeneration"] = want.ObservedGeneration
	}
	return out
}
