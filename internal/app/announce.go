package app

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/config"
	"tollgate/internal/secret"
)

// announce says what is listened on, what will not be done, what was made and is
// shown this once, and on embedded defaults how to make the first request.
func (a *App) announce(l *loaded, n news) {
	var b strings.Builder
	fmt.Fprintf(&b, "tollgate %s\n\n", a.options.Version)
	addresses := make([]string, 0, len(l.compiled.Snapshot.Binds))
	for address, bind := range l.compiled.Snapshot.Binds {
		scheme := "http"
		if bind.TLS != nil {
			scheme = "https"
		}
		addresses = append(addresses, scheme+"://"+reachable(address))
	}
	slices.Sort(addresses)
	for _, address := range addresses {
		fmt.Fprintf(&b, "  applications   %s\n", address)
	}
	switch {
	case a.options.Kubernetes != nil:
		fmt.Fprintf(&b, "  applications   what the Gateways of the Kubernetes cluster say\n")
	case len(addresses) == 0:
		fmt.Fprintf(&b, "  applications   nothing: the configuration has no llm, binds or routes\n")
	}
	p := &l.config.Process
	for _, at := range []struct {
		name    string
		address config.Address
		path    string
	}{{"admin, console", p.AdminAddr, "/ui/"}, {"metrics", p.StatsAddr, "/metrics"}, {"readiness", p.ReadinessAddr, "/healthz/ready"}} {
		if !at.address.Off() {
			where := at.address.Value
			if at.address.Unix() == "" {
				where = "http://" + reachable(where) + at.path
			}
			fmt.Fprintf(&b, "  %-14s %s\n", at.name, where)
		}
	}
	fmt.Fprintf(&b, "  %-14s %s\n", "data", a.data.dir)
	for _, note := range a.notes(l) {
		fmt.Fprintf(&b, "\n  note: %s", note)
	}
	b.WriteByte('\n')
	if !n.adminToken.Empty() {
		fmt.Fprintf(&b, "\nYour admin token, shown this once (on this machine the command line needs none):\n\n  %s\n", n.adminToken.Reveal())
	}
	if a.embeddedDefaults() && len(addresses) > 0 {
		a.invite(&b, addresses[0], n.key)
	}
	fmt.Fprintln(a.options.Stdout, b.String())
}

// notes say what this configuration will not do.
func (a *App) notes(l *loaded) []string {
	var notes []string
	if !l.compiled.Real && len(l.compiled.Snapshot.Binds) > 0 {
		notes = append(notes, "no real provider is configured: answers come from the built-in simulated one, its prices are made up, and nothing is paid")
	}
	for _, place := range l.compiled.Open {
		notes = append(notes, place+": whoever reaches it can use its providers (apiKey with mode: strict closes it)")
	}
	return notes
}

// invite shows the first request.
func (a *App) invite(b *strings.Builder, base string, made secret.Text) {
	program, where := cmp.Or(a.options.Program, "tollgate"), ""
	if a.data.dir != defaultDataDir {
		where = " --data-dir " + a.data.dir
	}
	key := "$TOLLGATE_KEY"
	if made.Empty() {
		fmt.Fprintf(b, "\nVirtual keys are shown when they are made, and never again. To have one for the lines below:\n\n"+
			"  export TOLLGATE_KEY=$(%s keys create first-steps --cost 1/day%s)\n", program, where)
	} else {
		key = made.Reveal()
		fmt.Fprintf(b, "\nYour first virtual key (\"starter\": 10 dollars a day, 600 requests a minute), shown this once:\n\n  %s\n\nTry it:\n", key)
	}
	quote := "'"
	if strings.HasPrefix(key, "$") {
		quote = `"`
	}
	imports, python := "", strconv.Quote(key)
	if strings.HasPrefix(key, "$") {
		imports, python = "import os\n  ", `os.environ["TOLLGATE_KEY"]`
	}
	fmt.Fprintf(b, `
  curl %[1]s/v1/chat/completions \
    -H %[3]sAuthorization: Bearer %[2]s%[3]s -H 'Content-Type: application/json' \
    -d '{"model": "simulated", "messages": [{"role": "user", "content": "Hello!"}]}'

With the OpenAI SDK (Python):

  %[4]sfrom openai import OpenAI
  client = OpenAI(base_url="%[1]s/v1", api_key=%[5]s)
  print(client.chat.completions.create(model="simulated",
        messages=[{"role": "user", "content": "Hello!"}]).choices[0].message.content)

See what it cost, and make a key of your own, in another terminal in this directory:

  %[6]s keys list%[7]s
  %[6]s keys create my-app --cost 20/month --rpm 60%[7]s

Next: name your provider in a configuration file (README.md has a first one) and start with it:

  %[6]s -f config.yaml%[7]s
`, base, key, quote, imports, python, program, where)
}

// reachable gives an address as somebody on this machine would call it.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	switch host {
	case "", "::", "0.0.0.0", "127.0.0.1", "::1":
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
