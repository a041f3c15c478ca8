package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Source is a configuration text.
type Source struct {
	Name string // what messages call it, for instance "standard input"; File if empty
	File string // the file that Text was read from, unchanged; "" if from none
	Text []byte // YAML or JSON
}

// ReadSource reads a configuration from a file.
func ReadSource(file string) (Source, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Source{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Source{Name: file, File: file, Text: text}, nil
}

// Options are what Load takes from the world around it. What is nil is taken
// from the process.
type Options struct {
	LookupEnv func(string) (string, bool)
	HomeDir   func() (string, error)
	ReadFile  func(string) ([]byte, error)
	// Strict makes a problem of everything that would be left aside with a warning.
	Strict bool
	// Literal takes every text as it stands, without the environment in it.
	Literal bool
}

// maxFile bounds a file that a configuration refers to, in bytes. Published price
// lists have more than a megabyte.
const maxFile = 32 << 20

// Load reads a configuration. The Report tells everything that is wrong with
// it, and which files to watch, also those that could not be read. The Config
// is never nil; if the Report has problems it is incomplete and only good for
// finding more of them.
func Load(src Source, opts Options) (*Config, *Report) {
	d := newDecoder(cmp.Or(src.Name, src.File), opts)
	c := &Config{}
	if root := d.parse(src.Text); root != nil {
		d.check(root, "")
		d.decode(root, c, "")
		d.report.step()
		d.finish(c)
		d.report.step()
	}
	sortProblems(d.report.Problems)
	sortProblems(d.report.Warnings)
	if src.File != "" {
		d.report.sums[src.File] = sha256.Sum256(src.Text)
	}
	c.Files = d.report.Files
	return c, d.report
}

func newDecoder(name string, opts Options) *decoder {
	if opts.LookupEnv == nil {
		opts.LookupEnv = os.LookupEnv
	}
	if opts.HomeDir == nil {
		opts.HomeDir = os.UserHomeDir
	}
	if opts.ReadFile == nil {
		opts.ReadFile = readFile
	}
	return &decoder{file: name, opts: opts, report: &Report{sums: map[string]sum{}, places: map[string]Position{}}, tables: tables{}, open: map[*yaml.Node]bool{}, left: maxVisits}
}

// readFile reads a file that is no larger than maxFile.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return text, err
}

// yamlLine finds the line in the error text of the YAML parser.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// parse gives the one document of a text, nil if there is none to go on with.
func (d *decoder) parse(text []byte) *yaml.Node {
	if line := invalidLine(text); line > 0 {
		d.report.Add(Position{File: d.file, Line: line, Column: 1}, "the text is not valid UTF-8")
		return nil
	}
	in := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	err := in.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		d.report.Add(Position{File: d.file, Line: 1, Column: 1}, "the configuration is empty")
		return nil
	}
	if err != nil {
		d.syntax(err, text)
		return nil
	}
	switch err := in.Decode(&second); {
	case err == nil:
		d.report.Add(d.at(second.Content[0], ""), "there is more than one document; a configuration is one document")
		return nil
	case !errors.Is(err, io.EOF):
		d.syntax(err, text)
		return nil
	}
	return doc.Content[0]
}

// syntax reports what the YAML parser refused.
func (d *decoder) syntax(err error, text []byte) {
	at := Position{File: d.file, Line: 1, Column: 1}
	message := err.Error()
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			// The parser may name the line after the last one.
			at.Line = max(1, min(line, 1+bytes.Count(bytes.TrimRight(text, "\n"), []byte("\n"))))
		}
	}
	if line := brokenLine(text); line > at.Line {
		at.Line = line
		d.report.Add(at, "the text is not valid YAML from this line on; is it indented like the lines that it belongs to? (%s)", message)
		return
	}
	d.report.Add(at, "the text is not valid YAML: %s", message)
}

// brokenLine gives the line at which a text stops being YAML, 0 if that cannot
// be told. The parser names the beginning of the block that a wrongly indented
// line stands in, which can be far above it.
func brokenLine(text []byte) int {
	var ends []int
	for i, c := range text {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	valid := func(lines int) bool {
		var n yaml.Node
		return yaml.Unmarshal(text[:ends[lines-1]], &n) == nil
	}
	// The last beginning that is valid is followed by the line at fault.
	broken := sort.Search(len(ends), func(i int) bool { return !valid(i + 1) }) + 1
	if broken < 2 || broken > len(ends) || !valid(broken-1) {
		return 0
	}
	return broken
}

// invalidLine gives the line of the first byte that is not UTF-8, 0 if all are.
func invalidLine(text []byte) int {
	for line := 1; len(text) > 0; line++ {
		end := bytes.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		if !utf8.Valid(text[:end]) {
			return line
		}
		text = text[end:]
	}
	return 0
}

// read reads a file that the configuration refers to and remembers its name.
func (d *decoder) read(name string, at Position) ([]byte, bool) {
	if name == "" {
		d.report.Add(at, "the name of the file is empty")
		return nil, false
	}
	if !slices.Contains(d.report.Files, name) {
		d.report.Files = append(d.report.Files, name)
	}
	text, err := d.opts.ReadFile(name)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // the name is told already
		}
		d.report.sums[name] = sum{}
		d.report.Add(at, "cannot read the file %s: %v", name, err)
		return nil, false
	}
	d.report.sums[name] = sha256.Sum256(text)
	return text, true
}
