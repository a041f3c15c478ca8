package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tollgate/api/admin"
	"tollgate/internal/money"
)

// printJSON writes a value as the API does, indented.
func printJSON(to io.Writer, v any) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table is lines of text in columns. A heading that begins with ">" is of a column
// that is aligned to the right.
type table struct {
	right []bool
	rows  [][]string
}

func newTable(headings ...string) *table {
	t := &table{}
	for i := range headings {
		inner, right := strings.CutPrefix(headings[i], ">")
		headings[i] = inner
		t.right = append(t.right, right)
	}
	t.add(headings...)
	return t
}

// add appends a row. Texts of strangers are made harmless for terminals.
func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// empty tells that there are only headings.
func (t *table) empty() bool { return len(t.rows) < 2 }

// write writes the rows, each after indent.
func (t *table) write(to io.Writer, indent string) error {
	widths := make([]int, len(t.right))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		line := indent
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			if i > 0 {
				line += "  "
			}
			line += cell
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// clean takes out of a text what a terminal would obey.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != ' ' {
			return '·'
		}
		return r
	}, s)
}

// cleanLines cleans a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// amountText writes an amount of a limit of some kind, exactly.
func amountText(kind string, a admin.Amount) string {
	if kind == "cost" {
		return dollars(a.Text)
	}
	return grouped(a.Text)
}

// dollars writes an amount of money exactly.
func dollars(text string) string {
	if text == "" {
		return ""
	}
	if inner, negative := strings.CutPrefix(text, "-"); negative {
		return "-$" + grouped(inner)
	}
	return "$" + grouped(text)
}

// dollarsBriefly writes an amount of money with its cents, or below a dollar with
// four digits if it has as many.
func dollarsBriefly(text string) string {
	n, err := money.ParseNano(text)
	if err != nil {
		return dollars(text)
	}
	unit := money.Nano(money.USD / 100)
	if n > -money.USD && n < money.USD {
		for unit = 1; n/unit > 9999 || n/unit < -9999; unit *= 10 {
		}
		unit = min(unit, money.USD/100)
	}
	half := unit / 2
	if n < 0 {
		half = -half
	}
	return dollars((n.Add(half) / unit * unit).String())
}

// grouped separates the thousands of a number.
func grouped(number string) string {
	whole, fraction, pointed := strings.Cut(number, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if pointed {
		whole += "." + fraction
	}
	return sign + whole
}

func count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// some writes a number and a noun.
func some(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}

// pairs writes labels in the order of their names.
func pairs(names []string, values map[string]string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = name + "=" + values[name]
	}
	return strings.Join(list, ", ")
}

// line writes a line of text.
func line(to io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintln(to, cleanLines(fmt.Sprintf(format, args...)))
	return err
}
