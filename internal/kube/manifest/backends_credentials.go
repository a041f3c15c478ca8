package manifest

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/config"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
)

// authorization is the entry of a Secret in which a provider credential stands.
const authorization = "Authorization"

// bearer is what a credential may be written with; it is taken off.
const bearer = "Bearer "

// trimmed gives a credential as it is sent, however it was written: with white space around
// it, or with the word that a header has in front.
func trimmed(value string) string {
	value = strings.TrimSpace(value)
	if len(value) >= len(bearer) && strings.EqualFold(value[:len(bearer)], bearer) {
		value = strings.TrimSpace(value[len(bearer):])
	}
	if strings.EqualFold(value, strings.TrimSpace(bearer)) {
		return ""
	}
	return value
}

// secretEntry reads a provider credential. What is missing is named, and nothing of what is
// there shown.
func (k *compilation) secretEntry(name types.NamespacedName, entry string) (secret.Text, fault) {
	s := k.index.secrets[name]
	if s == nil {
		return secret.Text{}, faultOf(reasonSecretNotFound, "the Secret %s does not exist; create it with the provider's key in the entry %q", name, entry)
	}
	value, ok := s.Data[entry]
	if !ok {
		return secret.Text{}, faultOf(reasonSecretKey, "the Secret %s has no entry %q; put the provider's key there", name, entry)
	}
	text := string(value)
	if entry == authorization {
		text = trimmed(text)
	} else {
		text = strings.TrimSpace(text)
	}
	switch {
	case text == "":
		return secret.Text{}, faultOf(reasonSecretKey, "the entry %q of the Secret %s is empty; put the provider's key there", entry, name)
	case !provider.ValidValue(text):
		return secret.Text{}, faultOf(reasonSecretKey, "the entry %q of the Secret %s has characters that no header can carry, for instance a line break; put the provider's key there alone", entry, name)
	}
	return secret.New(text), fault{}
}

// keyAuth gives the form of a credential in a configuration.
func keyAuth(at config.Position, text secret.Text, location *config.Location) *config.BackendAuth {
	return &config.BackendAuth{At: at, Key: &config.Credential{
		Value: config.ProviderCredential{Secret: config.Secret{Text: text, At: at}}, Location: location,
	}}
}

// inlineAuth gives a credential that stands in an object.
func inlineAuth(at config.Position, text string, location *config.Location) (*config.BackendAuth, fault) {
	text = trimmed(text)
	switch {
	case text == "":
		return nil, faultOf(reasonInvalid, "%s is empty", at.Path)
	case !provider.ValidValue(text):
		return nil, faultOf(reasonInvalid, "%s has characters that no header can carry, for instance a line break", at.Path)
	}
	return keyAuth(at, secret.New(text), location), fault{}
}

// inHeader gives the place of a credential in a header. Where only the header is said it
// carries the credential alone, but for Authorization, whose values begin with a word.
func inHeader(at config.Position, name string, prefix *string) (*config.Location, fault) {
	if name == "" {
		name = authorization
	}
	text := ""
	switch {
	case prefix != nil:
		text = *prefix
	case strings.EqualFold(name, authorization):
		text = bearer
	}
	if !provider.ValidName(name) || provider.Framing(name) {
		return nil, faultOf(reasonInvalid, "%s: %q is no name of a header that can carry a credential", at.Path, name)
	}
	if !provider.ValidValue(text) {
		return nil, faultOf(reasonInvalid, "%s: the prefix has characters that no header can carry", at.Path)
	}
	return &config.Location{At: at, Header: &config.HeaderLocation{Name: name, Prefix: text}}, fault{}
}
