package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/dataplane"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
)

// scripted is a gateway that answers as it is told.
type scripted func(ctx context.Context, out gateway.Responder)

func (s scripted) Serve(ctx context.Context, _ *gateway.Request, out gateway.Responder) { s(ctx, out) }

func (s scripted) Refuse(_ *gateway.Request, out gateway.Responder, _ *fault.Error) {
	out.Start(400, 0)
}

func answers(text string) scripted {
	return func(_ context.Context, out gateway.Responder) {
		out.Start(200, int64(len(text)))
		_, _ = io.WriteString(out, text)
	}
}

func listenersFor(t *testing.T, g dataplane.Gateway) *listeners {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	none := func(string, string, string, string) func(net.Conn, http.ConnState) { return nil }
	l := newListeners(&dataplane.Server{Gateway: g, Log: log, MaxBody: func() int64 { return 1 << 20 }}, log, none)
	t.Cleanup(func() { l.drain(0) })
	return l
}

// freeAddress gives an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func isOpen(address string) bool {
	c, err := net.Dial("tcp", address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// get makes a request on a connection of its own.
func get(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (l *listeners) put(t *testing.T, all ...wanted) {
	t.Helper()
	c, err := l.prepare(all)
	if err != nil {
		t.Fatal(err)
	}
	l.commit(c, time.Minute)
}

// An open address changes between HTTP and HTTPS without a moment in which nobody listens.
func TestAnAddressChangesItsProtocol(t *testing.T) {
	l := listenersFor(t, answers("here"))
	address := freeAddress(t)
	l.put(t, wanted{address: address})
	if got := get(t, address); got != "here" {
		t.Fatalf("before, it says %q", got)
	}
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	defer certified.Close()
	l.put(t, wanted{address: address, tls: certified.TLS})
	if !l.open[address].secure || !isOpen(address) {
		t.Error("HTTPS is not open")
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatalf("HTTPS does not answer: %v", err)
	}
	_ = conn.Close()
	l.put(t, wanted{address: address})
	if got := get(t, address); got != "here" {
		t.Errorf("HTTP again says %q", got)
	}
	l.put(t)
	if isOpen(address) {
		t.Error("the socket stays open once nobody wants it")
	}
}

// certificateFor makes a certificate that signs itself.
func certificateFor(t *testing.T, name string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// A renewed certificate is for new connections; those that are open go on with the one before.
func TestACertificateIsRenewed(t *testing.T) {
	l := listenersFor(t, answers("here"))
	address := freeAddress(t)
	open := func() func() string {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 20 * time.Second}
		t.Cleanup(client.CloseIdleConnections)
		return func() string {
			resp, err := client.Get("https://" + address + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.TLS.PeerCertificates[0].Subject.CommonName
		}
	}
	l.put(t, wanted{address: address, tls: certificateFor(t, "first")})
	old := open()
	if got := old(); got != "first" {
		t.Fatal(got)
	}
	l.put(t, wanted{address: address, tls: certificateFor(t, "second")})
	fresh := open()
	if a, b := old(), fresh(); a != "first" || b != "second" {
		t.Errorf("the open connection has the certificate %s, a new one %s", a, b)
	}
}

// A change that cannot be made whole leaves nothing behind.
func TestPrepareIsAllOrNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	l := listenersFor(t, answers("here"))
	kept, fresh := freeAddress(t), freeAddress(t)
	l.put(t, wanted{address: kept})
	c, err := l.prepare([]wanted{{address: fresh}, {address: taken.Addr().String()}, {address: "127.0.0.1:no"}, {address: kept, tls: &tls.Config{}}})
	if err == nil || c != nil {
		t.Fatal("prepared")
	}
	if text := err.Error(); !strings.Contains(text, "failed to start bind listener") || !strings.Contains(text, taken.Addr().String()) || !strings.Contains(text, "/no") {
		t.Errorf("the error tells not everything: %v", err)
	}
	port := taken.Addr().(*net.TCPAddr).Port
	if closed := closedPorts(fmt.Errorf("around: %w", err)); len(closed) != 2 || closed[0].port != port || !strings.Contains(closed[0].Error(), "in use") {
		t.Errorf("the error is about the ports %v, want %d and one without a number", closed, port)
	}
	if isOpen(fresh) {
		t.Error("a half of the change stays open")
	}
	if got := get(t, kept); got != "here" {
		t.Errorf("what was open says %q", got)
	}
	// Prepared and given up: the same.
	if c, err = l.prepare([]wanted{{address: fresh}}); err != nil {
		t.Fatal(err)
	}
	c.abandon()
	if isOpen(fresh) || get(t, kept) != "here" || len(l.open) != 1 {
		t.Error("an abandoned change had an effect")
	}
	l.put(t, wanted{address: fresh})
	if get(t, fresh) != "here" {
		t.Error("the address does not serve")
	}
}

func TestCommitOpensAndCloses(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	l := listenersFor(t, scripted(func(_ context.Context, out gateway.Responder) {
		close(started)
		<-finish
		answers("whole")(nil, out)
	}))
	old, next := freeAddress(t), freeAddress(t)
	l.put(t, wanted{address: old})
	kept := l.open[old]
	l.put(t, wanted{address: old}, wanted{address: next})
	if l.open[old] != kept || !isOpen(next) {
		t.Error("an address that stays was touched, or a new one was not opened")
	}
	got := make(chan string)
	go func() { got <- get(t, old) }()
	<-started
	l.put(t, wanted{address: next})
	for isOpen(old) { // the server is closed on a goroutine of its own
		time.Sleep(time.Millisecond)
	}
	if _, ok := l.open[old]; ok {
		t.Error("the closed address is still known")
	}
	close(finish)
	if text := <-got; text != "whole" {
		t.Errorf("a request on a closed address got %q", text)
	}
}

func TestDrain(t *testing.T) {
	started, finish := make(chan struct{}, 1), make(chan struct{})
	l := listenersFor(t, scripted(func(ctx context.Context, out gateway.Responder) {
		started <- struct{}{}
		select {
		case <-finish:
			answers("whole")(nil, out)
		case <-ctx.Done():
		}
	}))
	address := freeAddress(t)
	l.put(t, wanted{address: address})
	got := make(chan string)
	go func() { got <- get(t, address) }()
	<-started
	drained := make(chan struct{})
	go func() { l.drain(time.Minute); close(drained) }()
	for isOpen(address) {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-drained:
		t.Error("drained while a request was under way")
	default:
	}
	close(finish)
	if text := <-got; text != "whole" {
		t.Errorf("got %q", text)
	}
	<-drained
}

// What does not finish in time is cut.
func TestDrainEnds(t *testing.T) {
	started, cut := make(chan struct{}), make(chan struct{})
	l := listenersFor(t, scripted(func(ctx context.Context, _ gateway.Responder) {
		close(started)
		<-ctx.Done()
		close(cut)
	}))
	address := freeAddress(t)
	l.put(t, wanted{address: address})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-started
	l.drain(20 * time.Millisecond)
	<-cut
	if _, err := io.ReadAll(c); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}

func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	if _, err := listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "another program serves this socket") {
		t.Errorf("opened twice: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := os.Stat(path); err != nil {
		t.Fatal("the socket's file is gone; nothing is tested")
	}
	again, err := listen("unix:" + path)
	if err != nil {
		t.Fatalf("the file of a program that is gone is in the way: %v", err)
	}
	again.Close()
}
