package control

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/secret"
	"tollgate/internal/spelling"
	"tollgate/internal/vkey"
)

// entry is one key of an import as it was read. It is only good if there are no problems.
type entry struct {
	line     int // of the text; of a JSON array the number of the element, from 1
	input    admin.KeyInput
	value    secret.Text          // the key itself,
	digest   *vkey.Digest         // or the SHA-256 of it
	last4    string               // of a key of which only the digest is known
	reason   string               // why it is disabled
	spent    map[int]admin.Amount // by the number of the limit
	until    time.Time            // when the window ends that it was spent in; zero: the one now
	warnings []string
	problems problems
}

// source reads entries. At the end next gives io.EOF; other errors end the import.
type source interface{ next() (*entry, error) }

// The formats.
const (
	formatNDJSON  = "ndjson"
	formatCSV     = "csv"
	formatLiteLLM = "litellm"
)

// maxLine is the longest line that is read, in bytes: a key needs far less.
const maxLine = 1 << 20

// detect tells in which format keys are written: by the first character, and of JSON by
// the fields of the first object.
func detect(r io.Reader) (string, error) {
	in, lines := bufio.NewReader(&rationed{r: r, left: 2 * maxLine}), 0
	first, err := skipSpace(in, &lines)
	if errors.Is(err, io.EOF) {
		return "", &Error{Kind: Invalid, Code: "nothing_to_import", Detail: "there is nothing to import: the body is empty"}
	}
	if err != nil {
		return "", err
	}
	if first != '{' && first != '[' {
		return formatCSV, nil
	}
	d := json.NewDecoder(in)
	if first == '[' {
		if _, err := d.Token(); err != nil || !d.More() {
			return formatNDJSON, nil // whoever reads it will say what is wrong
		}
	}
	var object map[string]json.RawMessage
	if err := d.Decode(&object); err != nil {
		return formatNDJSON, nil
	}
	if _, ok := object["token"]; ok && object["name"] == nil {
		return formatLiteLLM, nil
	}
	return formatNDJSON, nil
}

// skipSpace passes over a byte order mark and white space, and gives what comes next
// without taking it. It counts the lines that it passes over.
func skipSpace(in *bufio.Reader, lines *int) (byte, error) {
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		if _, err := in.Discard(3); err != nil {
			return 0, err
		}
	}
	for {
		b, err := in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case b == '\n':
			*lines++
		case b != ' ' && b != '\t' && b != '\r':
			return b, in.UnreadByte()
		}
	}
}

// newSource reads keys in a format.
func newSource(format string, r io.Reader) (source, error) {
	limit := &rationed{r: r, left: 2 * maxLine}
	in := bufio.NewReaderSize(limit, 64<<10)
	if format == formatCSV {
		return newTable(in, limit)
	}
	read := readNative
	if format == formatLiteLLM {
		read = newLiteLLM().read
	}
	return &objects{in: in, limit: limit, read: read}, nil
}

// rationed bounds what is read on behalf of one entry: who parses it holds all of an entry
// in memory, and there may be no end to it.
type rationed struct {
	r    io.Reader
	left int
}

// next allows for another entry, and for what is read of those behind it on the way.
func (b *rationed) next() { b.left = max(b.left, 2*maxLine) }

// Read implements io.Reader.
func (b *rationed) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, bufio.ErrTooLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// tooLong is the problem of an entry that is not read to its end.
func (e *entry) tooLong() { e.problems.add("", "is longer than %d bytes", maxLine) }

// objects reads JSON objects, one per line or all in one array.
type objects struct {
	in    *bufio.Reader
	limit *rationed
	read  func(e *entry, raw []byte)
	line  int
	begun bool
	array *json.Decoder // once it is known that they are in an array
	ended bool
}

func (o *objects) next() (*entry, error) {
	if o.ended {
		return nil, io.EOF
	}
	if !o.begun {
		if err := o.begin(); err != nil {
			return nil, err
		}
	}
	if o.array != nil {
		return o.element()
	}
	for {
		o.line++
		raw, err := o.readLine()
		e := &entry{line: o.line}
		switch {
		case errors.Is(err, bufio.ErrTooLong):
			e.tooLong()
			return e, nil
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("line %d: %w", o.line, err)
		}
		o.ended = err != nil
		if raw = bytes.TrimSpace(raw); len(raw) > 0 {
			o.read(e, raw)
			return e, nil
		}
		if o.ended {
			return nil, io.EOF
		}
	}
}

// begin finds out whether there is an array.
func (o *objects) begin() error {
	o.begun = true
	first, err := skipSpace(o.in, &o.line)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case first != '[':
		return nil
	}
	o.line, o.array = 0, json.NewDecoder(o.in)
	_, err = o.array.Token()
	return err
}

// readLine reads up to the end of a line. A line that is too long is passed over.
func (o *objects) readLine() ([]byte, error) {
	var line []byte
	for {
		o.limit.next()
		part, err := o.in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			for errors.Is(err, bufio.ErrBufferFull) {
				o.limit.next()
				_, err = o.in.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return nil, bufio.ErrTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (o *objects) element() (*entry, error) {
	o.line++
	o.limit.next()
	e := &entry{line: o.line}
	if !o.array.More() {
		o.ended = true
		if _, err := o.array.Token(); err != nil {
			e.problems.add("", "the list does not end with ]: is the file cut off?")
			return e, nil
		}
		return nil, io.EOF
	}
	var raw json.RawMessage
	if err := o.array.Decode(&raw); err != nil {
		o.ended = true // nobody knows where the next one begins
		if errors.Is(err, bufio.ErrTooLong) {
			e.tooLong()
			return e, nil
		}
		e.problems.add("", "is no JSON: %v; nothing behind it can be read", err)
		return e, nil
	}
	o.read(e, raw)
	return e, nil
}

// native is one key in our own format: what a key is made of, its value or hash, and
// what was spent before.
type native struct {
	admin.KeyInput
	Key     string        `json:"key"`
	KeyHash string        `json:"key_hash"`
	Spent   *admin.Amount `json:"spent"` // of cost_limit
}

func readNative(e *entry, raw []byte) {
	var in native
	e.problems = decode(raw, &in)
	for i := range e.problems {
		if e.problems[i].Path == "key" {
			e.problems[i].Suggestion = "" // it would be the key
		}
	}
	if len(e.problems) > 0 {
		e.input.Name = in.Name
		return
	}
	e.input = in.KeyInput
	e.secret(in.Key, in.KeyHash)
	for i, l := range in.Limits {
		if l.Standing != nil && l.Spent.Text != "" {
			e.spend(i, l.Spent)
		}
		e.input.Limits[i].Standing = nil
	}
	if in.Spent != nil {
		if in.CostLimit == "" {
			e.problems.add("spent", "belongs to a cost_limit; what other limits have spent stands in them")
		} else {
			e.spend(len(in.Limits), *in.Spent)
		}
	}
}

func (e *entry) spend(limit int, amount admin.Amount) {
	if e.spent == nil {
		e.spent = map[int]admin.Amount{}
	}
	e.spent[limit] = amount
}

// The shortest and the longest value that is taken over as a key.
const (
	minValue = 8
	maxValue = 512
)

// secret takes over a key by its value or by its hash.
func (e *entry) secret(value, hash string) {
	p := &e.problems
	switch {
	case value == "" && hash == "":
		p.add("key", "is missing: the value of the key, or key_hash, its SHA-256")
	case value != "" && hash != "":
		p.add("key_hash", "and key cannot both be given")
	case hash != "":
		d, err := vkey.ParseHash(hash)
		if err != nil {
			p.add("key_hash", "%v", err)
		}
		e.digest = &d
	case len(value) < minValue || len(value) > maxValue:
		p.add("key", "has %d characters; %d to %d are allowed", len(value), minValue, maxValue)
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		p.add("key", "has a character in it that cannot be sent in a header")
	default:
		if _, ok := vkey.Parse(value); vkey.LooksIssued(value) && !ok {
			p.add("key", "begins like a key of tollgate but its checksum is wrong: it was cut off or mistyped")
			return
		}
		e.value = secret.New(value)
	}
}

// table reads keys from CSV with a header.
type table struct {
	rows    *csv.Reader
	limit   *rationed
	last    int  // line of the row before
	ended   bool // nobody knows where the next row begins
	passed  int  // empty lines before the header
	columns []string
	strange []string // columns that nobody knows, told with the first row
}

var tableColumns = []string{
	"name", "key", "key_hash", "cost_limit", "token_limit", "requests_per_minute", "reset_period", "timezone",
	"expires_at", "models", "operations", "networks", "disabled", "spent",
}

func newTable(in *bufio.Reader, limit *rationed) (*table, error) {
	passed := 0
	if _, err := skipSpace(in, &passed); err != nil {
		return nil, err
	}
	t := &table{rows: csv.NewReader(in), limit: limit, passed: passed, last: passed + 1}
	t.rows.FieldsPerRecord = -1
	t.rows.ReuseRecord = true
	if head, _ := in.Peek(in.Size()); len(head) > 0 {
		header, _, _ := bytes.Cut(head, []byte("\n"))
		if bytes.IndexByte(header, ',') < 0 && bytes.IndexByte(header, ';') >= 0 {
			t.rows.Comma = ';'
		}
	}
	header, err := t.rows.Read()
	if err != nil {
		return nil, &Error{Kind: Invalid, Code: "invalid_import", Detail: fmt.Sprintf("the header of the CSV cannot be read: %v", err)}
	}
	var p problems
	seen := map[string]bool{}
	for _, column := range header {
		column = strings.TrimSpace(column)
		_, label := strings.CutPrefix(column, labelPrefix)
		switch known := slices.Contains(tableColumns, column); {
		case seen[column]:
			p.add(shown(column), "is a column twice")
		case !known && !label:
			hint := shown(column)
			if near := spelling.Nearest(column, tableColumns); near != "" {
				hint += " (did you mean " + near + "?)"
			}
			t.strange = append(t.strange, hint)
		}
		seen[column] = true
		t.columns = append(t.columns, column)
	}
	switch {
	case seen["token"] && seen["key_name"]:
		p.add("", `this is LiteLLM's table as CSV; export it as JSON: SELECT json_agg(t) FROM "LiteLLM_VerificationToken" t`)
	case !seen["name"]:
		p.add("name", "is no column of the header; known are %s and label.NAME", strings.Join(tableColumns, ", "))
	case !seen["key"] && !seen["key_hash"]:
		p.add("key", "is no column of the header, and key_hash is none either: one of them is needed")
	}
	return t, p.err()
}

func (t *table) next() (*entry, error) {
	if t.ended {
		return nil, io.EOF
	}
	t.limit.next()
	row, err := t.rows.Read()
	var bad *csv.ParseError
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		t.ended = true
		e := &entry{line: t.last + 1}
		e.tooLong()
		return e, nil
	case errors.As(err, &bad):
		e := &entry{line: t.passed + bad.StartLine}
		e.problems.add("", "is no CSV: %v", bad.Err)
		return e, nil
	case err != nil:
		return nil, err
	}
	e := &entry{}
	e.line, _ = t.rows.FieldPos(0)
	e.line += t.passed
	t.last = e.line
	if len(t.strange) > 0 {
		e.warnings = append(e.warnings, "unknown columns are passed over: "+strings.Join(t.strange, ", "))
		t.strange = nil
	}
	if len(row) != len(t.columns) {
		e.problems.add("", "has %d fields; the header has %d", len(row), len(t.columns))
		return e, nil
	}
	var value, hash string
	for i, column := range t.columns {
		if text := strings.TrimSpace(row[i]); text != "" {
			e.cell(column, text, &value, &hash)
		}
	}
	e.secret(value, hash)
	if len(e.spent) > 0 && e.input.CostLimit == "" {
		e.problems.add("spent", "belongs to a cost_limit")
	}
	return e, nil
}

// cell takes over one field of a row.
func (e *entry) cell(column, text string, value, hash *string) {
	p, in := &e.problems, &e.input
	switch column {
	case "name":
		in.Name = text
	case "key":
		*value = text
	case "key_hash":
		*hash = text
	case "cost_limit":
		in.CostLimit = text
	case "token_limit":
		in.TokenLimit = p.count(column, text)
	case "requests_per_minute":
		in.RequestsLimit = p.count(column, text)
	case "reset_period":
		in.ResetPeriod = text
	case "timezone":
		in.Timezone = text
	case "expires_at":
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			p.suggest(column, asTime(text), "is no time of RFC 3339, for instance 2026-12-31T00:00:00Z")
			return
		}
		in.ExpiresAt = &at
	case "models":
		in.Models = &admin.Models{Allow: words(text)}
	case "operations":
		in.Operations = words(text)
	case "networks":
		in.Networks = words(text)
	case "disabled":
		disabled, err := strconv.ParseBool(text)
		if err != nil {
			p.add(column, "is true or false")
		}
		in.Disabled = disabled
	case "spent":
		e.spend(0, admin.Dollars(text))
	default:
		if name, ok := strings.CutPrefix(column, labelPrefix); ok {
			if in.Labels == nil {
				in.Labels = map[string]string{}
			}
			in.Labels[name] = text
		}
	}
}

// words splits a list that is separated by spaces or by |.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '|' })
}

func (p *problems) count(path, text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		p.suggest(path, wholeNumber(text), "%s is no whole number", shown(text))
		return nil
	}
	return &n
}
