package config

import (
	"crypto/sha256"
	"strings"
)

// apiKeys checks a list of virtual keys. No message shows a key.
func (d *decoder) apiKeys(k *APIKeys) {
	if k == nil {
		return
	}
	d.location(k.Location)
	first := map[[32]byte]int{}
	for i := range k.Keys {
		key := &k.Keys[i]
		d.apiKey(key)
		digest := key.Hash.Digest
		switch {
		case key.Key.Given() && key.Key.Text.Empty():
			d.add(key.Key.At, "", "is empty")
			continue
		case key.Key.Given():
			digest = sha256.Sum256([]byte(key.Key.Text.Reveal()))
		case d.reported(key.At):
			continue
		}
		if earlier, ok := first[digest]; ok {
			d.add(key.At, "", "is the same key as keys[%d]", earlier)
			continue
		}
		first[digest] = i
	}
}

// location checks the names of a place.
func (d *decoder) location(l *Location) {
	switch {
	case l == nil:
	case l.Header != nil:
		if !isToken(l.Header.Name) {
			d.add(l.At.Child("header").Child("name"), "", "must be the name of a header")
		}
		if !isFieldValue(l.Header.Prefix) {
			d.add(l.At.Child("header").Child("prefix"), "", "has characters that a header cannot have")
		}
	case l.Cookie != nil:
		if !isToken(l.Cookie.Name) {
			d.add(l.At.Child("cookie").Child("name"), "", "must be the name of a cookie")
		}
	case l.Query != nil:
		if l.Query.Name == "" {
			d.add(l.At.Child("queryParameter").Child("name"), "", "must be the name of a parameter")
		}
	}
}

func (d *decoder) rateLimits(all RateLimits) {
	for i := range all {
		l := &all[i]
		if l.MaxTokens < l.TokensPerFill {
			d.add(l.At, "maxTokens must be at least tokensPerFill", "max tokens cannot be less than the refill amount")
		}
		if l.FillInterval <= 0 && !d.reported(l.At) {
			d.add(l.At.Child("fillInterval"), "", "must be longer than 0")
		}
	}
}

// headers checks the names and values of a header modifier.
func (d *decoder) headers(h *HeaderModifier) {
	if h == nil {
		return
	}
	for _, entries := range []Map[string]{h.Add, h.Set} {
		for _, e := range entries {
			if !isToken(e.Name) {
				d.add(e.At, "", "must be the name of a header")
			}
			if !isFieldValue(e.Value) {
				d.add(e.At, "", "has characters that a header cannot have")
			}
		}
	}
	for i, name := range h.Remove {
		if !isToken(name) {
			d.add(h.At.Child("remove").Index(i), "", "must be the name of a header")
		}
	}
}

func (d *decoder) cors(c *CORS) {
	if c == nil {
		return
	}
	for _, l := range []struct {
		name  string
		words []string
	}{{"allowHeaders", c.AllowHeaders}, {"allowMethods", c.AllowMethods}, {"exposeHeaders", c.ExposeHeaders}} {
		for i, word := range l.words {
			if !isToken(word) {
				d.add(c.At.Child(l.name).Index(i), "", "must be a single word")
			}
		}
	}
	for i, origin := range c.AllowOrigins {
		at := c.At.Child("allowOrigins").Index(i)
		switch {
		case origin == "" || !isFieldValue(origin):
			d.add(at, "", "must be an origin such as https://app.example.com")
		case origin != "*" && strings.Count(origin, "*") > 1:
			d.add(at, "", "has more than one wildcard")
		}
	}
}

func (d *decoder) ai(a *AI) {
	if a == nil {
		return
	}
	for _, e := range a.ModelAliases {
		d.pattern(e.Name, e.At)
		if e.Value == "" {
			d.add(e.At, "", "must name a model")
		}
	}
	for _, e := range a.Routes {
		if e.Name == "" {
			d.add(e.At, "", "must be the end of a path, or *")
		}
	}
}

func (d *decoder) backendAuth(b *BackendAuth) {
	if b == nil {
		return
	}
	var l *Location
	switch {
	case b.Key != nil:
		l = b.Key.Location
		if value := b.Key.Value; value.Given() && value.Missing() && !d.reported(value.At) {
			d.report.Warn(value.At, "is empty: requests are sent without a credential")
		}
	case b.Passthrough != nil:
		l = b.Passthrough.Location
	}
	d.location(l)
	if l != nil && !l.Expression.Empty() {
		d.add(l.At.Child("expression"), "", "a credential cannot be put where an expression says")
	}
}

func (d *decoder) backendTLS(t *BackendTLS) {
	if t != nil && t.Cert.Given() != t.Key.Given() {
		d.add(t.At, "", "cert and key are given together or not at all")
	}
}

// isToken tells whether a text can be the name of a header.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// isFieldValue tells whether a text can be the value of a header.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
