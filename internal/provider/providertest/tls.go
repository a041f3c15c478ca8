package providertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/secret"
)

// Authority issues certificates for tests.
type Authority struct {
	PEM  []byte // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := new(Authority)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = template, newKey(t)
	der := a.sign(t, template, &a.key.PublicKey)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// Issue gives a certificate for names, and 127.0.0.1 if there are none, with its
// key, in PEM.
func (a *Authority) Issue(t testing.TB, names ...string) (cert, key []byte) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) == 0 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	private := newKey(t)
	der := a.sign(t, template, &private.PublicKey)
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})
}

// Server gives the configuration of a server with a certificate for names.
func (a *Authority) Server(t testing.TB, names ...string) *tls.Config {
	t.Helper()
	cert, key := a.Issue(t, names...)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func (a *Authority) sign(t testing.TB, template *x509.Certificate, public *ecdsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// serveTLS plays s on every connection.
func serveTLS(t *testing.T, config *tls.Config, s script) *server {
	t.Helper()
	return serveOn(t, tls.NewListener(listen(t), config), func(int) script { return s })
}

// tlsCases are about connections with TLS.
var tlsCases = []testCase{
	{"own authority", func(b *bench) {
		ca := NewAuthority(b.T)
		s := serveTLS(b.T, ca.Server(b.T), answer(ok2))
		e := b.endpointAt("https://"+s.addr, provider.EndpointOptions{RootCAs: ca.PEM})
		for i := range 3 {
			if reused := b.ask(post(e), "ok"); reused != (i > 0) {
				b.Errorf("request %d: reused %t", i, reused)
			}
		}
	}},
	{"bodies of all sizes", func(b *bench) {
		ca := NewAuthority(b.T)
		s := serveTLS(b.T, ca.Server(b.T), echo)
		e := b.endpointAt("https://"+s.addr, provider.EndpointOptions{RootCAs: ca.PEM})
		for _, size := range []int{1, 20_000, 3 << 20} {
			req := post(e)
			req.Body = []byte(strings.Repeat("t", size))
			b.ask(req, string(req.Body))
		}
	}},
	{"foreign authority", func(b *bench) {
		s := serveTLS(b.T, NewAuthority(b.T).Server(b.T), answer(ok2))
		e := b.endpointAt("https://"+s.addr, provider.EndpointOptions{RootCAs: NewAuthority(b.T).PEM})
		b.failsFast(b.attempt(b.ctx, post(e)), provider.Connect)
	}},
	{"foreign name", func(b *bench) {
		ca := NewAuthority(b.T)
		s := serveTLS(b.T, ca.Server(b.T, "api.example.com"), answer(ok2))
		o := provider.EndpointOptions{RootCAs: ca.PEM}
		b.failsFast(b.attempt(b.ctx, post(b.endpointAt("https://"+s.addr, o))), provider.Connect)
		o.ServerName = "api.example.com"
		b.ask(post(b.endpointAt("https://"+s.addr, o)), "ok")
	}},
	{"checks that are switched off", func(b *bench) {
		ca := NewAuthority(b.T)
		s := serveTLS(b.T, ca.Server(b.T, "api.example.com"), answer(ok2))
		at := func(o provider.EndpointOptions) *provider.Request { return post(b.endpointAt("https://"+s.addr, o)) }
		b.ask(at(provider.EndpointOptions{Insecure: true}), "ok")
		b.ask(at(provider.EndpointOptions{InsecureHost: true, RootCAs: ca.PEM}), "ok")
		foreign := provider.EndpointOptions{InsecureHost: true, RootCAs: NewAuthority(b.T).PEM}
		b.failsFast(b.attempt(b.ctx, at(foreign)), provider.Connect)
	}},
	{"client certificate", func(b *bench) {
		ca := NewAuthority(b.T)
		config := ca.Server(b.T)
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(ca.cert)
		s := serveTLS(b.T, config, answer(ok2))
		cert, key := ca.Issue(b.T, "client")
		b.ask(post(b.endpointAt("https://"+s.addr, provider.EndpointOptions{
			RootCAs: ca.PEM, ClientCert: cert, ClientKey: secret.New(string(key)),
		})), "ok")
		if b.attempt(b.ctx, post(b.endpointAt("https://"+s.addr, provider.EndpointOptions{RootCAs: ca.PEM}))) == nil {
			b.Error("the server was content without a certificate")
		}
	}},
	{"not TLS at all", func(b *bench) {
		s := serve(b.T, func(p *peer) { p.write("HTTP/1.1 400 Bad Request\r\n\r\n"); p.gone() })
		e := b.endpointAt("https://"+s.addr, provider.EndpointOptions{})
		b.failsFast(b.attempt(b.ctx, post(e)), provider.Connect)
	}},
	{"the handshake takes too long", func(b *bench) {
		s := serve(b.T, (*peer).gone)
		e := b.endpointAt("https://"+s.addr, provider.EndpointOptions{ConnectTimeout: 30 * time.Millisecond})
		if failed := b.fails(b.attempt(b.ctx, post(e)), provider.Connect); !failed.Timeout {
			b.Errorf("%v does not read as a time-out", failed)
		}
	}},
	{"cancelled in the answer", func(b *bench) {
		ca := NewAuthority(b.T)
		ended := make(chan struct{})
		s := serveTLS(b.T, ca.Server(b.T), func(p *peer) {
			p.read()
			p.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")
			p.gone()
			close(ended)
		})
		e := b.endpointAt("https://"+s.addr, provider.EndpointOptions{RootCAs: ca.PEM})
		ctx, cancel := context.WithCancel(b.ctx)
		defer cancel()
		resp, err := b.Send(ctx, post(e))
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		cancel()
		b.await("the end of the connection", ended)
	}},
}
