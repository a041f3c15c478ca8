package proc_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tollgate/bench/proc"
)

// tree writes files and gives the folder they are in.
func tree(t *testing.T, files map[string]string) proc.FS {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return proc.FS(dir)
}

func line(pid, name, parent, user, system string) string {
	return pid + " (" + name + ") S " + parent + " 1 1 0 -1 4194560 5 6 7 8 " + user + " " + system + " 3000 4000 20 0 1 0 78232 5124096 1005 99\n"
}

func TestCPU(t *testing.T) {
	fs := tree(t, map[string]string{
		"10/stat":  line("10", "nginx", "1", "150", "30"),
		"11/stat":  line("11", "nginx: worker) 7 (x", "10", "5", "2"),
		"12/stat":  "12 nginx S 1",
		"13/stat":  "13 (short) S 1 2 3\n",
		"14/stat":  line("14", "x", "1", "many", "2"),
		"110/stat": line("110", "grandchild", "11", "1", "1"),
	})
	if got, err := fs.CPU([]int{10, 11}); err != nil || got != 1870*time.Millisecond {
		t.Errorf("CPU is %v, %v, want 1.87s", got, err)
	}
	for _, pid := range []int{12, 13, 14, 15} {
		if got, err := fs.CPU([]int{10, pid}); err == nil {
			t.Errorf("process %d: %v and no error", pid, got)
		}
	}
}

func TestTree(t *testing.T) {
	fs := tree(t, map[string]string{
		"1/stat":   line("1", "init", "0", "1", "1"),
		"10/stat":  line("10", "a", "1", "1", "1"),
		"11/stat":  line("11", "b", "10", "1", "1"),
		"12/stat":  line("12", "c) 10 (", "1", "1", "1"),
		"110/stat": line("110", "d", "11", "1", "1"),
	})
	if got, err := fs.Tree(10); err != nil || !slices.Equal(got, []int{10, 11, 110}) {
		t.Errorf("tree is %v, %v", got, err)
	}
}

func TestResident(t *testing.T) {
	fs := tree(t, map[string]string{
		"10/status": "Name:\tx\nVmPeak:\t 9999 kB\nVmHWM:\t  800 kB\nVmRSS:\t    640 kB\nRssAnon:\t 1 kB\n",
		"11/status": "VmRSS:\t 360 kB\n",
		"12/status": "Name:\tkernel thread\n",
	})
	if got, err := fs.Resident([]int{10, 11}); err != nil || got != 1000<<10 {
		t.Errorf("resident is %v, %v", got, err)
	}
	if _, err := fs.Resident([]int{12}); err == nil {
		t.Error("no error for a process without memory")
	}
}

func TestBusy(t *testing.T) {
	fs := tree(t, map[string]string{"stat": "cpu  9 9 9 9 9 9 9 9 9 9\n" +
		"cpu0 100 20 30 50000 7000 4 5 6 900 10\ncpu1 1 0 0 9 9 0 0 0 0 0\ncpu10 7 0 0 9 9 0 0 0 0 0\nintr 1\n"})
	for core, want := range map[int]time.Duration{0: 1650 * time.Millisecond, 1: 10 * time.Millisecond, 10: 70 * time.Millisecond} {
		if got, err := fs.Busy(core); err != nil || got != want {
			t.Errorf("core %d: %v, %v, want %v", core, got, err, want)
		}
	}
	if _, err := fs.Busy(2); err == nil {
		t.Error("no error for a core that is not there")
	}
}

func TestMachine(t *testing.T) {
	fs := tree(t, map[string]string{
		"cpuinfo":              "processor\t: 0\nmodel name\t: Some CPU @ 2: fast\n\nprocessor\t: 1\nmodel name\t: Some CPU @ 2: fast\n",
		"meminfo":              "MemTotal:        8000 kB\nMemFree: 1 kB\n",
		"sys/kernel/osrelease": "6.1.0\n",
	})
	want := proc.Machine{CPU: "Some CPU @ 2: fast", Cores: 2, MemoryBytes: 8000 << 10, Kernel: "6.1.0"}
	if got, err := fs.Machine(); err != nil || got != want {
		t.Errorf("machine is %+v, %v", got, err)
	}
}

// The real files are read too, and CPU time grows with work.
func TestSelf(t *testing.T) {
	self := []int{os.Getpid()}
	before, err := proc.Default.CPU(self)
	if err != nil {
		t.Fatal(err)
	}
	// As many rounds as it takes, since others may use the machine.
	spent := time.Duration(0)
	for start := time.Now(); spent < 50*time.Millisecond && time.Since(start) < 20*time.Second; {
		after, err := proc.Default.CPU(self)
		if err != nil {
			t.Fatal(err)
		}
		spent = after - before
	}
	if spent < 50*time.Millisecond {
		t.Errorf("twenty seconds of work are %v", spent)
	}
	if got, err := proc.Default.Resident(self); err != nil || got < 1<<20 {
		t.Errorf("resident is %v, %v", got, err)
	}
	if pids, err := proc.Default.Tree(self[0]); err != nil || !slices.Contains(pids, self[0]) {
		t.Errorf("tree is %v, %v", pids, err)
	}
	if _, err := proc.Default.Busy(0); err != nil {
		t.Error(err)
	}
	if m, err := proc.Default.Machine(); err != nil || m.Cores < 1 || m.MemoryBytes < 1<<20 {
		t.Errorf("machine is %+v, %v", m, err)
	}
}
