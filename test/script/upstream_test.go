package script

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/test/upstream"
)

// upstream start NAME [CERT]      starts a provider; $NAME becomes its host and port, also for the program
// upstream answer NAME [OPTION…]  scripts answers to come, see scripted
// upstream release NAME           lets what is held go on
// upstream saw NAME COUNT         requires exactly so many requests so far
// upstream request NAME [NUMBER]  prints the last request, or that of the number (from 1)
// upstream canceled NAME          waits until the last request was given up by the gateway
// upstream reset NAME             forgets requests and scripts
// upstream stop NAME              nobody listens any more
func cmdUpstream(ts *testscript.TestScript, w *world, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	verb, name, rest := args[0], args[1], args[2:]
	if verb == "start" {
		return startUpstream(ts, w, name, rest)
	}
	u := w.upstreams[name]
	if u == nil {
		return fmt.Errorf("%w: no upstream %q", errUsage, name)
	}
	switch verb {
	case "answer":
		a, err := scripted(ts, rest)
		if err != nil {
			return err
		}
		u.Answer(a)
	case "release":
		u.Release()
	case "saw":
		if len(rest) != 1 {
			return errUsage
		}
		want, err := strconv.Atoi(rest[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if got := len(u.Requests()); got != want {
			return fmt.Errorf("the provider saw %d requests, want %d", got, want)
		}
	case "request":
		return printRequest(ts, u, rest)
	case "canceled":
		all := u.Requests()
		if len(all) == 0 {
			return fmt.Errorf("%w: no request yet", errUsage)
		}
		select {
		case <-all[len(all)-1].Canceled:
		case <-time.After(patience):
			return fmt.Errorf("the gateway has not given the request up within %v", patience)
		}
	case "reset":
		u.Reset()
	case "stop":
		u.Close()
	default:
		return errUsage
	}
	return nil
}

func startUpstream(ts *testscript.TestScript, w *world, name string, args []string) error {
	var cert *tls.Certificate
	if len(args) == 1 {
		pair, err := tls.X509KeyPair([]byte(ts.ReadFile(args[0]+".pem")), []byte(ts.ReadFile(args[0]+"-key.pem")))
		if err != nil {
			return err
		}
		cert = &pair
	}
	u := upstream.New(cert)
	w.upstreams[name] = u
	ts.Setenv(name, u.Addr())
	w.env[name] = u.Addr()
	return nil
}

func printRequest(ts *testscript.TestScript, u *upstream.Server, args []string) error {
	all := u.Requests()
	number := len(all)
	if len(args) == 1 {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		number = n
	}
	if number < 1 || number > len(all) {
		return fmt.Errorf("the provider saw %d requests", len(all))
	}
	_, err := io.WriteString(ts.Stdout(), all[number-1].String())
	return err
}

// scripted reads the options of an answer: flags and NAME=VALUE. A value that
// begins with @ is the content of a file.
func scripted(ts *testscript.TestScript, args []string) (*upstream.Answer, error) {
	a := &upstream.Answer{Header: http.Header{}}
	numbers := map[string]*int{
		"times": &a.Times, "status": &a.Status,
		"hold-after": &a.HoldAfter, "cut-after": &a.CutAfter, "fail-after": &a.FailAfter, "pad": &a.Pad,
	}
	flags := map[string]*bool{
		"nousage": &a.NoUsage, "hold": &a.Hold, "reset": &a.Reset, "half": &a.Half,
		"gzip": &a.Gzip, "crlf": &a.CRLF, "comments": &a.Comments,
	}
	for _, arg := range args {
		name, value, hasValue := strings.Cut(arg, "=")
		if file, ok := strings.CutPrefix(value, "@"); ok {
			value = ts.ReadFile(file)
		}
		switch {
		case flags[name] != nil && !hasValue:
			*flags[name] = true
		case numbers[name] != nil:
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", errUsage, name, err)
			}
			*numbers[name] = n
		case name == "model":
			a.Model = value
		case name == "body":
			a.Body = []byte(value)
		case name == "raw":
			a.Raw = []byte(strings.ReplaceAll(value, "\n", "\r\n"))
		case name == "header":
			field, text, _ := strings.Cut(value, ":")
			a.Header.Add(field, strings.TrimSpace(text))
		default:
			return nil, fmt.Errorf("%w: option %q", errUsage, arg)
		}
	}
	return a, nil
}

// cert NAME makes a certificate for localhost and 127.0.0.1: NAME.pem, which is its
// own authority, and NAME-key.pem.
func cmdCert(ts *testscript.TestScript, _ *world, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: args[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for file, block := range map[string]*pem.Block{
		args[0] + ".pem":     {Type: "CERTIFICATE", Bytes: der},
		args[0] + "-key.pem": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(ts.MkAbs(file), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
