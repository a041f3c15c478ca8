package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Labels of the key, added by Settings.KeyLabels.
const (
	labelKeyID   = "key_id"
	labelKeyName = "key_name"
)

// Validate tells everything that is wrong with the settings at once.
func (s *Settings) Validate() error {
	var wrong []error
	labels := s.extraLabels()
	for i, name := range labels {
		switch {
		case !isLabelName(name):
			wrong = append(wrong, fmt.Errorf("metric label %q: only letters, digits and _ may occur in the name of a label, and no digit first", name))
		case isOwnLabel(name):
			wrong = append(wrong, fmt.Errorf("metric label %q: the metrics already have a label of this name", name))
		case slices.Contains(labels[:i], name):
			wrong = append(wrong, fmt.Errorf("metric label %q is added twice", name))
		}
	}
	for _, name := range s.KeyLabels {
		if name != labelKeyID && name != labelKeyName {
			wrong = append(wrong, fmt.Errorf("key label %q: only %s and %s name a key", name, labelKeyID, labelKeyName))
		}
	}
	for i, name := range s.Fields.Log {
		switch {
		case name == "":
			wrong = append(wrong, errors.New("access log: a field needs a name"))
		case slices.Contains(s.Fields.Log[:i], name):
			wrong = append(wrong, fmt.Errorf("access log: the field %q is added twice", name))
		}
	}
	if err := s.Tracing.validate(); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// extraLabels are the labels beyond the fixed ones.
func (s *Settings) extraLabels() []string {
	labels := slices.Clone(s.Fields.Metric)
	return append(labels, s.KeyLabels...)
}

func isLabelName(name string) bool {
	if name == "" || strings.HasPrefix(name, "__") {
		return false
	}
	for i, c := range []byte(name) {
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isOwnLabel tells the labels that a metric with extra labels has anyway.
func isOwnLabel(name string) bool {
	return name == "le" || name == "code" || name == labelTokenType ||
		slices.Contains(placeLabels, name) || slices.Contains(requestLabels, name) || slices.Contains(modelLabels, name)
}

// bareName reduces the name of a metric to what is common to its spellings.
func bareName(name string) string {
	name = strings.TrimPrefix(name, "agentgateway_")
	name = strings.TrimSuffix(name, "_total")
	for _, unit := range [...]string{"_seconds", "_bytes", "_info"} {
		if bare, ok := strings.CutSuffix(name, unit); ok {
			return bare
		}
	}
	return name
}

func (t *Tracing) validate() error {
	for _, share := range [...]float64{t.RandomSampling, t.ClientSampling} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("tracing: a sampling share must lie between 0 and 1, not %v", share)
		}
	}
	if t.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(t.url())
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("tracing: the endpoint must be host:port or an http or https URL")
	}
	return nil
}
