package adminapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const documentFile = "../../docs/openapi.json"

// TestDocument shows that docs/openapi.json is what the server serves; go generate
// writes it.
func TestDocument(t *testing.T) {
	served := newWorld(t).send(t, request{method: "GET", path: "/api/v1/openapi.json", token: "-"})
	if kind := served.Header().Get("Content-Type"); kind != "application/openapi+json" {
		t.Errorf("served as %q", kind)
	}
	if *update {
		if err := os.WriteFile(documentFile, served.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, served.Body.Bytes()) {
		t.Error("docs/openapi.json is not what is served: run go generate ./internal/adminapi")
	}
}

// TestDocumentIsComplete shows that every route of the API is described, with
// everything that somebody who reads only the document needs.
func TestDocumentIsComplete(t *testing.T) {
	doc := contract().doc
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi: %v", doc["openapi"])
	}
	described := 0
	for _, item := range doc["paths"].(map[string]any) {
		described += len(item.(map[string]any))
	}
	known := map[string]bool{}
	for _, tag := range doc["tags"].([]any) {
		known[tag.(map[string]any)["name"].(string)] = true
	}
	for i := range routes {
		row := &routes[i]
		if !strings.HasPrefix(row.path, "/api/v1/") {
			continue
		}
		described--
		op := contract().operation(row)
		if op["operationId"] != row.operation || op["summary"] == "" || op["summary"] == nil || op["description"] == nil {
			t.Errorf("%s is not described: %v, %v", row.operation, op["operationId"], op["summary"])
		}
		if tags := op["tags"].([]any); len(tags) != 1 || !known[tags[0].(string)] {
			t.Errorf("%s has the tags %v", row.operation, op["tags"])
		}
		if fmt.Sprint(op["security"]) != "[map[adminToken:[]]]" {
			t.Errorf("%s asks for %v", row.operation, op["security"])
		}
		checkParameters(t, row, op)
		checkExamples(t, row, op)
	}
	if described != 0 {
		t.Errorf("%d operations are described that no row is for", described)
	}
	for _, internal := range []string{"ErrorModel", "ErrorDetail", "Standing", "CredentialEdit"} {
		if doc["components"].(map[string]any)["schemas"].(map[string]any)[internal] != nil {
			t.Errorf("%s is in the document, and nowhere in the API", internal)
		}
	}
}

func checkParameters(t *testing.T, row *route, op map[string]any) {
	t.Helper()
	var inPath []string
	parameters, _ := op["parameters"].([]any)
	for i, parameter := range parameters {
		p := parameter.(map[string]any)
		if p["in"] == "path" {
			inPath = append(inPath, "{"+p["name"].(string)+"}")
		}
		contract().schema(t, fmt.Sprintf("/paths/%s/%s/parameters/%d/schema", escape(row.path), strings.ToLower(row.method), i))
	}
	for _, step := range strings.Split(row.path, "/") {
		if strings.HasPrefix(step, "{") && !slices.Contains(inPath, step) {
			t.Errorf("%s does not describe %s", row.operation, step)
		}
	}
}

// checkExamples validates every example against the schema that it stands beside.
func checkExamples(t *testing.T, row *route, op map[string]any) {
	t.Helper()
	at := fmt.Sprintf("/paths/%s/%s/", escape(row.path), strings.ToLower(row.method))
	check := func(pointer string, content map[string]any) {
		for kind, media := range content {
			m := media.(map[string]any)
			if m["schema"].(map[string]any)["type"] == "string" {
				continue // a stream
			}
			if m["example"] == nil {
				t.Errorf("%s has no example at %s", row.operation, pointer)
				continue
			}
			text, err := json.Marshal(m["example"])
			if err != nil {
				t.Fatal(err)
			}
			contract().check(t, pointer+"/content/"+escape(kind)+"/schema", text)
		}
	}
	if body, ok := op["requestBody"].(map[string]any); ok {
		check(at+"requestBody", body["content"].(map[string]any))
	}
	errors := 0
	for status, response := range op["responses"].(map[string]any) {
		pointer, r := contract().response(at+"responses/"+status, response)
		check(pointer, r["content"].(map[string]any))
		if status >= "400" {
			errors++
			if r["content"].(map[string]any)[problemType] == nil {
				t.Errorf("%s answers %s with no problem", row.operation, status)
			}
		}
	}
	if errors < 6 {
		t.Errorf("%s describes %d errors", row.operation, errors)
	}
}

// TestSchemas looks at what the types alone do not tell.
func TestSchemas(t *testing.T) {
	for _, c := range []struct {
		schema, text string
		ok           bool
	}{
		{"KeyInput", `{"name":"a","limits":[{"kind":"cost","amount":"5.00"}]}`, true},
		{"KeyInput", `{"name":"a","limits":[{"kind":"cost","amount":5}]}`, true},
		{"KeyInput", `{"name":"a","limits":[{"kind":"cost","amount":5.5}]}`, false},
		{"KeyInput", `{"name":"a","limits":[{"kind":"cost","amount":"five"}]}`, false},
		{"KeyInput", `{"name":"a","limits":[{"amount":"5.00"}]}`, false},
		{"KeyInput", `{"name":"a","limit":[]}`, false},
		{"KeyInput", `{"name":""}`, false},
		{"KeyPatch", `{}`, true},
		{"KeyPatch", `{"expires_at":null,"models":{"allow":null},"labels":{"team":null},"limits":null}`, true},
		{"KeyPatch", `{"reset_period":"daily"}`, false},
		{"LimitPatch", `{"window":{"calendar":null,"sliding":"60s"}}`, true},
		{"LimitPatch", `{"kind":"tokens"}`, false},
		{"KeyPatch", `{"expires":null}`, false},
		{"LimitPatch", `{"amount":null,"window":{"calendar":"day"}}`, true},
		{"LimitPatch", `{"spent":"0.00"}`, false},
		{"Limit", `{"kind":"cost","amount":"5.00","spent":"1.00","resets_at":null}`, true},
	} {
		v, err := contractValue(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := contract().schema(t, "/components/schemas/"+c.schema).Validate(v); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.schema, c.text, err)
		}
	}
}
