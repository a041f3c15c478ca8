package manifest

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/secret"
)

// tlsPolicy is a BackendTLSPolicy with what became of it.
type tlsPolicy struct {
	object *gatewayv1.BackendTLSPolicy
	tls    *config.BackendTLS
	// refused is why it is not accepted, unresolved what is wrong with its references.
	refused, unresolved fault
	// reached are the Gateways through which its targets are reached.
	reached []*front
}

// section is a target of a policy, or one port of it.
type section struct {
	target
	name gatewayv1.SectionName
}

// tlsPolicies judges the policies and sorts them by their targets. Of several for the same
// target the oldest one holds.
func (k *compilation) tlsPolicies() {
	for _, p := range oldestFirst(k.objects.TLSPolicies) {
		policy := k.tlsPolicy(p)
		k.tls.all = append(k.tls.all, policy)
		for _, t := range p.Spec.TargetRefs {
			s := section{target{t.Group, Ref{string(t.Kind), types.NamespacedName{Namespace: p.Namespace, Name: string(t.Name)}}}, or(t.SectionName, "")}
			holding := k.tls.bySection[s]
			if len(holding) > 0 && holding[0] != policy {
				policy.refused = policy.refused.or(faultOf(gatewayv1.PolicyReasonConflicted, "the older BackendTLSPolicy %s is for %s too", holding[0].object.Name, s.Ref))
			}
			k.tls.bySection[s] = append(holding, policy)
			k.tls.byTarget[s.target] = append(k.tls.byTarget[s.target], policy)
		}
	}
}

// tlsPolicyIndex finds policies.
type tlsPolicyIndex struct {
	all       []*tlsPolicy
	bySection map[section][]*tlsPolicy // oldest first
	byTarget  map[target][]*tlsPolicy
}

func (k *compilation) tlsPolicy(p *gatewayv1.BackendTLSPolicy) *tlsPolicy {
	out := &tlsPolicy{object: p}
	v, at := &p.Spec.Validation, refOf("BackendTLSPolicy", p).at().Child("spec").Child("validation")
	roots, unresolved := k.roots(p)
	out.unresolved = unresolved
	known := or(v.WellKnownCACertificates, "")
	switch why, broken := k.broken("BackendTLSPolicy", p); {
	case broken:
		out.refused = faultOf(gatewayv1.PolicyReasonInvalid, "%s", why)
	case v.Hostname == "" || !validHost(string(v.Hostname)):
		out.refused = faultOf(gatewayv1.PolicyReasonInvalid, "the hostname %q is none", v.Hostname)
	case len(v.SubjectAltNames) > 0:
		out.refused = faultOf(gatewayv1.PolicyReasonInvalid, "subjectAltNames are not served; the certificate has to be for the hostname")
	case known != "" && known != gatewayv1.WellKnownCACertificatesSystem:
		out.refused = faultOf(gatewayv1.PolicyReasonInvalid, "the wellKnownCACertificates %s are not known; System is", known)
	case known == "" && len(v.CACertificateRefs) == 0:
		out.refused = faultOf(gatewayv1.PolicyReasonInvalid, "say wellKnownCACertificates: System, or name a ConfigMap in caCertificateRefs")
	case len(v.CACertificateRefs) > 0 && roots.Content.Empty():
		out.refused = faultOf(gatewayv1.BackendTLSPolicyReasonNoValidCACertificate, "%s", unresolved.message)
	}
	roots.At = at
	out.tls = &config.BackendTLS{At: at, Root: roots, Hostname: string(v.Hostname)}
	return out
}

// roots gives the authorities that a policy trusts, and what is wrong with its references
// to them. None are those of the system.
func (k *compilation) roots(p *gatewayv1.BackendTLSPolicy) (config.File, fault) {
	var (
		bad         faults
		names, text []string
	)
	for _, ref := range p.Spec.Validation.CACertificateRefs {
		name := types.NamespacedName{Namespace: p.Namespace, Name: string(ref.Name)}
		to := Ref{string(ref.Kind), name}
		if ref.Group != "" || ref.Kind != "ConfigMap" {
			bad.add(faultOf(gatewayv1.BackendTLSPolicyReasonInvalidKind, "certificates of authorities cannot come from %s of the group %q; only from a ConfigMap", to, ref.Group))
			continue
		}
		m := k.index.configMaps[name]
		switch {
		case m == nil:
			bad.add(faultOf(gatewayv1.BackendTLSPolicyReasonInvalidCACertificateRef, "%s does not exist", to))
		case authorities(m) == "":
			bad.add(faultOf(gatewayv1.BackendTLSPolicyReasonInvalidCACertificateRef, "%s has no PEM certificates under %s", to, authorityKey))
		default:
			names, text = append(names, to.String()), append(text, authorities(m))
		}
	}
	if len(text) == 0 {
		return config.File{}, bad.fault()
	}
	return config.File{Name: strings.Join(names, ", "), Content: secret.New(strings.Join(text, "\n"))}, bad.fault()
}

// backendTLS gives TLS to a backend as a policy wants it, nil if there is none. A policy
// that cannot be kept to must not be passed over.
func (k *compilation) backendTLS(to target, port string) (*config.BackendTLS, fault) {
	holding := k.tls.bySection[section{to, gatewayv1.SectionName(port)}]
	if len(holding) == 0 {
		holding = k.tls.bySection[section{target: to}]
	}
	if len(holding) == 0 {
		return nil, fault{}
	}
	p := holding[0]
	if !p.refused.none() {
		return nil, faultOf(p.refused.reason, "%s cannot be kept to: %s", refOf("BackendTLSPolicy", p.object), p.refused.message)
	}
	return p.tls, fault{}
}

// reach notes that an object is reached through a Gateway.
func (k *compilation) reach(t target, f *front) {
	for _, p := range k.tls.byTarget[t] {
		if !slices.Contains(p.reached, f) {
			p.reached = append(p.reached, f)
		}
	}
}

// tlsPolicyStatuses says what became of the policies, for each Gateway through which their
// targets are reached.
func (k *compilation) tlsPolicyStatuses() {
	for _, p := range k.tls.all {
		for _, f := range p.reached[:min(len(p.reached), maxAncestors)] {
			k.out.Statuses.TLSPolicies[nameOf(p.object)] = append(k.out.Statuses.TLSPolicies[nameOf(p.object)], gatewayv1.PolicyAncestorStatus{
				AncestorRef: f.reference(), ControllerName: k.settings.Controller,
				Conditions: []metav1.Condition{
					stands(gatewayv1.PolicyConditionAccepted, gatewayv1.PolicyReasonAccepted, "Requests to the targets are made as the policy says", p.refused, p.object.Generation),
					stands(gatewayv1.BackendTLSPolicyConditionResolvedRefs, gatewayv1.BackendTLSPolicyReasonResolvedRefs, "All references lead somewhere", p.unresolved, p.object.Generation),
				},
			})
		}
	}
}

// reference names a Gateway in the status of another object.
func (f *front) reference() gatewayv1.ParentReference {
	group, kind, namespace := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind("Gateway"), gatewayv1.Namespace(f.ref.Namespace)
	return gatewayv1.ParentReference{Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(f.ref.Name)}
}
