package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What stands between the markers of a document is written by the benchmark.
const (
	beginMarker = "<!-- benchmark: begin (written by make bench, do not edit) -->"
	endMarker   = "<!-- benchmark: end -->"
)

// Write puts the results into a folder: results.json, results.md, benchmark.svg.
func (r *Results) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder for the results: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the results as JSON: %w", err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "results.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "results.md"), []byte(r.Markdown()), 0o644),
		os.WriteFile(filepath.Join(dir, "benchmark.svg"), r.Chart(), 0o644),
	)
}

// Read takes results from the results.json that Write wrote.
func Read(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	r := &Results{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading results from %s: %w", path, err)
	}
	return r, nil
}

// WriteDocument puts the tables into the document base+".md", between its
// markers, and the chart into images/benchmark.svg beside it. A document that
// does not exist is made; one without markers is an error.
func (r *Results) WriteDocument(base string) error {
	path, image := base+".md", filepath.Join("images", "benchmark.svg")
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = []byte("# Benchmarks\n\n" + beginMarker + "\n" + endMarker + "\n")
	case err != nil:
		return fmt.Errorf("reading the document: %w", err)
	}
	section := "![tollgate against nginx](" + filepath.ToSlash(image) + ")\n\n" + r.Markdown()
	text, err := replaceSection(string(old), section)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	chart := filepath.Join(filepath.Dir(base), image)
	if err := os.MkdirAll(filepath.Dir(chart), 0o755); err != nil {
		return fmt.Errorf("making the folder for the chart: %w", err)
	}
	return errors.Join(os.WriteFile(path, []byte(text), 0o644), os.WriteFile(chart, r.Chart(), 0o644))
}

// WriteSummary puts the chart and the goals of the document base+".md" into
// another document, between its markers; base is relative to that document.
func (r *Results) WriteSummary(path, base string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	var b strings.Builder
	image := filepath.ToSlash(filepath.Join(filepath.Dir(base), "images", "benchmark.svg"))
	fmt.Fprintf(&b, "![tollgate against nginx](%s)\n\n", image)
	r.writeMachine(&b)
	r.writeGoals(&b)
	r.writeDoubts(&b)
	fmt.Fprintf(&b, "\nAll tables, with their spread: [%[1]s.md](%[1]s.md).\n", filepath.ToSlash(base))
	text, err := replaceSection(string(old), b.String())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func replaceSection(document, section string) (string, error) {
	before, rest, ok := strings.Cut(document, beginMarker)
	if !ok {
		return "", fmt.Errorf("no line %q", beginMarker)
	}
	_, after, ok := strings.Cut(rest, endMarker)
	if !ok {
		return "", fmt.Errorf("no line %q", endMarker)
	}
	return before + beginMarker + "\n\n" + section + "\n" + endMarker + after, nil
}
