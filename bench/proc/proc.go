// Package proc reads from Linux' /proc what a process and a machine use: CPU
// time, memory, and who else is busy. It knows nothing of what they do.
package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is part of the
// kernel's interface and 100 on every architecture that tollgate runs on.
const tick = 10 * time.Millisecond

// FS is where the proc file system is found.
type FS string

// Default is where Linux mounts it.
const Default FS = "/proc"

// Tree lists a process and its descendants.
func (fs FS) Tree(pid int) ([]int, error) {
	stats, err := filepath.Glob(filepath.Join(string(fs), "[0-9]*", "stat"))
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended in the meantime
		}
		s, err := parseStat(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		children[s.parent] = append(children[s.parent], s.pid)
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	slices.Sort(tree)
	return tree, nil
}

// CPU is the time that the processes have spent, in user and kernel mode.
func (fs FS) CPU(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		text, err := os.ReadFile(fs.of(pid, "stat"))
		if err != nil {
			return 0, fmt.Errorf("reading CPU time: %w", err)
		}
		s, err := parseStat(text)
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", pid, err)
		}
		sum += s.cpu
	}
	return sum, nil
}

// Resident is the memory of the processes in bytes. Pages that several of them
// share are counted for each.
func (fs FS) Resident(pids []int) (int64, error) {
	var sum int64
	for _, pid := range pids {
		text, err := os.ReadFile(fs.of(pid, "status"))
		if err != nil {
			return 0, fmt.Errorf("reading memory: %w", err)
		}
		n, err := parseResident(text)
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", pid, err)
		}
		sum += n
	}
	return sum, nil
}

// Busy is the time since boot that a core was not idle, time stolen by the
// host of a virtual machine included.
func (fs FS) Busy(core int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(string(fs), "stat"))
	if err != nil {
		return 0, fmt.Errorf("reading the cores: %w", err)
	}
	return parseBusy(text, core)
}

// Machine names the hardware and its kernel.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	MemoryBytes int64  `json:"memory_bytes"`
	Kernel      string `json:"kernel"`
}

// Machine describes the machine that fs belongs to.
func (fs FS) Machine() (Machine, error) {
	var m Machine
	cpu, err := os.ReadFile(filepath.Join(string(fs), "cpuinfo"))
	if err != nil {
		return m, fmt.Errorf("reading the processor: %w", err)
	}
	m.CPU = value(cpu, "model name")
	if m.CPU == "" {
		m.CPU = "unnamed processor"
	}
	for line := range bytes.Lines(cpu) {
		if bytes.HasPrefix(line, []byte("processor")) {
			m.Cores++
		}
	}
	memory, err := os.ReadFile(filepath.Join(string(fs), "meminfo"))
	if err != nil {
		return m, fmt.Errorf("reading the memory: %w", err)
	}
	if m.MemoryBytes, err = kilobytes(value(memory, "MemTotal")); err != nil {
		return m, err
	}
	kernel, err := os.ReadFile(filepath.Join(string(fs), "sys/kernel/osrelease"))
	if err != nil {
		return m, fmt.Errorf("reading the kernel: %w", err)
	}
	m.Kernel = strings.TrimSpace(string(kernel))
	return m, nil
}

func (fs FS) of(pid int, file string) string {
	return filepath.Join(string(fs), strconv.Itoa(pid), file)
}

type stat struct {
	pid, parent int
	cpu         time.Duration
}

// parseStat reads /proc/PID/stat. The second field is the program's name in
// parentheses, which may itself hold spaces and parentheses.
func parseStat(text []byte) (stat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("no name in %.40q", text)
	}
	// The fields from the third on: state, parent, …, user time (14th), system time (15th).
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 13 {
		return stat{}, fmt.Errorf("only %d fields in %.40q", len(fields)+2, text)
	}
	var numbers [4]int64
	for i, field := range []string{string(bytes.TrimSpace(text[:open])), fields[1], fields[11], fields[12]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("field %q in %.40q is no number", field, text)
		}
		numbers[i] = n
	}
	return stat{
		pid:    int(numbers[0]),
		parent: int(numbers[1]),
		cpu:    time.Duration(numbers[2]+numbers[3]) * tick,
	}, nil
}

func parseResident(status []byte) (int64, error) {
	return kilobytes(value(status, "VmRSS"))
}

// value finds the line "name: value".
func value(text []byte, name string) string {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if before, after, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(before) == name {
			return strings.TrimSpace(after)
		}
	}
	return ""
}

func kilobytes(s string) (int64, error) {
	number, ok := strings.CutSuffix(s, " kB")
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is no amount of kB", s)
	}
	return n << 10, nil
}

// parseBusy sums user, nice, system, irq, softirq and steal of a core. Guest
// time is part of user time already.
func parseBusy(text []byte, core int) (time.Duration, error) {
	name := "cpu" + strconv.Itoa(core)
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 9 || fields[0] != name {
			continue
		}
		var sum time.Duration
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
			sum += time.Duration(n) * tick
		}
		return sum, nil
	}
	return 0, fmt.Errorf("no %s in the list of cores", name)
}
