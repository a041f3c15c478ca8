package kube

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tollgate/test/upstream"
)

// openAI is where the page's Backends send to: they name no host.
const openAI = "api.openai.com"

// provider is OpenAI as the program sees it: a forward proxy leads every connection to a
// recording provider, which has a certificate of OpenAI's name.
type provider struct {
	*upstream.Server
	authority string // file with the certificate that signed it
	proxy     net.Listener
}

func newProvider(dir string) (*provider, error) {
	certificate, err := certify(openAI)
	if err != nil {
		return nil, err
	}
	p := &provider{Server: upstream.New(certificate), authority: filepath.Join(dir, "openai.crt")}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	if err := os.WriteFile(p.authority, text, 0o600); err != nil {
		p.Close()
		return nil, err
	}
	if p.proxy, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		p.Close()
		return nil, err
	}
	go p.serve()
	return p, nil
}

// certify makes a certificate that signs itself.
func certify(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
}

// env is what the program is started with so that it finds this provider.
func (p *provider) env() []string {
	// Providers of the tests are on this machine, where Backends may not send to otherwise.
	return []string{"HTTPS_PROXY=http://" + p.proxy.Addr().String(), "SSL_CERT_FILE=" + p.authority, "TOLLGATE_KUBE_LOCAL=true"}
}

// Close ends the proxy and the provider.
func (p *provider) Close() {
	if p.proxy != nil {
		_ = p.proxy.Close()
	}
	p.Server.Close()
}

func (p *provider) serve() {
	for {
		conn, err := p.proxy.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if err := p.tunnel(conn); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				fmt.Fprintln(os.Stderr, "proxy of the tests:", err)
			}
		}()
	}
}

// tunnel serves one CONNECT.
func (p *provider) tunnel(conn net.Conn) error {
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	if req.Method != http.MethodConnect || req.Host != openAI+":443" {
		_, err := io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		return errors.Join(fmt.Errorf("the program asked for %s %s", req.Method, req.Host), err)
	}
	to, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return err
	}
	defer to.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(to, in) // either end may leave at any time
		_ = to.Close()
	}()
	_, _ = io.Copy(conn, to)
	return nil
}

// bearer gives the credential that a request carried.
func bearer(r *upstream.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
