package money

import (
	"bytes"
	"maps"
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

// refused starts the program on a damaged database. It must not serve, say what is wrong
// and how to go on, and say the same again: the refused start has changed nothing.
func (s *scene) refused(wanted string) {
	s.t.Helper()
	if first, again := s.refusal(wanted), s.refusal(wanted); first != again {
		s.t.Errorf("the second refusal says\n%s\nand the first one\n%s", again, first)
	}
}

func (s *scene) refusal(wanted string) string {
	s.t.Helper()
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
	return said
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
	old, known := s.files(), s.provider.billed.Load()*perToken
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
	spent, _ := figures(t, &s.show(id).Limits[0])
	if spent < known {
		t.Errorf("after the repair %d is spent, the old file knew of %d", spent, known)
	}
	if a := s.ask(secret, false, 0); a.status != http.StatusOK {
		t.Errorf("after the repair: %d %s", a.status, a.body)
	}
	s.stop()
	s.start()
	if after, reserved := figures(t, &s.show(id).Limits[0]); after <= spent || reserved != 0 {
		t.Errorf("%d was spent, and after another request and a start %d, with %d reserved", spent, after, reserved)
	}
	s.stop()
}

// TestFlippedBits flips single bits in the files of the database: the start finds it and
// refuses, or it touched nothing that counts and the books are as they were.
func TestFlippedBits(t *testing.T) {
	s := newScene(t)
	id, _ := s.spendSome(20)
	s.stop()
	whole := s.files()
	spent := s.provider.billed.Load() * perToken
	found := 0
	for _, name := range []string{"tollgate.db", "tollgate.db-wal", "ledger.mark"} {
		file := whole[name]
		for i := range 8 {
			if len(file) == 0 {
				continue
			}
			damaged := bytes.Clone(file)
			damaged[(2*i+1)*len(file)/16] ^= 1
			files := maps.Clone(whole)
			files[name] = damaged
			s.restore(files)
			if !s.starts() {
				found++
				continue
			}
			if l := s.show(id).Limits[0]; nano(t, l.Spent) != spent {
				t.Errorf("with a bit flipped at %d of %d in %s, %s is spent instead of %d", (2*i+1)*len(file)/16, len(file), name, l.Spent, spent)
			}
			s.program.Kill()
		}
	}
	// An amount that reads well and is another one.
	at := bytes.Index(whole["tollgate.db"], []byte(`"amount":1`))
	if at < 0 {
		t.Fatal("the amount of the limit does not stand in the database")
	}
	raised := maps.Clone(whole)
	raised["tollgate.db"] = bytes.Clone(whole["tollgate.db"])
	raised["tollgate.db"][at+len(`"amount":`)] = '9'
	s.restore(raised)
	if s.starts() {
		t.Error("the program serves with another limit than was set")
		s.program.Kill()
	}
	t.Logf("%d of the flipped bits were found", found)
	if found < 8 {
		t.Errorf("only %d flipped bits were found", found)
	}
	s.restore(whole)
	s.start()
	s.stop()
}

// starts tells whether the program serves.
func (s *scene) starts() bool {
	s.t.Helper()
	p, err := program.Start(program.Options{
		Args: []string{"serve", "-f", "config.yaml"}, Dir: s.dir, Ready: s.ready,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "IPV6_ENABLED=false"},
	})
	if err != nil {
		return false
	}
	s.program = p
	return true
}

// TestSecondProcess starts another program on the same data directory: it ends and says
// why, and the first is not disturbed.
func TestSecondProcess(t *testing.T) {
	s := newScene(t)
	id, secret := s.spendSome(1)
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
	if a := s.ask(secret, false, 0); a.status != http.StatusOK {
		t.Errorf("the first program: %d %s, %v", a.status, a.body, a.err)
	}
	told := s.show(id).Limits
	s.stop()
	s.agreed(told)
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
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=16m,mode=700"); err != nil {
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
		billed := s.provider.billed.Load()
		a := s.ask(secret, false, 0)
		switch {
		case a.err != nil:
			t.Fatal(a.err)
		case a.status == http.StatusServiceUnavailable:
			refused = true
			if a.header.Get("Retry-After") == "" || a.header.Get("X-Should-Retry") != "true" || a.code() != "storage_full" {
				t.Errorf("a full disk is told as %s with %v", a.body, a.header)
			}
			if after := s.provider.billed.Load(); after != billed {
				t.Errorf("the provider was asked for %d tokens for a request that was refused", after-billed)
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
