package money

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/test/program"
)

// spendSome makes a key and spends with it, so that there is something in the books.
func (s *scene) spendSome(requests int) (id, secret string) {
	s.t.Helper()
	k, secret := s.create("spender", `[{"kind": "cost", "amount": "1000.00"}]`)
	for range requests {
		if a := s.ask(secret, false, 0); a.status != http.StatusOK {
			s.t.Fatalf("spending: %d %s, %v", a.status, a.body, a.err)
		}
	}
	return k.ID, secret
}

// refused starts the program on a damaged database and gives what it says. It must
// not serve, and must not change a byte.
func (s *scene) refused(wanted string) {
	s.t.Helper()
	before := s.files()
	p, err := program.Start(program.Options{
		Args: []string{"serve", "-f", "config.yaml"}, Dir: s.dir,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "IPV6_ENABLED=false"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := p.Wait(20 * time.Second)
	if err != nil {
		p.Kill()
		s.t.Fatal(err)
	}
	said := p.Stdout.String() + p.Stderr.String()
	if code != 1 || !strings.Contains(said, wanted) || !strings.Contains(said, "--repair") {
		s.t.Errorf("a damaged database ends with %d, want 1, and does not say %q with the way out:\n%s", code, wanted, said)
	}
	if after := s.files(); !bytes.Equal(before["tollgate.db"], after["tollgate.db"]) {
		s.t.Error("the refused start changed the database")
	}
}

// files reads the data directory.
func (s *scene) files() map[string][]byte {
	s.t.Helper()
	all := map[string][]byte{}
	dir := filepath.Join(s.dir, "tollgate-data")
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			s.t.Fatal(err)
		}
	}
	return all
}

func (s *scene) restore(files map[string][]byte) {
	s.t.Helper()
	dir := filepath.Join(s.dir, "tollgate-data")
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			s.t.Fatal(err)
		}
	}
	for name, text := range files {
		s.write(filepath.Join("tollgate-data", name), string(text))
	}
}

// TestOldFilePutBack puts an older copy of the database in the place of the current
// one: SQLite finds nothing wrong with it, the mark beside it does.
func TestOldFilePutBack(t *testing.T) {
	s := newScene(t)
	id, secret := s.spendSome(3)
	s.stop()
	old := s.files()
	s.start()
	for range 3 {
		if a := s.ask(secret, false, 0); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	s.stop()
	mark := s.files()["ledger.mark"]
	old["ledger.mark"] = mark
	s.restore(old)
	s.refused("truncated")
	s.start("--repair")
	if spent := nano(t, s.show(id).Limits[0].Spent); spent <= 0 {
		t.Errorf("after the repair %d is spent", spent)
	}
	s.stop()
	s.start()
	s.stop()
}

// TestFlippedBits flips single bits of rows in the database file.
func TestFlippedBits(t *testing.T) {
	s := newScene(t)
	id, _ := s.spendSome(20)
	s.stop()
	whole := s.files()
	// Rows of the ledger name the key that they are about.
	var places []int
	db := whole["tollgate.db"]
	for at := 0; ; {
		i := bytes.Index(db[at:], []byte(id))
		if i < 0 {
			break
		}
		places = append(places, at+i)
		at += i + 1
	}
	if len(places) < 10 {
		t.Fatalf("the key stands in the file %d times", len(places))
	}
	found := 0
	for i := 0; i < len(places); i += max(1, len(places)/5) {
		damaged := bytes.Clone(db)
		damaged[places[i]+5] ^= 1
		files := map[string][]byte{}
		for name, text := range whole {
			files[name] = text
		}
		files["tollgate.db"] = damaged
		s.restore(files)
		if s.startsAnyway() {
			t.Logf("the bit at %d is in no row of the ledger", places[i])
			continue
		}
		found++
	}
	if found == 0 {
		t.Error("no flipped bit was found")
	}
	s.restore(whole)
	s.start()
	s.stop()
}

// startsAnyway tells whether the program serves; if it does it must not be wrong
// about anything, which is for the caller to check.
func (s *scene) startsAnyway() bool {
	s.t.Helper()
	p, err := program.Start(program.Options{
		Args: []string{"serve", "-f", "config.yaml"}, Dir: s.dir, Ready: s.ready,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "IPV6_ENABLED=false"},
	})
	if err != nil {
		return false
	}
	p.Kill()
	return true
}

// TestSecondProcess starts another program on the same data directory.
func TestSecondProcess(t *testing.T) {
	s := newScene(t)
	p, err := program.Start(program.Options{
		Args: []string{"serve", "--data-dir", filepath.Join(s.dir, "tollgate-data")}, Dir: t.TempDir(),
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "ADMIN_ADDR=off", "STATS_ADDR=off", "READINESS_ADDR=off"},
	})
	if err != nil {
		t.Fatal(err)
	}
	code, err := p.Wait(20 * time.Second)
	if err != nil || code != 1 || !strings.Contains(p.Stderr.String(), "in use") {
		t.Errorf("a second program on the same directory: %d, %v, %s", code, err, p.Stderr)
	}
	s.stop()
}

// TestFullDisk fills the disk under a running program: requests that need the
// ledger are refused with 503, what is spent stays true, and all goes on by itself
// when there is room.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	s := newScene(t)
	s.stop()
	data := filepath.Join(s.dir, "tollgate-data")
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=3m,mode=700"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		s.program.Kill()
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s.start()
	id, secret := s.spendSome(3)
	ballast := filepath.Join(data, "ballast-of-the-test")
	fill(t, ballast)
	deadline := time.Now().Add(30 * time.Second)
	refused := false
	for !refused && time.Now().Before(deadline) {
		a := s.ask(secret, false, 0)
		switch {
		case a.err != nil:
			t.Fatal(a.err)
		case a.status == http.StatusServiceUnavailable:
			refused = true
			if a.header.Get("Retry-After") == "" {
				t.Error("a 503 without Retry-After")
			}
		case a.status != http.StatusOK:
			t.Fatalf("on a full disk: %d %s", a.status, a.body)
		}
	}
	if !refused {
		t.Fatal("the disk is full and every request is served")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for a := s.ask(secret, false, 0); a.status != http.StatusOK; a = s.ask(secret, false, 0) {
		if time.Now().After(deadline) {
			t.Fatalf("with room again: %d %s", a.status, a.body)
		}
	}
	if spent := nano(t, s.show(id).Limits[0].Spent); spent < s.provider.billed.Load()*perToken {
		t.Errorf("the books say %d, the provider billed %d", spent, s.provider.billed.Load()*perToken)
	}
	s.stop()
	s.start()
	if spent := nano(t, s.show(id).Limits[0].Spent); spent < s.provider.billed.Load()*perToken {
		t.Errorf("after a restart the books say %d, the provider billed %d", spent, s.provider.billed.Load()*perToken)
	}
	s.stop()
}

// fill writes a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	piece := make([]byte, 4096)
	for {
		if _, err := f.Write(piece); err != nil {
			return
		}
	}
}
