package canary

import (
	"archive/tar"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tollgate/test/program"
)

// What administration handles. The values of the program's own making are kept in the
// scene, see made.
const (
	ownerToken      = "canary-owner-token-of-the-environment-d41c77"
	masterKey       = "ca9a12ca9a12ca9a12ca9a12ca9a12ca9a12ca9a12ca9a12ca9a12ca9a12ca9a"
	storedKey       = "sk-canary-stored-credential-3e91b7"
	replacedKey     = "sk-canary-replaced-credential-77ac20"
	refusedKey      = "sk-canary-refused-credential-b01f55"
	importedKey     = "sk-canary-imported-virtual-key-aa61c3"
	badImportKey    = "sk-canary-in-a-bad-import-490e1d"
	wrongAdminToken = "tga-CanaryCanary-CanaryTokenThatIsNotOne00000000000000000000000"
)

var administered = []string{ownerToken, masterKey, storedKey, replacedKey, refusedKey, importedKey, badImportKey, wrongAdminToken}

// forms are the shapes in which a value could be told without being recognized.
func forms(value string) []string {
	all := []string{value, hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))[:len(value)]}
	if raw, err := hex.DecodeString(value); err == nil {
		all = append(all, string(raw))
	}
	return all
}

// core is what a value of the program's own making consists of, without what may be
// shown: its beginning, which is its public id, and its last four characters.
func core(value string) string {
	return value[strings.LastIndex(value, "-")+1 : len(value)-4]
}

// made keeps a secret that an answer showed.
func (s *scene) made(value string) string {
	s.t.Helper()
	if len(core(value)) < 30 {
		s.t.Fatalf("%q is too short for a secret", value)
	}
	s.secrets = append(s.secrets, value)
	return value
}

// api calls the admin API with the owner's token. What comes back is looked through
// like everything else, but for the one secret that the caller takes out of it.
func (s *scene) api(want int, method, path, body string, more map[string]string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.admin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+ownerToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range more {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != want && (want != anyRefusal || resp.StatusCode < 400 || resp.StatusCode >= 500) {
		s.t.Errorf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, want, text)
	}
	var head strings.Builder
	_ = resp.Header.Write(&head) // a strings.Builder cannot fail
	s.answers = append(s.answers, head.String())
	return string(text)
}

// quiet is api for what must tell nothing.
func (s *scene) quiet(want int, method, path, body string, more map[string]string) {
	s.t.Helper()
	s.answers = append(s.answers, s.api(want, method, path, body, more))
}

// secretOf takes the secret out of the answer that shows it. The rest of the answer
// must tell nothing.
func (s *scene) secretOf(answer string) (value, id string) {
	s.t.Helper()
	var shown struct {
		Secret     string              `json:"secret"`
		Key, Token struct{ ID string } // one of them
	}
	if err := json.Unmarshal([]byte(answer), &shown); err != nil {
		s.t.Fatal(err)
	}
	s.answers = append(s.answers, strings.Replace(answer, shown.Secret, "", 1))
	return s.made(shown.Secret), shown.Key.ID + shown.Token.ID
}

// administer does everything that handles secrets, right and wrong.
func (s *scene) administer() {
	s.t.Helper()
	host := s.provider.Addr()
	// Virtual keys: made, made again under the same idempotency key, with a new secret,
	// imported with their value.
	once := map[string]string{"Idempotency-Key": "canary-1"}
	first, id := s.secretOf(s.api(201, "POST", "/api/v1/keys", `{"name":"managed","cost_limit":"5"}`, once))
	if again := s.api(201, "POST", "/api/v1/keys", `{"name":"managed","cost_limit":"5"}`, once); strings.Contains(again, `"secret":"sk-`) {
		s.secretOf(again)
	}
	s.post(200, chatPath, first, chat("gpt-4o", ""))
	second, _ := s.secretOf(s.api(200, "POST", "/api/v1/keys/"+id+"/rotate", `{"grace":"1h"}`, nil))
	s.post(200, chatPath, second, chat("gpt-4o", ""))
	s.quiet(200, "POST", "/api/v1/keys:import", `{"name":"imported","key":"`+importedKey+`"}`, map[string]string{"Content-Type": "application/x-ndjson"})
	s.post(200, chatPath, importedKey, chat("gpt-4o", ""))
	for _, bad := range []string{
		`{"name":"bad","key":"` + badImportKey + `","nme":1}`, `{"name":"` + strings.Repeat("x", 200) + `","key":"` + badImportKey + `"}`, `{"key":["` + badImportKey + `"]}`,
		`{"name":"bad","key_hash":"` + badImportKey + `"}`, `{"name":"bad","key":"` + badImportKey,
	} {
		s.quiet(422, "POST", "/api/v1/keys:import", bad, map[string]string{"Content-Type": "application/x-ndjson"})
	}

	// Admin tokens: made, used, wrong, where they do not belong.
	token, _ := s.secretOf(s.api(201, "POST", "/api/v1/admin-tokens", `{"name":"books","role":"auditor"}`, nil))
	as := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	s.quiet(200, "GET", "/api/v1/whoami", "", as(token))
	s.quiet(403, "POST", "/api/v1/keys", `{"name":"x"}`, as(token))
	s.quiet(401, "GET", "/api/v1/keys", "", as(wrongAdminToken))
	s.quiet(401, "GET", "/api/v1/keys?token="+wrongAdminToken, "", as("x"))
	s.quiet(401, "GET", "/api/v1/keys", "", as(first))
	s.post(401, chatPath, token, chat("m", ""))
	s.post(401, chatPath, ownerToken, chat("m", ""))

	// Provider credentials: stored, used, refused, replaced, tried.
	s.quiet(201, "POST", "/api/v1/credentials", `{"name":"stored","provider":"openAI","host":"`+host+`","value":"`+storedKey+`"}`, nil)
	s.use(strings.Replace(config, "  models:\n", "  models:\n"+`  - {name: "stored-*", provider: openAI, params: {apiKey: {credential: stored}, baseUrl: "http://$PROVIDER"}}`+"\n", 1))
	s.post(200, chatPath, virtualKey, chat("stored-m", ""))
	s.quiet(200, "POST", "/api/v1/credentials/stored/rotate", `{"value":"`+replacedKey+`"}`, nil)
	s.post(200, chatPath, virtualKey, chat("stored-m", ""))
	s.quiet(200, "POST", "/api/v1/credentials/stored/test", "", nil)
	for _, bad := range []string{
		`{"name":"stored","provider":"openAI","value":"` + refusedKey + `"}`, `{"name":"x","provider":"openAI","vlaue":"` + refusedKey + `"}`,
		`{"name":"x","provider":"nobody","value":"` + refusedKey + `"}`, `{"name":"x","provider":"openAI","value":["` + refusedKey + `"]}`, `{"name":"x","value":"` + refusedKey,
	} {
		s.quiet(anyRefusal, "POST", "/api/v1/credentials", bad, nil)
	}
	s.quiet(200, "POST", "/api/v1/keys/"+id+"/disable", `{"reason":"done"}`, nil)
}

// readAPI reads everything that the admin API tells: every page that the API's own
// document lists, and those about single things.
func (s *scene) readAPI() {
	s.t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(s.get("/api/v1/openapi.json")), &document); err != nil {
		s.t.Fatal(err)
	}
	pages := []string{"/api/v1/keys/managed", "/api/v1/keys/managed/usage", "/api/v1/credentials/stored", "/config_dump", "/logging"}
	for path, operations := range document.Paths {
		if _, reads := operations["get"]; reads && !strings.Contains(path, "{") {
			pages = append(pages, path)
		}
	}
	if len(pages) < 20 {
		s.t.Errorf("the API lists %d pages only, so this test shows little about it", len(pages))
	}
	for _, page := range pages {
		if page != "/api/v1/backup" {
			s.said["the page "+page] = s.api(200, "GET", page, "", nil)
		}
	}
}

// commands runs the command line. The files that it writes are looked through too.
func (s *scene) commands() {
	s.t.Helper()
	for _, words := range []string{
		"keys list", "keys show managed", "keys show managed -o json", "tokens list", "credentials list", "credentials list -o json", "status", "requests list", "usage --by key",
		"audit tail -n 200", "audit tail -n 200 -o json", "audit export export.ndjson", "audit verify", "audit verify export.ndjson", "backup backup.tar", "config validate -f config.yaml",
	} {
		path, err := program.Path()
		if err != nil {
			s.t.Fatal(err)
		}
		cmd := exec.Command(path, strings.Fields(words)...)
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			s.t.Errorf("tollgate %s: %v\n%s", words, err, out)
		}
		s.said["the output of tollgate "+words] = string(out)
	}
	s.readFile(filepath.Join(s.dir, "export.ndjson"))
	s.readBackup(filepath.Join(s.dir, "backup.tar"))
}

func (s *scene) readFile(path string) {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Error(err)
	}
	if len(text) > 0 {
		s.said["the file "+path] = string(text)
	}
}

// readBackup reads what is in an archive, file by file.
func (s *scene) readBackup(path string) {
	s.t.Helper()
	f, err := os.Open(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for archive := tar.NewReader(f); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			s.t.Fatal(err)
		}
		s.said["the backup of "+head.Name] = string(text)
	}
}

// readData reads the files of the data directory as they are at this moment, with what
// the database has written ahead.
func (s *scene) readData(when string) {
	s.t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
			s.t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch d.Name() {
		case "admin.json": // holds one secret, and is made for it
			var door struct{ Token string }
			if err := json.Unmarshal(text, &door); err != nil {
				return err
			}
			text = []byte(strings.Replace(string(text), s.made(door.Token), "", 1))
		case "pepper": // is one
			s.secrets = append(s.secrets, strings.TrimSpace(string(text)))
			return nil
		}
		if len(text) > 0 {
			s.said["the file "+d.Name()+" "+when] = string(text)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}
