package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/test/upstream"
)

// What the reader of the page puts in.
const (
	token  = "sk-page-inline-4b1d0c"
	apiKey = "sk-page-secret-77e02a"
)

// page is the page on provider keys in a reader's shell.
type page struct {
	*world
	env []string
}

// step runs one of the page's commands and gives what it printed.
func (p *page) step(t *testing.T, name string) string {
	t.Helper()
	out, err := p.try(t, name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p *page) try(t *testing.T, name string) (string, error) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "page", name+".sh"))
	if err != nil {
		t.Fatal(err)
	}
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "bash", "-c", string(script))
	cmd.Env, cmd.Stdout, cmd.Stderr = append(p.Env(), p.env...), &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", name, err, &complaint, &out)
	}
	return out.String(), nil
}

// completion runs a curl of the page until it gets the answer, and gives the request
// that the provider has received for it. A change is in force a moment after kubectl returns.
func (p *page) completion(t *testing.T, curl, credential string) *upstream.Request {
	t.Helper()
	var seen *upstream.Request
	eventually(t, func() error {
		p.provider.Reset()
		out, err := p.try(t, curl)
		if err != nil {
			return err
		}
		if !strings.Contains(out, upstream.Text) {
			return fmt.Errorf("the answer is %s", out)
		}
		requests := p.provider.Requests()
		if len(requests) != 1 {
			return fmt.Errorf("the provider received %d requests, want 1", len(requests))
		}
		seen = requests[0]
		if got := bearer(seen); got != credential {
			return fmt.Errorf("the provider received the credential %q, want %q", got, credential)
		}
		return nil
	})
	return seen
}

// TestPage follows the page on provider keys from its first command to its last.
func TestPage(t *testing.T) {
	const namespace = "kgateway-system"
	w := cluster(t)
	p := &page{world: w, env: []string{"TOKEN=" + token, "OPENAI_API_KEY=" + apiKey}}
	if _, err := w.Kubectl(t.Context(), "", "create", "namespace", namespace); err != nil && !strings.Contains(err.Error(), "AlreadyExists") {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			w.explain(t, namespace)
		}
	})

	p.step(t, "gateway")
	w.becomes(t, namespace, "gateway/agentgateway", programmed, "True")
	w.kubectl(t, "rollout", "status", "--namespace", namespace, "deployment/agentgateway", "--timeout="+patience.String())
	address := w.kubectl(t, "get", "svc", "--namespace", namespace, "agentgateway", "-o", "jsonpath={.status.loadBalancer.ingress[0]['hostname','ip']}")
	w.becomes(t, namespace, "gateway/agentgateway", gatewayAddress, address)
	p.env = append(p.env, "INGRESS_GW_ADDRESS="+address)

	p.step(t, "inline")
	w.becomes(t, namespace, "backends.gateway.kgateway.dev/openai", accepted, "True")
	p.step(t, "route")
	w.becomes(t, namespace, "httproute/openai", routeAccepted, "True")
	w.becomes(t, namespace, "httproute/openai", routeResolved, "True")
	checkUpstream(t, p.completion(t, "curl", token))

	p.step(t, "secret")
	p.step(t, "secretref")
	p.step(t, "route")
	checkUpstream(t, p.completion(t, "curl", apiKey))
	w.becomes(t, namespace, "backends.gateway.kgateway.dev/openai", resolved, "True")

	p.step(t, "passthrough")
	p.step(t, "route")
	checkUpstream(t, p.completion(t, "curl-with-token", token))

	for _, list := range []string{"gateways", "backends.gateway.kgateway.dev"} {
		if out := w.kubectl(t, "get", "--namespace", namespace, list); !strings.Contains(out, "True") {
			t.Errorf("kubectl get %s does not tell that all is well:\n%s", list, out)
		}
	}
	w.checkSilence(t, namespace, token, apiKey)
	for _, line := range strings.Split(w.output(t, namespace, "agentgateway"), "\n") {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
			t.Errorf("the page gives a reason to complain: %s", line)
		}
	}
}

// output gives what the pods of a namespace have printed whose names begin with prefix.
func (w *world) output(t *testing.T, namespace, prefix string) string {
	t.Helper()
	output, err := w.node.Output(namespace, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// checkUpstream checks what the page promises of the request to the provider.
func checkUpstream(t *testing.T, r *upstream.Request) {
	t.Helper()
	if r.Method != "POST" || r.Target != "/v1/chat/completions" || r.Host != openAI {
		t.Errorf("the provider received %s %s for %s", r.Method, r.Target, r.Host)
	}
	var body struct {
		Model    string            `json:"model"`
		Messages []json.RawMessage `json:"messages"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Model != "gpt-3.5-turbo" || len(body.Messages) != 2 {
		t.Errorf("the provider received the model %q and %d messages", body.Model, len(body.Messages))
	}
}

// checkSilence checks that the program has printed none of the secrets.
func (w *world) checkSilence(t *testing.T, namespace string, secrets ...string) {
	t.Helper()
	output := w.output(t, namespace, "")
	if output == "" {
		t.Error("the gateway has printed nothing at all")
	}
	for _, secret := range secrets {
		if strings.Contains(output, secret) {
			t.Errorf("the gateway has printed the secret %s", secret)
		}
	}
}
