package resource

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VirtualKey is tollgate.dev/v1alpha1 VirtualKey: a virtual key whose secret is minted into
// a Secret of the same namespace. Its id follows from the object's UID, so that what it
// spent belongs to this object and to none that is made under its name later.
type VirtualKey struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              VirtualKeySpec   `json:"spec"`
	Status            VirtualKeyStatus `json:"status,omitzero"`
}

// VirtualKeySpec is what the key may do. The fields are those of a key of the
// configuration file and of the admin API.
type VirtualKeySpec struct {
	// DisplayName is the name for people; namespace/name if it is empty.
	DisplayName string            `json:"displayName,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	// SecretName is the Secret that the secret is minted into; the name of the object if it is empty.
	SecretName string            `json:"secretName,omitempty"`
	Models     *VirtualKeyModels `json:"models,omitempty"`
	Operations *[]string         `json:"operations,omitempty"`
	Networks   *[]string         `json:"networks,omitempty"`
	Limits     []VirtualKeyLimit `json:"limits,omitempty"`
	ExpiresAt  *metav1.Time      `json:"expiresAt,omitempty"`
	Disabled   bool              `json:"disabled,omitempty"`
	MaxTokens  int64             `json:"maxTokens,omitempty"`
	Clamp      bool              `json:"clamp,omitempty"`
	Discreet   bool              `json:"discreet,omitempty"`
	// Rotation is any text: another one mints another secret. The one before is good for Grace.
	Rotation string           `json:"rotation,omitempty"`
	Grace    *metav1.Duration `json:"grace,omitempty"`
}

// VirtualKeyModels are patterns of the models that the key may use, and may not.
type VirtualKeyModels struct {
	Allow *[]string `json:"allow,omitempty"`
	Deny  []string  `json:"deny,omitempty"`
}

// VirtualKeyLimit is one limit. Amount is US dollars for the kind cost and a whole number
// for the others, as text.
type VirtualKeyLimit struct {
	Kind   string            `json:"kind"`
	Amount string            `json:"amount"`
	Window *VirtualKeyWindow `json:"window,omitempty"`
	Models []string          `json:"models,omitempty"`
}

// VirtualKeyWindow is when a limit counts anew: one of Calendar, Fixed and Sliding.
type VirtualKeyWindow struct {
	Calendar string           `json:"calendar,omitempty"`
	Timezone string           `json:"timezone,omitempty"`
	Anchor   string           `json:"anchor,omitempty"`
	Fixed    *metav1.Duration `json:"fixed,omitempty"`
	Origin   *metav1.Time     `json:"origin,omitempty"`
	Sliding  *metav1.Duration `json:"sliding,omitempty"`
}

// VirtualKeyStatus is what became of the key.
type VirtualKeyStatus struct {
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// KeyID is the public id of the key, SecretName where its secret is.
	KeyID      string `json:"keyID,omitempty"`
	SecretName string `json:"secretName,omitempty"`
	// Rotation is that of the spec that the newest secret was minted for.
	Rotation string `json:"rotation,omitempty"`
	// Spent is what the key has cost in all, in US dollars. Limits are how its limits stand.
	Spent  string                  `json:"spent,omitempty"`
	Limits []VirtualKeyLimitStatus `json:"limits,omitempty"`
	// UsageAt is when Spent and Limits were read.
	UsageAt *metav1.Time `json:"usageAt,omitempty"`
}

// VirtualKeyLimitStatus is how a limit stands; amounts are in its unit.
type VirtualKeyLimitStatus struct {
	Kind      string       `json:"kind"`
	Amount    string       `json:"amount"`
	Spent     string       `json:"spent"`
	Reserved  string       `json:"reserved"`
	Remaining string       `json:"remaining"`
	ResetsAt  *metav1.Time `json:"resetsAt,omitempty"`
}

// The keys of the Secret that a secret is minted into.
const (
	// SecretCurrent is the secret, SecretPrevious the one before it while it is still good.
	SecretCurrent  = "key"
	SecretPrevious = "previousKey"
	// SecretPreviousUntil is when SecretPrevious ends, RFC 3339.
	SecretPreviousUntil = "previousUntil"
	// SecretRotation is the rotation of the spec that SecretCurrent was minted for.
	SecretRotation = "rotation"
)

// DefaultGrace is for how long a rotated secret stays good if the object does not say.
const DefaultGrace = 24 * time.Hour
