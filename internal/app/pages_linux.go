package app

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// returnPages gives back the pages of the program's own file that the start has
// touched. They count as this process's memory for as long as they are mapped, and most
// of them are code and tables that only a start needs. What is needed again is mapped
// again from the kernel's cache of the file, a few pages at a time.
func returnPages() {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return // it is a matter of size, and of nothing else
	}
	for _, m := range returnable(text) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.begin, m.end-m.begin, syscall.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ begin, end uintptr }

// returnable finds, in the text of /proc/self/smaps, what is mapped from the program's
// file and can be had from it again byte for byte: read-only, and no page was changed
// since. A page that was (by a loader that relocates, or a debugger) would be lost.
func returnable(smaps []byte) []mapping {
	var found []mapping
	program := "" // its code is in the first mapping that there is
	var m mapping
	ours := false
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) >= 5 && !strings.HasSuffix(f[0], ":"):
			path := strings.Join(f[5:], " ")
			if program == "" {
				program = path
			}
			from, to, _ := strings.Cut(f[0], "-")
			begin, err := strconv.ParseUint(from, 16, 64)
			end, err2 := strconv.ParseUint(to, 16, 64)
			m = mapping{uintptr(begin), uintptr(end)}
			ours = err == nil && err2 == nil && path != "" && path == program && strings.HasPrefix(f[1], "r") && !strings.Contains(f[1], "w")
		case ours && len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0":
			found = append(found, m)
		}
	}
	return found
}
