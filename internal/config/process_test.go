package config_test

import (
	"strings"
	"testing"

	"tollgate/internal/config"
)

func TestAddressesFromTheEnvironment(t *testing.T) {
	w := world{env: map[string]string{
		"ADMIN_ADDR": "unix:/run/admin", "STATS_ADDR": "off", "READINESS_ADDR": "", "IPV6_ENABLED": "false",
	}}
	c, report := w.load("config: {adminAddr: '127.0.0.1:1'}")
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if p := c.Process; p.AdminAddr.Value != "unix:/run/admin" || !p.StatsAddr.Off() || p.ReadinessAddr.Value != "0.0.0.0:15021" || p.EnableIPv6 {
		t.Errorf("%+v", p)
	}
	w.env = map[string]string{"ADMIN_ADDR": "example.com:1", "STATS_ADDR": "1.2.3.4", "READINESS_ADDR": "unix:x", "IPV6_ENABLED": "perhaps"}
	check(t, problems(t, w, "{}"), `
environment: IPV6_ENABLED: must be true or false
environment: ADMIN_ADDR: must be ip:port, localhost:port, unix:/path or off
environment: STATS_ADDR: must be ip:port, localhost:port, unix:/path or off
environment: READINESS_ADDR: the path of a Unix socket must be absolute: unix:/path`)
}

func TestAddressesInTheFile(t *testing.T) {
	for in, want := range map[string]string{
		"'127.0.0.1:15000'": "127.0.0.1:15000", "'[::1]:7'": "[::1]:7", "localhost:7": "localhost:7", "':7'": ":7", "off": "", "unix:/a b": "unix:/a b",
	} {
		if got := mustLoad(t, "config: {adminAddr: "+in+"}").Process.AdminAddr.Value; got != want {
			t.Errorf("%s gave %q", in, got)
		}
	}
	for _, in := range []string{"host:7", "'7'", "'127.0.0.1'", "'127.0.0.1:70000'", "'::1:7'", "'127.0.0.1:-1'"} {
		check(t, problems(t, world{}, "config: {adminAddr: "+in+"}"), "c.yaml:1:21: config.adminAddr: must be ip:port, localhost:port, unix:/path or off")
	}
	for _, in := range []string{"unix:", "unix:relative.sock", "unix:./a"} {
		check(t, problems(t, world{}, "config: {adminAddr: '"+in+"'}"), "c.yaml:1:21: config.adminAddr: the path of a Unix socket must be absolute: unix:/path")
	}
}

func TestPorts(t *testing.T) {
	const three = "; binds, llm, and mcp must use unique ports"
	const own = "; every listener needs an address of its own"
	for name, tt := range map[string]struct{ text, want string }{
		"bind and llm":      {"binds:\n- {port: 4444, listeners: []}\nllm: {port: 4444, models: []}\n", "c.yaml:3:13: llm.port: port 4444 is configured by both binds[0] and llm" + three},
		"default of llm":    {"binds:\n- {port: 4000, listeners: []}\nllm: {models: []}\n", "c.yaml:3:6: llm.port: port 4000 is configured by both binds[0] and llm" + three},
		"two binds":         {"binds:\n- {port: 1, listeners: []}\n- {port: 1, listeners: []}\n", "c.yaml:3:3: binds[1]: port 1 is configured by both binds[0] and binds[1]" + three},
		"gateways":          {"gateways:\n  a: {port: 1}\n  b: {port: 1}\n", "c.yaml:3:3: gateways.b: port 1 is configured by both gateways.a and gateways.b" + three},
		"two addresses":     {"gateways:\n  a: {port: 1, bindAddress: 127.0.0.1}\n  b: {port: 1, bindAddress: 127.0.0.2}\n", ""},
		"one address twice": {"gateways:\n  a: {port: 1, bindAddress: '::1'}\n  b: {port: 1, bindAddress: '0:0::1'}\n", "c.yaml:3:3: gateways.b: port 1 is configured by both gateways.a and gateways.b" + three},
		"one and all": {"gateways:\n  a: {port: 1, bindAddress: 127.0.0.1}\n  b: {port: 1}\n", "c.yaml:3:3: gateways.b: port 1 is configured by both gateways.a and gateways.b" +
			"; one of them listens on all addresses: give each a bindAddress of its own"},
		"one and all written": {"gateways:\n  a: {port: 1, bindAddress: 0.0.0.0}\n  b: {port: 1, bindAddress: '::'}\n", "c.yaml:3:3: gateways.b: port 1 is configured by both gateways.a and gateways.b" + three},
		"admin by default":    {"gateways:\n  a: {port: 15000}\n", "c.yaml:2:3: gateways.a: port 15000 is configured by both gateways.a and config.adminAddr" + own},
		"stats and ready":     {"config: {statsAddr: '0.0.0.0:7', readinessAddr: '127.0.0.1:7'}\n", "c.yaml:1:49: config.readinessAddr: port 7 is configured by both config.statsAddr and config.readinessAddr" + own},
		"localhost":           {"config: {adminAddr: 'localhost:7', readinessAddr: '127.0.0.1:7'}\n", "c.yaml:1:51: config.readinessAddr: port 7 is configured by both config.adminAddr and config.readinessAddr" + own},
		"one socket":          {"config: {adminAddr: 'unix:/a', statsAddr: 'unix:/a'}\n", "c.yaml:1:43: config.statsAddr: port /a is configured by both config.adminAddr and config.statsAddr" + own},
		"other interfaces":    {"config: {statsAddr: '127.0.0.2:7', readinessAddr: '127.0.0.1:7'}\n", ""},
		"chosen by system":    {"config: {statsAddr: '127.0.0.1:0', readinessAddr: '127.0.0.1:0'}\n", ""},
		"attached to a port":  {"gateways: {default: {port: 4000}}\nllm: {models: []}\n", ""},
	} {
		t.Run(name, func(t *testing.T) { check(t, problems(t, world{}, tt.text), tt.want) })
	}
}

func TestListeners(t *testing.T) {
	files := map[string]string{"c": "", "k": ""}
	check(t, problems(t, world{files: files}, `
gateways:
  a:
    port: 1
    listeners: [{name: x, hostname: A.example}, {name: x, hostname: a.example}, {hostname: "a.*"}]
  b: {port: 2, protocol: HTTP, tls: {cert: c, key: k}}
  c: {port: 3, protocol: HTTPS}
binds:
- port: 4
  listeners: [{protocol: HTTP, tls: {cert: c, key: k}}, {hostname: x, tls: {cert: c, key: k}}]
llm: {port: 5, models: [{name: a, provider: openAI, tls: {cert: c}}]}
`), `
c.yaml:5:49: gateways.a.listeners[1]: another listener of this port serves the same hosts
c.yaml:5:56: gateways.a.listeners[1].name: another listener of this port is called "x" too
c.yaml:5:92: gateways.a.listeners[2].hostname: must be a host name, or *. and a host name
c.yaml:6:37: gateways.b.tls: no listener of the gateway uses it; set protocol: HTTPS
c.yaml:7:6: gateways.c.tls: is missing; protocol HTTPS needs it
c.yaml:10:37: binds[0].listeners[0].tls: a listener for HTTP has no tls; set protocol: HTTPS
c.yaml:10:57: binds[0].listeners[1]: HTTP and HTTPS cannot share a port
c.yaml:11:58: llm.models[0].tls: cert and key are given together or not at all`)
}

func TestOlderPlaces(t *testing.T) {
	check(t, problems(t, world{}, `
config: {logging: {fields: {add: {a: "1"}}}, tracing: {otlpEndpoint: "http://h"}}
frontendPolicies: {accessLog: {add: {a: "2"}}, tracing: {host: "h:1"}}
`), `
c.yaml:2:35: config.logging.fields.add.a: is given twice, here and in frontendPolicies.accessLog
c.yaml:2:55: config.tracing: is given twice, here and as frontendPolicies.tracing`)
	check(t, problems(t, world{}, "frontendPolicies: {tracing: {}}\n"), "c.yaml:1:29: frontendPolicies.tracing: host is missing")
	check(t, problems(t, world{}, "config: {logging: {level: loud}}\n"), `c.yaml:1:27: config.logging.level: "loud" is none of trace, debug, info, warn, error`)
	if c := mustLoad(t, "config: {logging: {level: 'TRACE'}}\n"); c.Process.Logging.Level != "debug" {
		t.Errorf("level %q", c.Process.Logging.Level)
	}
}

// TestReport is what a compiler does that finds more problems than Load.
func TestReport(t *testing.T) {
	c, report := world{}.load("llm:\n  models: [{name: a, provider: openAI}]\n  policies:\n    authorization: {rules: ['a = b']}\n    bad: 1\n")
	rule := c.LLM.Policies.Authorization.Rules[0]
	report.Add(rule.Expr.At, "cannot be compiled: %s", "syntax error")
	report.Add(c.LLM.Models[0].At.Child("name"), "is odd")
	report.Add(c.LLM.Models[0].At.Child("params").Child("model"), "is not there")
	report.Warn(c.LLM.Models[0].At, "is odd too")
	check(t, report.Err().Error(), `
c.yaml:2:12: llm.models[0].params.model: is not there
c.yaml:2:19: llm.models[0].name: is odd
c.yaml:4:29: llm.policies.authorization.rules[0]: cannot be compiled: syntax error
c.yaml:5:5: llm.policies.bad: unknown field`)
	check(t, warnings(report), "c.yaml:2:12: llm.models[0]: is odd too")
	// What a problem that Load found spoils is not told a second time.
	c, report = world{}.load("llm:\n  models:\n  - {name: a, provider: openAI, params: {baseUrl: $NOT_SET}}\n  - {name: b, provider: openAI}\n")
	report.Add(c.LLM.Models[0].At, "has no host")
	report.Add(c.LLM.Models[0].At.Child("params").Child("baseUrl"), "has no host")
	report.Add(c.LLM.Models[0].At.Child("name"), "is odd")
	report.Add(c.LLM.Models[1].At, "is odd")
	report.Add(c.LLM.Models[1].At, "is odd in another way")
	check(t, report.Err().Error(), `
c.yaml:3:12: llm.models[0].name: is odd
c.yaml:3:51: llm.models[0].params.baseUrl: environment variable not found: NOT_SET; set it, or write ${NOT_SET:-default}; $$ stands for a dollar sign
c.yaml:4:5: llm.models[1]: is odd
c.yaml:4:5: llm.models[1]: is odd in another way`)
	if (&config.Report{}).Err() != nil {
		t.Error("a report without problems is an error")
	}
}

// TestDump is the configuration in force without anything secret, in a form
// that can be loaded again.
func TestDump(t *testing.T) {
	for name, text := range samples {
		c, report := sampleWorld.load(text)
		if err := report.Err(); err != nil {
			t.Fatal(name, err)
		}
		dump, err := c.Dump()
		if err != nil {
			t.Fatal(name, err)
		}
		for _, secret := range []string{"sk-alice", "sk-bob", "sk-env", "sk-front", "from-file", "CERT", "ROOT"} {
			if strings.Contains(string(dump), secret) {
				t.Errorf("%s: the dump has %s in it", name, secret)
			}
		}
		text := strings.ReplaceAll(string(dump), "$", "$$")
		var more []string
		_, again := sampleWorld.load(text)
		for _, p := range again.Problems {
			if !strings.Contains(p.Message, "is the same key as") { // all are redacted to one text
				more = append(more, p.String())
			}
		}
		if more != nil {
			t.Errorf("%s: the dump cannot be loaded:\n%s\n%s", name, strings.Join(more, "\n"), dump)
		}
	}
}
