package provider

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/secret"
)

// What an Endpoint's zero values stand for.
const (
	DefaultConnectTimeout = 10 * time.Second
	DefaultIdleTimeout    = 90 * time.Second
	DefaultMaxIdle        = 1024
)

// tlsSessions bounds the sessions kept for resumption per endpoint.
const tlsSessions = 64

// EndpointOptions are the settings of an Endpoint beside its URL. The zero
// value is right for a public provider.
type EndpointOptions struct {
	RootCAs    []byte      // PEM certificates to trust instead of the system's
	ClientCert []byte      // PEM certificate chain to present
	ClientKey  secret.Text // PEM private key of ClientCert
	ServerName string      // name asked for and verified ("": the URL's host)
	// Insecure accepts any certificate; InsecureHost accepts any name in a
	// certificate that a trusted authority issued.
	Insecure     bool
	InsecureHost bool

	ConnectTimeout time.Duration // as in Endpoint
	IdleTimeout    time.Duration // as in Endpoint
	MaxIdle        int           // as in Endpoint
	HTTP2          bool          // as in Endpoint
	// Proxy is the URL of a forward proxy (http or https), "" for none. It may
	// carry a user and password.
	Proxy string
	// Remote is as in Endpoint.
	Remote bool
}

// NewEndpoint builds the Endpoint that baseURL points to: its scheme (http or
// https), host and port. A path is the caller's business; a user in the URL is
// refused, credentials have their own place. No error shows a credential.
func NewEndpoint(baseURL string, o EndpointOptions) (*Endpoint, error) {
	u, err := parseURL(baseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if u.User != nil {
		return nil, errors.New("base URL: has a user in it, which is never sent")
	}
	if o.Proxy != "" {
		if _, err := parseURL(o.Proxy); err != nil {
			return nil, fmt.Errorf("proxy URL: %w", err)
		}
	}
	e := &Endpoint{
		Host:           hostPort(u),
		ConnectTimeout: o.ConnectTimeout,
		IdleTimeout:    o.IdleTimeout,
		MaxIdle:        o.MaxIdle,
		HTTP2:          o.HTTP2,
		Proxy:          o.Proxy,
		Remote:         o.Remote,
	}
	if u.Scheme == "https" {
		if e.TLS, err = o.tlsConfig(u.Hostname()); err != nil {
			return nil, err
		}
	} else if o.hasTLS() {
		return nil, errors.New("TLS settings need an https URL")
	}
	e.Key = u.Scheme + "://" + e.Host + "#" + o.digest()
	return e, nil
}

// parseURL is url.Parse for the URL of a server. The parser's own errors quote
// the URL and are not passed on.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("malformed")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("does not begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("has no host")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, errors.New("has no valid port")
		}
	}
	return u, nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func (o *EndpointOptions) hasTLS() bool {
	return len(o.RootCAs) > 0 || len(o.ClientCert) > 0 || !o.ClientKey.Empty() ||
		o.ServerName != "" || o.Insecure || o.InsecureHost
}

func (o *EndpointOptions) tlsConfig(host string) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         host,
		InsecureSkipVerify: o.Insecure, // asked for by the operator
		ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
	}
	if o.ServerName != "" {
		c.ServerName = o.ServerName
	}
	if len(o.RootCAs) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(o.RootCAs) {
			return nil, errors.New("root CAs: no certificate found")
		}
	}
	if len(o.ClientCert) > 0 || !o.ClientKey.Empty() {
		cert, err := tls.X509KeyPair(o.ClientCert, []byte(o.ClientKey.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	if o.InsecureHost && !o.Insecure {
		c.InsecureSkipVerify = true // the chain is verified below, the name is not
		c.VerifyConnection = verifyChain(c.RootCAs)
	}
	return c, nil
}

// verifyChain is the check of crypto/tls without that of the name.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		rest := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			rest.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: rest})
		return err
	}
}

// digest identifies the options: whatever makes a connection or its pool
// another one goes in.
func (o *EndpointOptions) digest() string {
	h := sha256.New()
	for _, s := range [...]string{
		string(o.RootCAs), string(o.ClientCert), o.ClientKey.Reveal(), o.ServerName, o.Proxy,
	} {
		addPart(h, s)
	}
	fmt.Fprintf(h, "%t %t %t %t %d %d %d", o.Insecure, o.InsecureHost, o.HTTP2, o.Remote,
		o.ConnectTimeout, o.IdleTimeout, o.MaxIdle)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// addPart writes s with its length before it, so that no two lists of parts
// run together to the same bytes.
func addPart(h hash.Hash, s string) {
	fmt.Fprintf(h, "%d:%s,", len(s), s)
}
