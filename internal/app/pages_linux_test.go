package app

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// smaps is what Linux tells of the memory of a program: its code, its tables, tables that
// were changed while it was loaded, its data, a library and memory of no file.
const smaps = `00400000-01492000 r-xp 00000000 fe:00 17    /opt/my programs/tollgate
Size:              16968 kB
Rss:               14000 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01492000-03104000 r--p 01092000 fe:00 17    /opt/my programs/tollgate
Rss:               15000 kB
Anonymous:             0 kB
03104000-03105000 r--p 02d04000 fe:00 17    /opt/my programs/tollgate
Rss:                   4 kB
Anonymous:             4 kB
03105000-031f4000 rw-p 02d05000 fe:00 17    /opt/my programs/tollgate
Anonymous:             0 kB
031f4000-031f5000 ---p 02d05000 fe:00 17    /opt/my programs/tollgate
Anonymous:             0 kB
7f96be3d0000-7f96be590000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f97068d9000-7f9706900000 r-xp 00000000 fe:00 9     /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
`

func TestReturnablePages(t *testing.T) {
	want := []mapping{{0x400000, 0x1492000}, {0x1492000, 0x3104000}}
	if got := returnable([]byte(smaps)); !reflect.DeepEqual(got, want) {
		t.Errorf("found %x, want %x", got, want)
	}
	if got := returnable([]byte("what is this")); got != nil {
		t.Errorf("found %x in what is no list", got)
	}
}

// TestReturnPages: the pages of the program go, and it goes on.
func TestReturnPages(t *testing.T) {
	before := fileMemory(t)
	returnPages()
	if after := fileMemory(t); after >= before {
		t.Errorf("%d kB of the program's file were in memory before, and %d kB after", before, after)
	}
}

// fileMemory is how much of the program's own file is in its memory, in kB.
func fileMemory(t *testing.T) (sum int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	program, _ := os.Executable()
	ours := false
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && strings.Contains(f[0], "-"):
			ours = strings.HasSuffix(strings.TrimSpace(line), program)
		case ours && f[0] == "Rss:":
			n := 0
			for _, c := range f[1] {
				n = 10*n + int(c-'0')
			}
			sum += n
		}
	}
	return sum
}
