package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/config"
	"tollgate/internal/secret"
)

// probe is how a provider is asked for something that costs nothing: the list of
// its models.
type probe struct {
	host, path     string
	header, prefix string
	more           http.Header
	plain          bool // no TLS
}

// probeOf gives the probe of a provider.
func probeOf(provider string) (probe, bool) {
	switch catalog.Provider(provider) {
	case "openai":
		return probe{host: "api.openai.com", path: "/v1/models", header: "Authorization", prefix: "Bearer "}, true
	case "anthropic":
		return probe{host: "api.anthropic.com", path: "/v1/models", header: "X-Api-Key", more: http.Header{"Anthropic-Version": {"2023-06-01"}}}, true
	case "gcp.gemini":
		return probe{host: "generativelanguage.googleapis.com", path: "/v1beta/models", header: "X-Goog-Api-Key"}, true
	case "azure":
		return probe{path: "/openai/v1/models", header: "Api-Key"}, true
	case "custom":
		return probe{path: "/v1/models", header: "Authorization", prefix: "Bearer "}, true
	}
	if p := config.PresetNamed(provider); p != nil {
		host, port, err := net.SplitHostPort(p.Host)
		if err != nil {
			return probe{}, false
		}
		if !p.TLS || port != "443" {
			host = p.Host
		}
		return probe{host: host, path: p.Path + "/models", header: "Authorization", prefix: "Bearer ", plain: !p.TLS}, true
	}
	return probe{}, false
}

// providers are those that there is a test call for, which are all that a stored
// credential can be used with.
func providers() []string {
	names := []string{"openai", "anthropic", "gemini", "azure", "custom"}
	for i := range config.Presets {
		names = append(names, config.Presets[i].Name)
	}
	return names
}

// Host gives the host that a provider is usually reached at.
func (l live) Host(provider string) string {
	p, _ := probeOf(provider)
	return p.host
}

// tryFor bounds a test call.
const tryFor = 15 * time.Second

// Try asks a provider for the list of its models. A host on this machine, where there
// is no one to listen in, is spoken to without TLS.
func (l live) Try(ctx context.Context, provider, host string, value secret.Text) (int, error) {
	p, ok := probeOf(provider)
	host = cmp.Or(host, p.host)
	if !ok || host == "" {
		return 0, fmt.Errorf("there is no test call for the provider %q", provider)
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	scheme := "https"
	if p.plain || loopback(host) {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+host+p.path, nil)
	if err != nil {
		return 0, fmt.Errorf("the host %q cannot be called: %w", host, err)
	}
	req.Header.Set(p.header, p.prefix+value.Reveal())
	for name, values := range p.more {
		req.Header[name] = values
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // a credential goes nowhere else
	res, err := client.Do(req)
	if err != nil {
		return 0, errors.New("the provider cannot be reached: " + errors.Unwrap(err).Error())
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<20) // what it says is of no interest
	return res.StatusCode, nil
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
