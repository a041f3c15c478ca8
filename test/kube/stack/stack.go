package stack

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/test/program"
)

const (
	// readyWithin bounds the wait for a program; it takes a few seconds.
	readyWithin = 90 * time.Second
	// poll is the pause between two looks at something that has no notification.
	poll = 50 * time.Millisecond
)

// controllers are those that tests need. Deployments become pods and Services become
// EndpointSlices by the real ones; pods become processes by package node.
const controllers = "namespace-controller,garbage-collector-controller,serviceaccount-controller," +
	"root-ca-certificate-publisher-controller,deployment-controller,replicaset-controller,endpointslice-controller"

// Stack is a running API.
type Stack struct {
	// Kubeconfig is the file by which the administrator reaches it.
	Kubeconfig string
	// CA is the file with the certificate of the API server.
	CA string

	tools                 Tools
	dir                   string
	etcdURL, peerURL      string
	port                  int
	token                 string
	etcd, server, manager *child
	client                *http.Client
	starts                []period // of the API server, in order
}

// period is from the first to the last moment of something.
type period struct{ from, to time.Time }

// Start starts everything and waits until it is ready. What it writes goes into dir.
func Start(ctx context.Context, tools Tools, dir string) (_ *Stack, err error) {
	s := &Stack{tools: tools, dir: dir, Kubeconfig: filepath.Join(dir, "admin.kubeconfig"), CA: filepath.Join(dir, "pki", "apiserver.crt"), token: rand.Text()}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	var ports [3]int
	for i := range ports {
		if ports[i], err = program.FreePort(); err != nil {
			return nil, err
		}
	}
	s.etcdURL, s.peerURL, s.port = local("http", ports[0]), local("http", ports[1]), ports[2]
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if err := s.startEtcd(ctx); err != nil {
		return nil, err
	}
	if err := s.StartServer(ctx); err != nil {
		return nil, err
	}
	s.manager, err = launch(dir, tools.path(controllerManager),
		"--kubeconfig="+s.Kubeconfig, "--controllers="+controllers, "--leader-elect=false", "--secure-port=0",
		"--root-ca-file="+s.CA, "--kube-api-qps=500", "--kube-api-burst=500")
	return s, err
}

func local(scheme string, port int) string { return scheme + "://127.0.0.1:" + strconv.Itoa(port) }

// URL is the address of the API server.
func (s *Stack) URL() string { return local("https", s.port) }

// Port is the port of the API server, on 127.0.0.1.
func (s *Stack) Port() int { return s.port }

// prepare writes the files that the programs are started with.
func (s *Stack) prepare() error {
	if err := os.MkdirAll(filepath.Join(s.dir, "pki"), 0o700); err != nil {
		return fmt.Errorf("making a place for the stack: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	files := map[string][]byte{
		"pki/sa.key": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"tokens.csv": []byte(s.token + `,admin,admin-uid,"system:masters"` + "\n"),
		"audit.yaml": []byte(auditPolicy),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("preparing the stack: %w", err)
		}
	}
	return nil
}

func (s *Stack) startEtcd(ctx context.Context) (err error) {
	s.etcd, err = launch(s.dir, s.tools.path(etcd), "--data-dir=etcd", "--name=test", "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+s.etcdURL, "--advertise-client-urls="+s.etcdURL,
		"--listen-peer-urls="+s.peerURL, "--initial-advertise-peer-urls="+s.peerURL, "--initial-cluster=test="+s.peerURL)
	if err != nil {
		return err
	}
	return s.waitFor(ctx, s.etcd, s.etcdURL+"/health", http.DefaultClient)
}

// StartServer starts the API server, at first or after StopServer, and waits until it
// is ready.
func (s *Stack) StartServer(ctx context.Context) (err error) {
	from := time.Now()
	s.server, err = launch(s.dir, s.tools.path(apiServer),
		"--etcd-servers="+s.etcdURL, "--bind-address=127.0.0.1", "--secure-port="+strconv.Itoa(s.port), "--cert-dir=pki",
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=pki/sa.key", "--service-account-signing-key-file=pki/sa.key",
		"--token-auth-file=tokens.csv", "--authorization-mode=RBAC",
		"--disable-admission-plugins=DefaultStorageClass,StorageObjectInUseProtection,TaintNodesByCondition,Priority",
		"--audit-log-path="+s.auditLog(), "--audit-policy-file=audit.yaml", "--shutdown-delay-duration=0s",
	)
	if err != nil {
		return err
	}
	if err := s.waitForFile(ctx, s.CA); err != nil {
		return err
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(s.CA)
	if err != nil {
		return fmt.Errorf("reading the API server's certificate: %w", err)
	}
	pool.AppendCertsFromPEM(text)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	if err := s.waitFor(ctx, s.server, s.URL()+"/readyz", s.client); err != nil {
		return err
	}
	s.starts = append(s.starts, period{from, time.Now()})
	return s.WriteKubeconfig(s.Kubeconfig, s.token)
}

// Starting tells whether the API server was not ready yet at a time: it does not know yet
// who may do what, and forbids everything.
func (s *Stack) Starting(at time.Time) bool {
	return slices.ContainsFunc(s.starts, func(p period) bool { return !at.Before(p.from) && !at.After(p.to) })
}

// StopServer ends the API server; what is stored stays.
func (s *Stack) StopServer() { s.server.stop() }

// Close ends everything, the API server before its database.
func (s *Stack) Close() {
	s.manager.stop()
	s.server.stop()
	s.etcd.stop()
}

func (s *Stack) waitForFile(ctx context.Context, name string) error {
	return s.wait(ctx, s.server, func() error { _, err := os.Stat(name); return err })
}

// waitFor waits until a URL answers 200.
func (s *Stack) waitFor(ctx context.Context, c *child, url string, client *http.Client) error {
	return s.wait(ctx, c, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", resp.Status, text)
		}
		return err
	})
}

func (s *Stack) wait(ctx context.Context, c *child, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := look()
		if err == nil {
			return nil
		}
		if !c.running() {
			return fmt.Errorf("%s ended: %s", c.name, c.tail())
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s is not ready: %w", c.name, ctx.Err()), err, errors.New(c.tail()))
		case <-time.After(poll):
		}
	}
}

// WriteKubeconfig writes a file by which the bearer of a token reaches the API.
func (s *Stack) WriteKubeconfig(path, token string) error {
	text := strings.NewReplacer("URL", s.URL(), "CA", s.CA, "TOKEN", token).Replace(`apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster: {server: "URL", certificate-authority: "CA"}
users:
- name: test
  user: {token: "TOKEN"}
contexts:
- name: test
  context: {cluster: test, user: test}
`)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
