package app

import (
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
	if len(addresses) == 0 {
		fmt.Fprintf(&b, "  applications   nothing: the configuration has no llm, binds or routes\n")
	}
	p := &l.config.Process
	for _, at := range []struct {
		name    string
		address config.Address
		path    string
	}{{"admin", p.AdminAddr, "/"}, {"metrics", p.StatsAddr, "/metrics"}, {"readiness", p.ReadinessAddr, "/healthz/ready"}} {
		if !at.address.Off() {
			where := at.address.Value
			if at.address.Unix() == "" {
				where = "http://" + reachable(where) + at.path
			}
			fmt.Fprintf(&b, "  %-14s %s\n", at.name, where)
		}
	}
	for _, note := range a.notes(l) {
		fmt.Fprintf(&b, "\n  note: %s", note)
	}
	b.WriteByte('\n')
	if !n.adminToken.Empty() {
		fmt.Fprintf(&b, "\nYour admin token, shown this once (on this machine the command line needs none):\n\n  %s\n", n.adminToken.Reveal())
	}
	if a.embeddedDefaults() && len(addresses) > 0 {
		invite(&b, addresses[0], n.key)
	}
	fmt.Fprintln(a.options.Stdout, b.String())
}

// notes say what this configuration will not do.
func (a *App) notes(l *loaded) []string {
	var notes []string
	if !l.compiled.Real && len(l.compiled.Snapshot.Binds) > 0 {
		notes = append(notes, "no real provider is configured: answers come from the built-in simulated one and cost nothing")
	}
	for _, place := range l.compiled.Open {
		notes = append(notes, place+": whoever reaches it can use its providers (apiKey with mode: strict closes it)")
	}
	return notes
}

// invite shows the first request.
func invite(b *strings.Builder, base string, made secret.Text) {
	key := "$TOLLGATE_KEY"
	if made.Empty() {
		b.WriteString("\nVirtual keys are shown when they are made, and never again. To have one for the lines below:\n\n" +
			"  export TOLLGATE_KEY=$(tollgate keys create first-steps --cost 1/day)\n")
	} else {
		key = made.Reveal()
		fmt.Fprintf(b, "\nYour first virtual key (10 dollars a day, 600 requests a minute), shown this once:\n\n  %s\n\nTry it:\n", key)
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

See what it cost, and make a key of your own:

  tollgate keys list
  tollgate keys create my-app --cost 20/month --rpm 60

Next: put your provider's credential into a file and start with it:

  tollgate -f config.yaml          (docs/configuration.md has a first one)
`, base, key, quote, imports, python)
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
