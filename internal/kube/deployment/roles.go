//go:build !nokube

package deployment

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// ClusterRoles that the installation brings, by what they allow. The controller binds them
// to the ServiceAccounts of gateways; it cannot grant anything else.
const (
	// RoleCluster reads objects that are in no namespace, and writes the status of classes.
	RoleCluster = "tollgate-gateway-cluster"
	// RoleGateway reads objects of namespaces, and writes their statuses.
	RoleGateway = "tollgate-gateway"
	// RoleKeys writes the Secrets that virtual keys are minted into. An installation may leave it out.
	RoleKeys = "tollgate-gateway-keys"
	// RoleLease holds the lease of a Gateway's replicas, in its own namespace.
	RoleLease = "tollgate-gateway-lease"
)

// bindings say what the Gateway's pods may do: everywhere, or in their own namespace only.
func (g *planned) bindings() []runtime.Object {
	out := []runtime.Object{g.clusterBinding(RoleCluster), g.binding(RoleLease)}
	for _, role := range []string{RoleGateway, RoleKeys} {
		if g.namespaced() {
			out = append(out, g.binding(role))
		} else {
			out = append(out, g.clusterBinding(role))
		}
	}
	return out
}

// namespaced tells whether the Gateway is confined to its own namespace: its account is there
// for whoever may run pods beside it.
func (g *planned) namespaced() bool {
	return g.settings.Namespaced || len(g.settings.Wide) > 0 && !slices.Contains(g.settings.Wide, g.Namespace)
}

func (g *planned) binding(role string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: g.meta(role + ":" + g.Name), RoleRef: roleRef(role), Subjects: g.subjects(),
	}
}

// clusterBinding is in no namespace, so the Gateway cannot own it: the controller deletes it
// when the Gateway is gone.
func (g *planned) clusterBinding(role string) *rbacv1.ClusterRoleBinding {
	m := g.keptMeta(role + ":" + g.Namespace + ":" + g.Name)
	m.Namespace = ""
	m.Labels[labelNamespace] = g.Namespace
	return &rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
		ObjectMeta: m, RoleRef: roleRef(role), Subjects: g.subjects(),
	}
}

func roleRef(role string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
}

func (g *planned) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: g.Namespace, Name: g.Name}}
}

// gatewayOf tells which Gateway an object was made for, by its labels.
func gatewayOf(o metav1.Object) types.NamespacedName {
	labels := o.GetLabels()
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = labels[labelNamespace]
	}
	return types.NamespacedName{Namespace: namespace, Name: labels[labelGateway]}
}
