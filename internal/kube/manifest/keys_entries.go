package manifest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/config"
	"tollgate/internal/declaration"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

// entryText is an entry of a Secret or a ConfigMap in its long form. The short form is the
// key alone, which only a Secret may hold.
//
// Beside what agentgateway knows, three fields of the metadata have a meaning here, in the
// form that the configuration file has for keys: limits, models (a list of patterns, or
// {"allow": […], "deny": […]}) and expiresAt. The others are fields of apiKey in CEL, and
// the texts among them are the labels of the key.
type entryText struct {
	Key      *secret.Text
	Hash     *string
	Metadata map[string]any
}

// entryKey reads an entry as a virtual key. hashedOnly refuses keys that can be read. The
// error names fields and shows nothing of what stands in them.
func entryKey(value []byte, hashedOnly bool, at config.Position) (*config.APIKey, error) {
	value = bytes.TrimSpace(value)
	entry, err := readEntry(value)
	if err != nil {
		return nil, err
	}
	if hashedOnly && entry.Key != nil {
		return nil, errors.New(`a key that everybody can read is not taken from a ConfigMap; write {"keyHash": "sha256:…"} with its SHA-256, or use a Secret`)
	}
	var digest vkey.Digest
	last4 := ""
	switch {
	case entry.Key != nil && entry.Hash != nil:
		return nil, errors.New("has both key and keyHash; write one of them")
	case entry.Key != nil:
		text := entry.Key.Reveal()
		if text == "" || strings.ContainsAny(text, " \t") || !provider.ValidValue(text) {
			return nil, errors.New("the key is empty, or has spaces or line breaks in it, so that nobody could send it")
		}
		digest, last4 = vkey.Hash(text), vkey.Fingerprint(text)
	case entry.Hash != nil:
		if digest, err = vkey.ParseHash(*entry.Hash); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("has neither key nor keyHash; write one of them")
	}
	return entry.declared(digest, last4, at)
}

// readEntry tells the long form from the short one.
func readEntry(value []byte) (*entryText, error) {
	if len(value) == 0 || value[0] != '{' {
		key := secret.New(string(value))
		return &entryText{Key: &key}, nil
	}
	if !jsontext.Value(value).IsValid() {
		return nil, errors.New("is no valid JSON object: perhaps a quote or a comma is missing, or a name stands there twice")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return nil, errors.New("is no valid JSON object")
	}
	out := &entryText{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var text string
		err := error(nil)
		switch name {
		case "key":
			err = json.Unmarshal(fields[name], &text)
			key := secret.New(strings.TrimSpace(text))
			out.Key = &key
		case "keyHash":
			err = json.Unmarshal(fields[name], &text)
			out.Hash = &text
		case "metadata":
			d := json.NewDecoder(bytes.NewReader(fields[name]))
			d.UseNumber() // as they are written
			err = d.Decode(&out.Metadata)
		default:
			return nil, errors.New("has a field that is not known; there are key, keyHash and metadata")
		}
		if err != nil {
			return nil, fmt.Errorf("%s has the wrong type", name)
		}
	}
	return out, nil
}

// declared gives the key as a configuration declares it, checked by the same rules.
func (e *entryText) declared(digest vkey.Digest, last4 string, at config.Position) (*config.APIKey, error) {
	fields := map[string]any{"keyHash": "sha256:" + hex.EncodeToString(digest[:])}
	metadata := maps.Clone(e.Metadata)
	for _, name := range []string{"limits", "models", "expiresAt"} {
		value, ok := metadata[name]
		if !ok {
			continue
		}
		delete(metadata, name)
		if name == "limits" && namesIDs(value) {
			return nil, errors.New("limits have no id here: what was counted for one stays with the entry; leave it out")
		}
		if _, list := value.([]any); list && name == "models" {
			name = "allowedModels"
		}
		fields[name] = value
	}
	if metadata != nil {
		fields["metadata"] = metadata
	}
	return checkedKey(fields, last4, at)
}

// namesIDs tells whether one of some limits has an id. By one that is another key's, its
// counters could be filled.
func namesIDs(limits any) bool {
	list, _ := limits.([]any)
	for _, l := range list {
		if fields, ok := l.(map[string]any); ok && fields["id"] != nil {
			return true
		}
	}
	return false
}

// checkedKey reads a key by the rules of configuration files, so that nothing is in force
// that these refuse. The error tells everything that is wrong.
func checkedKey(fields map[string]any, last4 string, at config.Position) (*config.APIKey, error) {
	text := &bytes.Buffer{}
	e := json.NewEncoder(text)
	e.SetEscapeHTML(false) // another reader than JSON's has it next
	if err := e.Encode(fields); err != nil {
		return nil, errors.New("cannot be written as JSON")
	}
	key, problems := config.ReadKey(text.Bytes(), at)
	var all []string
	for _, p := range problems {
		p.File = ""
		p.Path = strings.TrimPrefix(strings.TrimPrefix(p.Path, at.Path), ".")
		all = append(all, p.String())
	}
	if len(all) == 0 {
		report := &config.Report{}
		compiled, _ := declaration.Key(key, report)
		for _, p := range report.Problems {
			p.File = ""
			p.Path = strings.TrimPrefix(strings.TrimPrefix(p.Path, at.Path), ".")
			all = append(all, p.String())
		}
		if err := compiled.Validate(); err != nil && len(all) == 0 {
			all = append(all, err.Error())
		}
	}
	if len(all) > 0 {
		return nil, errors.New(strings.Join(all, "; "))
	}
	key.Last4 = last4
	return key, nil
}
