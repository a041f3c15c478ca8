package kube

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"tollgate/test/kube/stack"
)

// Reasons why the shipped roles allow what the audit log does not show.
const (
	// An API server of today sends all objects at the beginning of a watch; older ones are
	// asked for a list first.
	olderServers = "list, for API servers that cannot begin a watch with it"
	// It shows nothing that a watch does not, and every other program asks for all three.
	likeWatch = "get, beside watch"
	// An apply that makes an object is a patch in the audit log.
	withinApply = "create, which the API server asks for within an apply"
	// The API server asks for it when a role is bound.
	withinBinding = "bind, which the API server asks for when a binding is made"
	// Only clusters with the admission plugin OwnerReferencesPermissionEnforcement ask for it.
	withinOwner = "update finalizers, which some clusters ask for when an owner is set"
)

// excused gives the reason why a permission may go unused, "" if there is none.
func excused(p string, used map[string]bool) string {
	verb, resource, _ := strings.Cut(p, " ")
	switch {
	case verb == "list" && used["watch "+resource]:
		return olderServers
	case verb == "get" && used["watch "+resource]:
		return likeWatch
	case verb == "create" && used["patch "+resource]:
		return withinApply
	case p == permission("bind", rbacv1.GroupName, "clusterroles"):
		return withinBinding
	case strings.Contains(resource, "/finalizers"):
		return withinOwner
	}
	return ""
}

// permissions looks at what the program has asked the API server for in all tests: nothing
// may have been forbidden, and after a run of all tests nothing that the shipped roles allow
// may have gone unused.
func (w *world) permissions() error {
	events, err := w.Events()
	if err != nil {
		return err
	}
	var problems []error
	used := map[string]bool{}
	for i := range events {
		e := &events[i]
		p := permission(e.Verb, e.Object.Group, resourceOf(e))
		if !e.Forbidden() {
			used[p] = true
		} else if !w.leaving(e) && !w.Starting(e.At) {
			problems = append(problems, fmt.Errorf("%s asked to %s in %q, which the shipped roles do not allow", e.User.Username, p, e.Object.Namespace))
		}
	}
	if flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return errors.Join(problems...) // what the others use is not known
	}
	allowed, err := w.allowed()
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(allowed)) {
		if !used[p] && excused(p, used) == "" {
			problems = append(problems, fmt.Errorf("the role %s allows to %s, which nobody did in all tests", allowed[p], p))
		}
	}
	return errors.Join(problems...)
}

// leaving tells that a request was made by an account whose namespace was on its way out.
func (w *world) leaving(e *stack.Event) bool {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(e.User.Username, "system:serviceaccount:"), ":")
	since, ok := w.gone[namespace]
	return ok && e.At.After(since)
}

func resourceOf(e *stack.Event) string {
	if e.Object.Subresource != "" {
		return e.Object.Resource + "/" + e.Object.Subresource
	}
	return e.Object.Resource
}

func permission(verb, group, resource string) string {
	return strings.TrimSuffix(verb+" "+resource+"."+group, ".")
}

// allowed gives what the shipped roles allow, and the role that does.
func (w *world) allowed() (map[string]string, error) {
	allowed := map[string]string{}
	for _, kind := range []string{"clusterroles", "roles"} {
		text, err := w.Kubectl(w.context, "", "get", kind, "--all-namespaces", "--selector=app.kubernetes.io/name=tollgate", "-o", "json")
		if err != nil {
			return nil, err
		}
		var list rbacv1.ClusterRoleList // a Role has the same fields
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("reading the shipped roles: %w", err)
		}
		for _, role := range list.Items {
			for _, rule := range role.Rules {
				for _, group := range rule.APIGroups {
					for _, resource := range rule.Resources {
						for _, verb := range rule.Verbs {
							allowed[permission(verb, group, resource)] = role.Name
						}
					}
				}
			}
		}
	}
	if len(allowed) == 0 {
		return nil, errors.New("no shipped role was found")
	}
	return allowed, nil
}
