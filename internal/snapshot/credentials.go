package snapshot

import (
	"slices"
	"strings"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
)

// credential gives the secret of a target and the header line that carries it.
// A target without one passes on what the caller presents for the provider.
func (k *compiler) credential(out *gateway.Target, w *wanted) (secret.Text, provider.Field) {
	from, location := &w.params.APIKey, (*config.Location)(nil)
	if auth := w.policies.BackendAuth; auth != nil {
		if auth.None {
			return secret.Text{}, provider.Field{}
		}
		if auth.Passthrough != nil {
			out.Passthrough = k.passthrough(auth.Passthrough.Location, w)
			return secret.Text{}, provider.Field{}
		}
		if auth.Key != nil {
			from, location = &auth.Key.Value, auth.Key.Location
		}
	}
	if from.Missing() {
		out.Passthrough = &gateway.Passthrough{}
		return secret.Text{}, provider.Field{}
	}
	value := k.value(from, out)
	switch {
	case value.Empty(): // a stored one that could not be opened
		return secret.Text{}, provider.Field{}
	case location != nil && location.Header != nil:
		return value, provider.Field{Name: location.Header.Name, Value: location.Header.Prefix + value.Reveal()}
	case location != nil:
		k.report.Add(w.policies.BackendAuth.At, "a provider credential in a query parameter, a cookie or an expression is not supported yet; use a header")
		return value, provider.Field{}
	case w.provider.Kind == config.KindAnthropic && !strings.HasPrefix(value.Reveal(), "sk-ant-oat"):
		return value, provider.Field{Name: "x-api-key", Value: value.Reveal()}
	default:
		return value, provider.Field{Name: "Authorization", Value: "Bearer " + value.Reveal()}
	}
}

// opening is a stored credential that is asked for, and what for.
type opening struct {
	name, provider, host string
	tls                  bool
}

type opened struct {
	value secret.Text
	err   error
}

// value gives the value of a credential. A stored one is opened for the place that it
// is sent to and no other, port included: one for https never goes to port 80.
func (k *compiler) value(from *config.ProviderCredential, out *gateway.Target) secret.Text {
	if from.Stored == "" {
		return from.Text
	}
	first := !slices.ContainsFunc(k.out.Credentials, func(u Use) bool { return u.At == from.At })
	if first {
		k.out.Credentials = append(k.out.Credentials, Use{from.Stored, from.At})
	}
	if k.parts.Credential == nil || out.Endpoint == nil {
		return secret.Text{}
	}
	what := opening{from.Stored, out.Provider, out.Endpoint.Host, out.Endpoint.TLS != nil}
	got, known := k.opened[what]
	if !known {
		got.value, got.err = k.parts.Credential(what.name, what.provider, what.host, what.tls)
		k.opened[what] = got
	}
	if got.err != nil && (first || !known) {
		k.report.Add(from.At, "%v", got.err)
	}
	return got.value
}
