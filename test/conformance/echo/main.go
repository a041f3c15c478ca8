// Echo is the server that the conformance suite sends requests to through a gateway: it
// answers with what it received, as the JSON that the suite reads, and says which pod it is.
// It listens on one address only, so that every pod of a machine can have the same ports.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// request is what the suite wants to know of a request.
type request struct {
	Path      string      `json:"path"`
	Host      string      `json:"host"`
	Method    string      `json:"method"`
	Proto     string      `json:"proto"`
	Headers   http.Header `json:"headers"`
	HTTPPort  string      `json:"httpPort"`
	Namespace string      `json:"namespace"`
	Ingress   string      `json:"ingress"`
	Service   string      `json:"service"`
	Pod       string      `json:"pod"`
	TLS       *connection `json:"tls,omitempty"`
}

// connection is what the suite wants to know of its TLS.
type connection struct {
	Version            string   `json:"version"`
	PeerCertificates   []string `json:"peerCertificates,omitempty"`
	ServerName         string   `json:"serverName"`
	NegotiatedProtocol string   `json:"negotiatedProtocol,omitempty"`
	CipherSuite        string   `json:"cipherSuite"`
}

func main() {
	log.SetFlags(0)
	log.Fatal("echo: ", serve())
}

// serve listens on every port that the environment asks for, until one fails.
func serve() error {
	ip := os.Getenv("ECHO_ADDRESS")
	ended := make(chan error)
	start := func(port string, protocols func(*http.Protocols), certificate, key string) {
		s := &http.Server{Addr: net.JoinHostPort(ip, port), Handler: handler(port), ReadHeaderTimeout: 10 * time.Second, Protocols: &http.Protocols{}}
		protocols(s.Protocols)
		log.Print("listening on ", s.Addr)
		go func() {
			if certificate == "" {
				ended <- s.ListenAndServe()
				return
			}
			s.TLSConfig = &tls.Config{ClientAuth: tls.RequestClientCert}
			ended <- s.ListenAndServeTLS(certificate, key)
		}()
	}
	start(env("HTTP_PORT", "3000"), func(p *http.Protocols) { p.SetHTTP1(true) }, "", "")
	start(env("H2C_PORT", "3001"), func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }, "", "")
	if certificate, key := os.Getenv("TLS_SERVER_CERT"), os.Getenv("TLS_SERVER_PRIVKEY"); certificate != "" && key != "" {
		start(env("HTTPS_PORT", "8443"), func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }, certificate, key)
	}
	return <-ended
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func handler(port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/health":
			_, _ = w.Write([]byte("OK"))
		case strings.HasPrefix(r.URL.Path, "/status/"):
			status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
			if err != nil || status < 200 || status > 599 {
				status = http.StatusBadRequest
			}
			w.WriteHeader(status)
		default:
			if err := echo(w, r, port); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}
	})
}

// echo answers with the request, after the time that the parameter delay names and with
// the headers that X-Echo-Set-Header does.
func echo(w http.ResponseWriter, r *http.Request, port string) error {
	if text := r.FormValue("delay"); text != "" {
		delay, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("parameter delay: %w", err)
		}
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return errors.New("nobody waits any longer")
		}
	}
	body, err := json.MarshalIndent(request{
		Path: r.RequestURI, Host: r.Host, Method: r.Method, Proto: r.Proto, Headers: r.Header, HTTPPort: port,
		Namespace: os.Getenv("NAMESPACE"), Ingress: os.Getenv("INGRESS_NAME"), Service: os.Getenv("SERVICE_NAME"), Pod: os.Getenv("POD_NAME"),
		TLS: connectionOf(r.TLS),
	}, "", " ")
	if err != nil {
		return err
	}
	for _, pair := range strings.Split(strings.Join(r.Header["X-Echo-Set-Header"], ","), ",") {
		if name, value, ok := strings.Cut(pair, ":"); ok {
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if earlier := w.Header()[name]; len(earlier) > 0 {
				value = earlier[0] + "," + value
			}
			w.Header()[name] = []string{value} // not Set: the suite looks at how the name is spelled
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(body)
	return err
}

func connectionOf(state *tls.ConnectionState) *connection {
	if state == nil {
		return nil
	}
	c := &connection{
		Version: versions[state.Version], ServerName: state.ServerName,
		NegotiatedProtocol: state.NegotiatedProtocol, CipherSuite: tls.CipherSuiteName(state.CipherSuite),
	}
	for _, certificate := range state.PeerCertificates {
		c.PeerCertificates = append(c.PeerCertificates, text(certificate))
	}
	return c
}

var versions = map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}

func text(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
