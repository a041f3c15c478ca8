package manifest

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/kube/resource"
	"tollgate/internal/vkey"
)

// The conditions of a VirtualKey.
const (
	conditionReady = "Ready"

	reasonValid          = "Valid"
	reasonPartiallyValid = "PartiallyValid"
	reasonSecretTaken    = "SecretTaken"
	reasonMinted         = "Minted"
	reasonSecretMissing  = "SecretMissing"
	reasonSecretInvalid  = "SecretInvalid"
	reasonDisabled       = "Disabled"
	reasonExpired        = "Expired"
)

// namespaceLabel is the label of a virtual key that has the namespace of its object, a
// VirtualKey or a Secret with entries. It comes before one that the object asks for: nobody
// passes for another namespace, whose shared limits could be used up so.
const namespaceLabel = "namespace"

// virtualKey is a VirtualKey that is good for something.
type virtualKey struct {
	namespace string
	key       config.APIKey
}

// virtualKeys reads the VirtualKeys, oldest first, notes their statuses and asks for what
// has to be minted.
func (k *compilation) virtualKeys(b *keyBook) {
	for _, o := range oldestFirst(k.objects.VirtualKeys) {
		key, ok := k.virtualKey(b, o)
		if ok {
			b.virtual = append(b.virtual, virtualKey{o.Namespace, key})
		}
	}
	slices.SortFunc(b.virtual, func(x, y virtualKey) int { return strings.Compare(x.key.At.File, y.key.At.File) })
	for _, v := range b.virtual {
		b.namespaces = append(b.namespaces, v.namespace)
	}
	slices.Sort(b.namespaces)
	b.namespaces = slices.Compact(b.namespaces)
	slices.SortFunc(k.out.Mint, func(x, y Mint) int { return strings.Compare(nameOf(x.Key).String(), nameOf(y.Key).String()) })
}

// virtualKeyID gives the id of the key of an object: another object of the same name is
// another key.
func virtualKeyID(o *resource.VirtualKey) string {
	return vkey.DeriveID(vkey.Hash("Kubernetes VirtualKey\x00" + string(o.UID)))
}

// virtualKey compiles one VirtualKey. A key whose object says something that makes no sense
// is refused, rather than served without what was meant.
func (k *compilation) virtualKey(b *keyBook, o *resource.VirtualKey) (config.APIKey, bool) {
	ref := refOf("VirtualKey", o)
	at := ref.at().Child("spec")
	id := virtualKeyID(o)
	name := types.NamespacedName{Namespace: o.Namespace, Name: o.Spec.SecretName}
	if name.Name == "" {
		name.Name = o.Name
	}
	status, tell := resource.VirtualKeyStatus{KeyID: id, SecretName: name.Name}, k.keeper(o.Namespace)
	var accepted, ready fault
	key, err := checkedKey(virtualKeyFields(o), "", at)
	switch why, broken := k.broken("VirtualKey", o); {
	case broken:
		accepted = faultOf(reasonInvalid, "%s; requests with the key are refused", why)
	case o.UID == "":
		accepted = faultOf(reasonInvalid, "the object has no UID, which its id is made of")
	case err != nil:
		accepted = faultOf(reasonInvalid, "%v; requests with the key are refused until this is put right", err)
	}
	if !accepted.none() || key == nil {
		key = &config.APIKey{At: at, Name: shortened(displayName(o)), Disabled: true}
	}
	key.ID, key.Disabled = id, key.Disabled || o.Spec.Disabled
	s := k.index.secrets[name]
	minted := false
	switch {
	case s != nil && !owned(s, o):
		accepted = accepted.or(faultOf(reasonSecretTaken, "the Secret %s exists and does not belong to this object; it is left as it is. Remove it, or set spec.secretName to another name", name))
		ready = faultOf(reasonSecretMissing, "there is no secret of the key yet")
	case s == nil || len(s.Data[resource.SecretCurrent]) == 0:
		ready = faultOf(reasonSecretMissing, "the Secret %s with the key is yet to be made", name)
		if accepted.none() && tell.ours {
			k.out.Mint = append(k.out.Mint, Mint{Key: o, ID: id})
		}
	default:
		status.Rotation = string(s.Data[resource.SecretRotation])
		minted, ready = k.secretsOf(b, key, s)
		if minted && accepted.none() && tell.ours && status.Rotation != o.Spec.Rotation {
			k.out.Mint = append(k.out.Mint, Mint{Key: o, ID: id, Rotate: true})
		}
	}
	if end := o.Spec.ExpiresAt; end != nil && end.After(k.settings.Now) && (k.out.Next.IsZero() || end.Time.Before(k.out.Next)) {
		k.out.Next = end.Time
	}
	switch end := o.Spec.ExpiresAt; {
	case !ready.none() || !accepted.none():
	case o.Spec.Disabled:
		ready = faultOf(reasonDisabled, "spec.disabled is set: requests with the key are refused")
	case end != nil && !k.settings.Now.IsZero() && !k.settings.Now.Before(end.Time):
		ready = faultOf(reasonExpired, "the key ended at %s", end.UTC().Format(time.RFC3339))
	case !tell.good:
		ready = faultOf(gatewayv1.RouteReasonNotAllowedByListeners, "no listener lets the namespace %s attach, so the key is good nowhere", o.Namespace)
	}
	if !accepted.none() && ready.none() {
		ready = faultOf(accepted.reason, "the key is not accepted: requests with it are refused")
	}
	status.Conditions = []metav1.Condition{
		stands(conditionAccepted, reasonValid, "Everything that the key says is in force", accepted, o.Generation),
		stands(conditionReady, reasonMinted, "The key is in the entry \""+resource.SecretCurrent+"\" of the Secret "+name.Name, ready, o.Generation),
	}
	if tell.ours {
		k.out.Statuses.VirtualKeys[ref.NamespacedName] = status
	}
	return *key, minted
}

// keeping is who keeps the VirtualKeys of a namespace: of the programs that serve Gateways on
// which they are good, each with a ledger of its own, one mints them and writes their statuses.
type keeping struct {
	// ours tells that it is this one, good that there is a Gateway on which they are good.
	ours, good bool
}

// keeper finds out who keeps the VirtualKeys of a namespace: whoever serves the oldest of the
// Gateways with a listener that lets the namespace attach, or the oldest of all where there is
// none. All programs come to the same result, whichever Gateways they serve.
func (k *compilation) keeper(namespace string) keeping {
	if found, ok := k.keepers[namespace]; ok {
		return found
	}
	classes := map[string]bool{}
	for _, c := range k.objects.Classes {
		classes[c.Name] = c.Spec.ControllerName == k.settings.Controller
	}
	var first *gatewayv1.Gateway
	found := keeping{ours: k.settings.Gateway == types.NamespacedName{}}
	for _, g := range oldestFirst(k.objects.Gateways) {
		if !classes[string(g.Spec.GatewayClassName)] {
			continue
		}
		found.good = slices.ContainsFunc(g.Spec.Listeners, func(l gatewayv1.Listener) bool { return k.letsNamespace(g, &l, namespace) })
		if first == nil || found.good {
			first = g
		}
		if found.good {
			break
		}
	}
	if first != nil {
		found.ours = k.serves(first)
	}
	k.keepers[namespace] = found
	return found
}

// secretsOf takes the secrets of a key from its Secret. Only what was minted for this key
// counts: nobody makes a key of a text of their own.
func (k *compilation) secretsOf(b *keyBook, key *config.APIKey, s *corev1.Secret) (ok bool, _ fault) {
	current := strings.TrimSpace(string(s.Data[resource.SecretCurrent]))
	if id, ok := vkey.Parse(current); !ok || "key_"+id != key.ID {
		return false, faultOf(reasonSecretInvalid, "the entry %q of the Secret %s is not what was minted for this key; delete the Secret to have another one minted", resource.SecretCurrent, nameOf(s))
	}
	digest := vkey.Hash(current)
	if !b.take(digest, key.ID) {
		return false, faultOf(reasonSecretInvalid, "the key of the Secret %s is declared elsewhere too; delete the Secret to have another one minted", nameOf(s))
	}
	key.Hash, key.Last4 = config.KeyHash{Digest: digest, At: key.At.Child("keyHash")}, vkey.Fingerprint(current)
	previous := strings.TrimSpace(string(s.Data[resource.SecretPrevious]))
	until, err := time.Parse(time.RFC3339, strings.TrimSpace(string(s.Data[resource.SecretPreviousUntil])))
	id, parsed := vkey.Parse(previous)
	if digest := vkey.Hash(previous); err == nil && parsed && "key_"+id == key.ID && previous != current && b.take(digest, key.ID) {
		key.Previous = &config.PreviousSecret{Digest: digest, Last4: vkey.Fingerprint(previous), Until: until.UTC()}
	}
	return true, fault{}
}

// owned tells whether a Secret belongs to a VirtualKey and no other object of its name.
func owned(s *corev1.Secret, o *resource.VirtualKey) bool {
	return slices.ContainsFunc(s.OwnerReferences, func(r metav1.OwnerReference) bool { return byVirtualKey(r) && r.UID == o.UID })
}

// byVirtualKey tells whether an owner is a VirtualKey.
func byVirtualKey(r metav1.OwnerReference) bool {
	return r.Kind == "VirtualKey" && strings.HasPrefix(r.APIVersion, resource.TollgateVersion.Group+"/")
}

func displayName(o *resource.VirtualKey) string {
	if o.Spec.DisplayName != "" {
		return o.Spec.DisplayName
	}
	return o.Namespace + "/" + o.Name
}

// virtualKeyFields gives what a VirtualKey says in the words of a configuration file.
func virtualKeyFields(o *resource.VirtualKey) map[string]any {
	s := &o.Spec
	labels := maps.Clone(s.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[namespaceLabel] = o.Namespace
	// The digest of the secret takes the place of this one.
	fields := map[string]any{"keyHash": "sha256:" + hex.EncodeToString(make([]byte, 32)), "name": displayName(o), "labels": labels}
	if s.DisplayName == "" {
		fields["name"] = shortened(displayName(o))
	}
	if m := s.Models; m != nil {
		scope := map[string]any{}
		if m.Allow != nil {
			scope["allow"] = listOf(*m.Allow)
		}
		if m.Deny != nil {
			scope["deny"] = m.Deny
		}
		fields["models"] = scope
	}
	if s.Operations != nil {
		fields["operations"] = listOf(*s.Operations)
	}
	if s.Networks != nil {
		fields["networks"] = listOf(*s.Networks)
	}
	if s.ExpiresAt != nil {
		fields["expiresAt"] = s.ExpiresAt.UTC().Format(time.RFC3339)
	}
	if s.MaxTokens != 0 {
		fields["maxTokens"] = s.MaxTokens
	}
	if s.Clamp {
		fields["clamp"] = true
	}
	if s.Discreet {
		fields["discreet"] = true
	}
	limits := make([]any, len(s.Limits))
	for i := range s.Limits {
		limits[i] = limitFields(&s.Limits[i])
	}
	if len(limits) > 0 {
		fields["limits"] = limits
	}
	return fields
}

// listOf keeps an empty list, which allows nothing, apart from none.
func listOf(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func limitFields(l *resource.VirtualKeyLimit) map[string]any {
	out := map[string]any{"kind": l.Kind, "amount": l.Amount}
	if len(l.Models) > 0 {
		out["models"] = l.Models
	}
	if l.Window == nil {
		return out
	}
	w := map[string]any{}
	for name, text := range map[string]string{"calendar": l.Window.Calendar, "timezone": l.Window.Timezone, "anchor": l.Window.Anchor} {
		if text != "" {
			w[name] = text
		}
	}
	if l.Window.Fixed != nil {
		w["fixed"] = l.Window.Fixed.Duration.String()
	}
	if l.Window.Sliding != nil {
		w["sliding"] = l.Window.Sliding.Duration.String()
	}
	if l.Window.Origin != nil {
		w["origin"] = l.Window.Origin.UTC().Format(time.RFC3339)
	}
	out["window"] = w
	return out
}
