package node

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probeEvery is the pause between two probes, whatever the container asks for: tests wait
// for them.
const probeEvery = 100 * time.Millisecond

// probe asks a container for its readiness until ctx ends.
func (p *pod) probe(ctx context.Context, c *corev1.Container) {
	ready := p.prober(c)
	for {
		ok := ready(ctx)
		if ctx.Err() != nil {
			return
		}
		p.setReady(ctx, ok)
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeEvery):
		}
	}
}

// prober gives the question that tells whether a container is ready. One without a probe is
// when its first port takes connections, if it names one: tests would otherwise be sent to
// processes that only just start.
func (p *pod) prober(c *corev1.Container) func(context.Context) bool {
	if r := c.ReadinessProbe; r != nil && r.HTTPGet != nil {
		scheme := strings.ToLower(string(r.HTTPGet.Scheme))
		if scheme == "" {
			scheme = "http"
		}
		address := net.JoinHostPort(p.ip, strconv.Itoa(int(port(c, r.HTTPGet.Port))))
		return getter(scheme + "://" + address + "/" + strings.TrimPrefix(r.HTTPGet.Path, "/"))
	}
	if r := c.ReadinessProbe; r != nil && r.TCPSocket != nil {
		return p.dialer(port(c, r.TCPSocket.Port))
	}
	if len(c.Ports) > 0 {
		return p.dialer(c.Ports[0].ContainerPort)
	}
	return func(context.Context) bool { return true }
}

// getter asks a URL, which may have any certificate, as the kubelet does.
func getter(url string) func(context.Context) bool {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	return func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode >= 200 && resp.StatusCode < 400
	}
}

func (p *pod) dialer(port int32) func(context.Context) bool {
	address := net.JoinHostPort(p.ip, strconv.Itoa(int(port)))
	return func(ctx context.Context) bool {
		d := net.Dialer{Timeout: time.Second}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}
}

// port finds a port of a container by number or name; 0 if there is none.
func port(c *corev1.Container, want intstr.IntOrString) int32 {
	if want.Type == intstr.Int {
		return want.IntVal
	}
	for _, p := range c.Ports {
		if p.Name == want.StrVal {
			return p.ContainerPort
		}
	}
	return 0
}
