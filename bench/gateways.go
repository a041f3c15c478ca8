package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"tollgate/bench/report"
)

// The provider credential in tollgate's configuration. The fake provider
// checks none.
const providerCredential = "sk-provider-bench"

var nginxConfig = template.Must(template.New("nginx").Parse(`
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {{.Dir}}/nginx.pid;
error_log stderr warn;
events { worker_connections 16000; }
http {
	access_log off;
	client_body_temp_path {{.Dir}}/nginx-body;
	proxy_temp_path {{.Dir}}/nginx-proxy;
	fastcgi_temp_path {{.Dir}}/nginx-fastcgi;
	uwsgi_temp_path {{.Dir}}/nginx-uwsgi;
	scgi_temp_path {{.Dir}}/nginx-scgi;
	keepalive_requests 1000000000;
	keepalive_timeout 600s;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	upstream provider {
		server {{.Provider}};
		keepalive 512;
		keepalive_requests 1000000000;
		keepalive_timeout 600s;
	}
	server {
		listen {{.Addr}} backlog=4096;
		location / { proxy_pass http://provider; }
	}
	server {
		listen {{.StreamAddr}} backlog=4096;
		location / { proxy_pass http://provider; proxy_buffering off; }
	}
}
`))

// startNginx runs the least that a proxy does: keep-alive on both sides, no
// log, one worker.
func (s *suite) startNginx(ctx context.Context) (*process, error) {
	addrs, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	p := &process{name: report.Nginx, addr: addrs[0], streamAddr: addrs[1]}
	path, err := s.writeConfig("nginx.conf", nginxConfig, map[string]string{
		"Dir": s.dir, "Provider": s.provider, "Addr": p.addr, "StreamAddr": p.streamAddr,
	})
	if err != nil {
		return nil, err
	}
	return p, s.launch(ctx, p, []string{s.nginx, "-p", s.dir, "-e", "stderr", "-c", path})
}

var tollgateConfig = template.Must(template.New("tollgate").Parse(`
config:
  adminAddr: {{.Admin}}
  statsAddr: {{.Stats}}
  readinessAddr: {{.Ready}}
gateways:
  default: {port: {{.Port}}}
llm:
  policies:
    apiKey:
      mode: strict
      keys:
{{- range $i, $key := .Keys}}
      - key: {{$key}}
        metadata: {name: bench-{{$i}}}
{{- if $.Limited}}
        limits:
        - {kind: cost, amount: "1000000.00", window: {calendar: month, timezone: Europe/Berlin}}
        - {kind: cost, amount: "100000.00", window: {calendar: day}}
        - {kind: tokens, amount: 1000000000000, window: {calendar: week}}
        - {kind: requests, amount: 1000000, window: {sliding: 60s}}
{{- end}}
{{- end}}
  models:
  - name: "*"
    provider: openAI
    params: {apiKey: {{.Credential}}, baseUrl: "http://{{.Provider}}"}
tollgate:
  dataDir: {{.Data}}
{{- if .Limited}}
  prices: [{{.Prices}}]
  sharedLimits:
  - {name: everybody, match: {}, per: pool, kind: cost, amount: "100000000.00", window: {calendar: month}}
{{- end}}
`))

// prices are of the fake provider's models.
const prices = `{"format": "tollgate/prices/1", "source": "bench", "providers": {"openai": {"models": {
	"bench": {"match": "bench-*", "contextWindow": 128000, "maxOutput": 4096, "rates": {"input": "1", "cacheRead": "0.1", "output": "4"}}}}}}`

// adminToken opens the admin listener for profiles.
const adminToken = "bench-admin-token"

// startTollgate runs the program with everything on that it has on by itself:
// key authentication, routing, metering, metrics, the access log and request
// records; as the subject Limited with limits on every key besides.
func (s *suite) startTollgate(ctx context.Context, subject string) (*process, error) {
	addrs, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	p := &process{name: subject, addr: addrs[0], streamAddr: addrs[0], admin: addrs[1], stats: addrs[2]}
	_, port, _ := strings.Cut(p.addr, ":")
	// One directory for all starts of a subject: only the first of them makes a database.
	data := filepath.Join(s.dir, "data-"+subject)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	priceList := filepath.Join(data, "prices.json")
	if err := os.WriteFile(priceList, []byte(prices), 0o600); err != nil {
		return nil, err
	}
	path, err := s.writeConfig(subject+".yaml", tollgateConfig, map[string]any{
		"Limited": subject == report.Limited, "Data": data, "Prices": priceList,
		"Admin": p.admin, "Stats": p.stats, "Ready": addrs[3], "Port": port,
		"Keys": s.keys, "Credential": providerCredential, "Provider": s.provider,
	})
	if err != nil {
		return nil, err
	}
	return p, s.launch(ctx, p, []string{s.tollgate, "serve", "-f", path})
}

func (s *suite) writeConfig(name string, t *template.Template, data any) (string, error) {
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, text.Bytes(), 0o600)
}

// findNginx gives the program and its version.
func findNginx() (path, version string, err error) {
	path, err = exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // not on everybody's path
	}
	out, err := exec.Command(path, "-v").CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("nginx is needed, bench/install.sh installs it: %w", err)
	}
	_, version, _ = strings.Cut(strings.TrimSpace(string(out)), "version: ")
	return path, version, nil
}

// buildTollgate builds the program of this repository into dir.
func buildTollgate(ctx context.Context, root, dir string) (string, error) {
	path := filepath.Join(dir, "tollgate")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=auto", "-o", path, "./cmd/tollgate")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building tollgate: %w\n%s", err, out)
	}
	return path, nil
}

// versionOf names the commit that a program was built from.
func versionOf(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "of unknown version"
	}
	revision, changed := "of unknown commit", ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			revision = setting.Value[:min(12, len(setting.Value))]
		case "vcs.modified":
			if setting.Value == "true" {
				changed = " with changes"
			}
		}
	}
	return revision + changed
}
