package script

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// json PATH [VALUE] looks into the JSON of the last standard output. PATH is like
// .choices[0].message.content. Without VALUE the member must be there; a
// string is compared without its quotes, everything else in its compact form.
func cmdJSON(ts *testscript.TestScript, _ *world, args []string) error {
	if len(args) != 1 && len(args) != 2 {
		return errUsage
	}
	var doc any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return fmt.Errorf("standard output is no JSON: %w", err)
	}
	member, err := lookUp(doc, args[0])
	if err != nil || len(args) == 1 {
		return err
	}
	got, ok := member.(string)
	if !ok {
		compact, err := json.Marshal(member)
		if err != nil {
			return err
		}
		got = string(compact)
	}
	if got != args[1] {
		return fmt.Errorf("%s is %s, want %s", args[0], got, args[1])
	}
	return nil
}

var pathStep = regexp.MustCompile(`^(?:\.([^.\[\]]+)|\[(\d+)\])`)

func lookUp(doc any, path string) (any, error) {
	for rest := path; rest != "" && rest != "."; {
		step := pathStep.FindStringSubmatch(rest)
		if step == nil {
			return nil, fmt.Errorf("%w: path %q", errUsage, path)
		}
		rest = rest[len(step[0]):]
		if step[1] != "" {
			object, ok := doc.(map[string]any)
			if doc, ok = object[step[1]], ok && has(object, step[1]); !ok {
				return nil, fmt.Errorf("nothing at %s of %s", step[0], path)
			}
			continue
		}
		index, err := strconv.Atoi(step[2])
		list, ok := doc.([]any)
		if err != nil || !ok || index >= len(list) {
			return nil, fmt.Errorf("nothing at %s of %s", step[0], path)
		}
		doc = list[index]
	}
	return doc, nil
}

func has(object map[string]any, name string) bool {
	_, ok := object[name]
	return ok
}

// keep NAME [PATH | head FIELD] sets an environment variable, for the script and the
// program, to the last standard output without its last line end, to a text or number
// in its JSON, or to a field of the head of the last answer.
func cmdKeep(ts *testscript.TestScript, w *world, args []string) error {
	set := func(value string) error {
		ts.Setenv(args[0], value)
		w.env[args[0]] = value
		return nil
	}
	switch {
	case len(args) == 1:
		return set(strings.TrimSpace(ts.ReadFile("stdout")))
	case len(args) == 2:
		var doc any
		dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
		dec.UseNumber()
		if err := dec.Decode(&doc); err != nil {
			return fmt.Errorf("standard output is no JSON: %w", err)
		}
		member, err := lookUp(doc, args[1])
		if err != nil {
			return err
		}
		return set(fmt.Sprint(member))
	case len(args) == 3 && args[1] == "head":
		for line := range strings.Lines(ts.ReadFile("stderr")) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, args[2]) {
				return set(strings.TrimSpace(value))
			}
		}
		return fmt.Errorf("the answer has no header %s", args[2])
	}
	return errUsage
}

// jsonvalid requires the last standard output to be one JSON document.
func cmdJSONValid(ts *testscript.TestScript, _ *world, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	if !json.Valid([]byte(ts.ReadFile("stdout"))) {
		return fmt.Errorf("standard output is no JSON")
	}
	return nil
}

// metric NAME [LABEL=VALUE…] NUMBER waits until the sum of all series with these
// labels is the number. With "absent" for the number no series may have them.
func cmdMetric(ts *testscript.TestScript, w *world, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	name, labels, want := args[0], args[1:len(args)-1], args[len(args)-1]
	look := func() error { return checkMetric(ts, w, name, labels, want) }
	if want == "absent" {
		return look()
	}
	return eventually(look)
}

func checkMetric(ts *testscript.TestScript, w *world, name string, labels []string, want string) error {
	resp, err := w.client.Get(ts.Getenv("ADMIN_URL") + "/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reading the metrics: status %d, %w", resp.StatusCode, err)
	}
	var sum float64
	found := 0
	var near []string
	for line := range strings.Lines(string(text)) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if !ok {
			series, value, ok = strings.Cut(strings.TrimSpace(line), " ")
		}
		base, set, _ := strings.Cut(series, "{")
		if !ok || base != name {
			continue
		}
		near = append(near, line)
		if !hasLabels(set, labels) {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("series %s: %w", series, err)
		}
		sum += number
		found++
	}
	switch {
	case want == "absent" && found > 0:
		return fmt.Errorf("%s %v is there:\n%s", name, labels, strings.Join(near, ""))
	case want == "absent":
		return nil
	case found == 0:
		return fmt.Errorf("no series %s %v among\n%s", name, labels, strings.Join(near, ""))
	}
	if number, err := strconv.ParseFloat(want, 64); err != nil || sum != number {
		return fmt.Errorf("%s %v is %v, want %s\n%s", name, labels, sum, want, strings.Join(near, ""))
	}
	return nil
}

// hasLabels reports whether a label set in exposition form holds all of these.
func hasLabels(set string, labels []string) bool {
	for _, label := range labels {
		name, value, _ := strings.Cut(label, "=")
		if !strings.Contains(","+set+",", ","+name+`="`+value+`",`) {
			return false
		}
	}
	return true
}
