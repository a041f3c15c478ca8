package config

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tollgate/internal/secret"
)

func (e *Expr) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	text, _, _, ok := d.scalar(n, at) // true, 0.5 and the like are expressions too
	if !ok {
		return
	}
	if strings.TrimSpace(text) == "" {
		d.add(at, "", "the expression is empty")
		return
	}
	*e = Expr{Text: text, At: at}
}

// fileRef is the form {file: path}.
type fileRef struct {
	File string `json:"file" doc:"Path of the file, relative to the working directory." required:"true"`
}

func (s *Secret) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	s.At = at
	switch n.Kind {
	case yaml.ScalarNode:
		text, kind, _, ok := d.scalar(n, at)
		if ok && kind != "!!str" {
			d.add(at, "put it in quotes", "must be text, or {file: path}")
			return
		}
		s.Text = secret.New(strings.TrimSpace(text))
	case yaml.MappingNode:
		var ref fileRef
		d.object(n, reflect.ValueOf(&ref).Elem(), at)
		if ref.File == "" {
			return
		}
		s.File = ref.File
		if text, ok := d.read(ref.File, at.Child("file")); ok {
			s.Text = secret.New(string(bytes.TrimSpace(text)))
		}
	default:
		d.add(at, "", "must be text, or {file: path}")
	}
}

// storedRef is the form {credential: NAME}.
type storedRef struct {
	Credential string `json:"credential" doc:"Name of a provider credential that is stored in tollgate." required:"true"`
}

func (s *ProviderCredential) decodeNode(d *decoder, n *yaml.Node, at Position, f *field) {
	if !hasField(n, "credential") {
		s.Secret.decodeNode(d, n, at, f)
		return
	}
	s.At = at
	var ref storedRef
	d.object(n, reflect.ValueOf(&ref).Elem(), at)
	s.Stored = ref.Credential
}

func (a *Amount) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	text, kind, _, ok := d.scalar(n, at)
	if !ok {
		return
	}
	if kind != "!!str" && kind != "!!int" && kind != "!!float" {
		d.add(at, "", "must be a number")
		return
	}
	*a = Amount{Text: strings.TrimSpace(text), At: at}
}

func (i *Instant) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		d.add(at, "", "must be a time with its zone, such as 2026-12-31T23:59:59Z or 2026-12-31T23:59:59+01:00")
		return
	}
	*i = Instant{Time: t.UTC(), At: at}
}

func (f *File) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	name, ok := d.text(n, at)
	if !ok {
		return
	}
	f.Name, f.At = name, at
	if text, ok := d.read(name, at); ok {
		f.Content = secret.New(string(text))
	}
}

func (h *KeyHash) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	h.At = at
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	digits, ok := strings.CutPrefix(strings.TrimSpace(text), "sha256:")
	digest, err := hex.DecodeString(digits)
	if !ok || err != nil || len(digest) != len(h.Digest) {
		d.add(at, "", `must be "sha256:" and 64 hexadecimal digits`)
		return
	}
	h.Digest = [32]byte(digest)
}

// MarshalText implements encoding.TextMarshaler.
func (h KeyHash) MarshalText() ([]byte, error) {
	return []byte("sha256:" + hex.EncodeToString(h.Digest[:])), nil
}

func (a *Address) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	value, err := parseAddress(text)
	if err != "" {
		d.add(at, "", "%s", err)
		return
	}
	*a = Address{Value: value, At: at}
}

// parseAddress gives host:port or unix:/path, "" for off; err tells what is
// wrong, "" if nothing is.
func parseAddress(text string) (value, err string) {
	const (
		form     = "must be ip:port, localhost:port, unix:/path or off"
		relative = "the path of a Unix socket must be absolute: unix:/path"
	)
	if text == "off" {
		return "", ""
	}
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return "", relative
		}
		return text, ""
	}
	host, port, splitErr := net.SplitHostPort(text)
	number, numberErr := strconv.ParseUint(port, 10, 16)
	if splitErr != nil || numberErr != nil || host != "" && host != "localhost" && net.ParseIP(host) == nil {
		return "", form
	}
	return net.JoinHostPort(host, strconv.FormatUint(number, 10)), ""
}

func (h *HostPort) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	host, port, ok := splitHostPort(text)
	if !ok {
		hint := ""
		if strings.Contains(text, "://") {
			hint = "leave out what stands before the host"
		}
		d.add(at, hint, "must be host:port")
		return
	}
	*h = HostPort{Host: host, Port: port, At: at}
}

// MarshalText implements encoding.TextMarshaler.
func (h HostPort) MarshalText() ([]byte, error) {
	if h.Port == 0 {
		return []byte(h.Host), nil
	}
	return []byte(net.JoinHostPort(h.Host, strconv.Itoa(h.Port))), nil
}

// splitHostPort reads host:port or a host alone.
func splitHostPort(text string) (host string, port int, ok bool) {
	if net.ParseIP(strings.Trim(text, "[]")) != nil {
		return strings.Trim(text, "[]"), 0, true
	}
	host, number, found := strings.Cut(text, ":")
	if strings.HasPrefix(text, "[") {
		var err error
		if host, number, err = net.SplitHostPort(text); err != nil || net.ParseIP(host) == nil {
			return "", 0, false
		}
		found = true
	}
	if host == "" || strings.ContainsAny(host, "/?#@ \t\r\n") || strings.Contains(number, ":") {
		return "", 0, false
	}
	if !found {
		return host, 0, true
	}
	p, err := strconv.ParseUint(number, 10, 16)
	return host, int(p), err == nil && p > 0
}

func (b *BaseURL) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	b.At = at
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		d.add(at, "", "must be an http or https URL such as https://api.example.com/v1")
		return
	case u.User != nil:
		d.add(at, "put the credential in apiKey", "must not have a user or password in it")
		return
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		d.add(at, "", "must not have a query or fragment")
		return
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if u.Port() != "" && (err != nil || port == 0) {
		d.add(at, "", "must have a port between 1 and 65535, or none")
		return
	}
	b.TLS = u.Scheme == "https"
	number := u.Port()
	if number == "" {
		number = map[bool]string{true: "443", false: "80"}[b.TLS]
	}
	b.Host, b.Path, b.Text = net.JoinHostPort(u.Hostname(), number), strings.TrimRight(u.EscapedPath(), "/"), text
}

// MarshalText implements encoding.TextMarshaler.
func (b BaseURL) MarshalText() ([]byte, error) { return []byte(b.Text), nil }

func (l *LogLevel) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		text, ok := d.text(item, d.at(item, at.Path))
		if !ok {
			return
		}
		for word := range strings.SplitSeq(text, ",") {
			switch word = strings.ToLower(strings.TrimSpace(word)); {
			case word == "trace":
				*l = "debug"
			case word == "debug" || word == "info" || word == "warn" || word == "error":
				*l = LogLevel(word)
			case strings.Contains(word, "="):
				d.leaveAside(d.at(item, at.Path), "directives for single modules have no effect")
			default:
				d.notOneOf(item, d.at(item, at.Path), []string{"trace", "debug", "info", "warn", "error"})
			}
		}
	}
}

func (m *Map[T]) decodeNode(d *decoder, n *yaml.Node, at Position, f *field) {
	if n.Kind != yaml.MappingNode {
		d.add(at, "", "must be an object")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := keyText(key)
		if !ok || seen[name] {
			continue // reported by check
		}
		seen[name] = true
		e := Entry[T]{Name: name, At: d.at(key, join(at.Path, quoteName(name)))}
		_, isJSON := any(&e.Value).(*JSON)
		if isNull(value) && !isJSON {
			d.add(e.At, "", "must not be empty")
			continue
		}
		d.value(value, reflect.ValueOf(&e.Value).Elem(), e.At.Path, f)
		*m = append(*m, e)
	}
}

func (m *Metadata) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	if n.Kind != yaml.MappingNode {
		d.add(at, "", "must be an object")
		return
	}
	*m, _ = d.free(n, at).(map[string]any)
}

func (j *JSON) decodeNode(d *decoder, n *yaml.Node, at Position, _ *field) {
	text, err := json.Marshal(d.free(n, at))
	if err != nil {
		d.add(at, "", "cannot be written as JSON")
		return
	}
	*j = text
}

// free gives the value of a node that may be anything: map[string]any, []any,
// string, bool, int64, float64, json.Number for what fits neither, or nil.
func (d *decoder) free(n *yaml.Node, at Position) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, ok := keyText(n.Content[i])
			if _, twice := out[name]; ok && !twice {
				out[name] = d.freeBelow(n.Content[i+1], join(at.Path, quoteName(name)))
			}
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = d.freeBelow(item, at.Path+"["+strconv.Itoa(i)+"]")
		}
		return out
	}
	if isNull(n) {
		return nil
	}
	text, kind, _, ok := d.scalar(n, at)
	if !ok {
		return nil
	}
	return d.freeScalar(n, text, kind, at)
}

func (d *decoder) freeBelow(n *yaml.Node, path string) any {
	n, ok := d.enter(n, path)
	if !ok {
		return nil
	}
	defer d.leave(n)
	return d.free(n, d.at(n, path))
}

func (d *decoder) freeScalar(n *yaml.Node, text, kind string, at Position) any {
	var b bool
	var i int64
	var f float64
	switch kind {
	case "!!bool":
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int":
		if n.Decode(&i) == nil {
			return i
		}
		if json.Valid([]byte(text)) {
			return json.Number(text) // too large for an int64
		}
	case "!!float":
		if n.Decode(&f) == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f
		}
	default:
		return text
	}
	d.add(at, "", "is a value that JSON does not have")
	return nil
}
