package control

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/money"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

// litellm reads rows of LiteLLM's table of verification tokens, as JSON. The hash in
// them is the SHA-256 of the key, so that whoever holds one goes on using it.
type litellm struct{ told map[string]bool }

func newLiteLLM() *litellm { return &litellm{told: map[string]bool{}} }

// tokenRow are the columns that mean something here. Numbers stay as they are written:
// money must not pass through a float.
type tokenRow struct {
	Token       string          `json:"token"`
	KeyName     string          `json:"key_name"`
	KeyAlias    string          `json:"key_alias"`
	Spend       json.Number     `json:"spend"`
	MaxBudget   json.Number     `json:"max_budget"`
	Duration    string          `json:"budget_duration"`
	ResetAt     string          `json:"budget_reset_at"`
	TPM         json.Number     `json:"tpm_limit"`
	RPM         json.Number     `json:"rpm_limit"`
	MaxParallel json.Number     `json:"max_parallel_requests"`
	Models      []string        `json:"models"`
	Expires     string          `json:"expires"`
	Blocked     bool            `json:"blocked"`
	TeamID      string          `json:"team_id"`
	UserID      string          `json:"user_id"`
	Metadata    json.RawMessage `json:"metadata"`
}

// passedOver are columns that say nothing about what a key may do.
var passedOver = []string{
	"created_at", "created_by", "updated_at", "updated_by", "last_active", "last_refreshed_at", "user", "key", "token_id", "id",
	"model_spend", "spend_updated_at", "soft_budget_cooldown", "rotation_count", "last_rotation_at", "key_rotation_at",
}

func (r *litellm) read(e *entry, raw []byte) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		e.problems.add("", "is no JSON object: %v", err)
		return
	}
	var row tokenRow
	if err := json.Unmarshal(raw, &row); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			e.problems.add(kind.Field, "is a %s, which is not what LiteLLM has there", kind.Value)
		} else {
			e.problems.add("", "cannot be read: %v", err)
		}
		return
	}
	r.strangers(e, all)
	e.identity(&row)
	e.labels(&row)
	e.input.Models = e.models(row.Models)
	if row.Blocked {
		e.input.Disabled, e.reason = true, "blocked in LiteLLM"
	}
	if row.Expires != "" {
		if at, ok := anyTime(row.Expires); ok {
			e.input.ExpiresAt = &at
		} else {
			e.problems.add("expires", "%s is no time", shown(row.Expires))
		}
	}
	e.budget(&row)
	e.rate("tpm_limit", "tokens", row.TPM, &admin.Window{Sliding: "60s"})
	e.rate("rpm_limit", "requests", row.RPM, &admin.Window{Sliding: "60s"})
	e.rate("max_parallel_requests", "concurrency", row.MaxParallel, nil)
}

// strangers warns of columns that have a value and are not taken over, of each once.
func (r *litellm) strangers(e *entry, all map[string]json.RawMessage) {
	known := fieldsOf(tokenRowType)
	for _, column := range sorted(all) {
		if _, ok := known[column]; ok || r.told[column] || slices.Contains(passedOver, column) {
			continue
		}
		switch strings.TrimSpace(string(all[column])) {
		case "null", `""`, "{}", "[]", "false", "0", "0.0":
			continue
		}
		r.told[column] = true
		e.warnings = append(e.warnings, fmt.Sprintf("the column %s is not taken over, here and in other lines", shown(column)))
	}
}

var tokenRowType = reflect.TypeFor[tokenRow]()

var tokenDigits = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// identity takes over the key and what it is called.
func (e *entry) identity(row *tokenRow) {
	switch {
	case tokenDigits.MatchString(row.Token):
		var d vkey.Digest
		if _, err := hex.Decode(d[:], []byte(row.Token)); err != nil {
			e.problems.add("token", "is no SHA-256")
		}
		e.digest = &d
		e.last4 = lastOf(row.KeyName)
	case strings.HasPrefix(row.Token, "sk-"): // an old one that was never hashed
		e.value = secret.New(row.Token)
	default:
		e.problems.add("token", "is missing, or no SHA-256 in 64 hexadecimal digits")
	}
	name := strings.TrimSpace(row.KeyAlias)
	if name == "" && e.digest != nil {
		name = "litellm-" + hex.EncodeToString(e.digest[:4])
		e.warnings = append(e.warnings, "it has no key_alias: it is called "+name)
	}
	e.input.Name = name
}

// lastOf gives the end of a key as LiteLLM shows it ("sk-...abcd").
func lastOf(name string) string {
	if _, last, ok := strings.Cut(name, "..."); ok && len(last) == 4 && labelName.MatchString(last) {
		return last
	}
	return ""
}

var noLabel = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// labels takes over team, user and what is flat of the metadata.
func (e *entry) labels(row *tokenRow) {
	labels := map[string]string{}
	metadata := e.metadata(row.Metadata)
	for _, name := range sorted(metadata) {
		raw := metadata[name]
		label := noLabel.ReplaceAllString(name, "_")
		text, ok := flat(raw)
		switch {
		case ok && text == "":
		case !ok || len(label) > 63 || len(text) > maxLabelValue || len(labels) >= maxLabels-2:
			e.warnings = append(e.warnings, fmt.Sprintf("metadata.%s is not taken over: a label is a short text", label))
		default:
			labels[label] = text
		}
	}
	if row.TeamID != "" {
		labels["team"] = row.TeamID
	}
	if row.UserID != "" {
		labels["user"] = row.UserID
	}
	if len(labels) > 0 {
		e.input.Labels = labels
	}
}

// metadata reads an object, which some exports have as text.
func (e *entry) metadata(raw json.RawMessage) map[string]json.RawMessage {
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		raw = json.RawMessage(text)
	}
	var object map[string]json.RawMessage
	if len(raw) > 0 && text+string(raw) != `""` && json.Unmarshal(raw, &object) != nil {
		e.warnings = append(e.warnings, "metadata is not taken over: it is no object")
	}
	return object
}

// flat gives a JSON value as text, if it is not made of others.
func flat(raw json.RawMessage) (string, bool) {
	value, err := parse(raw)
	if err != nil {
		return "", false
	}
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case map[string]any:
		return "", len(v) == 0
	case []any:
		return "", len(v) == 0
	default:
		return "", false
	}
}

// models translates the list of models, in which some words are none.
func (e *entry) models(list []string) *admin.Models {
	allow := []string{}
	for _, m := range list {
		switch m {
		case "all-proxy-models":
			return nil
		case "all-team-models":
			e.warnings = append(e.warnings, "all-team-models allows all models here: tollgate knows no lists of teams")
			return nil
		case "no-default-models":
		default:
			allow = append(allow, m)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &admin.Models{Allow: allow}
}

func (e *entry) rate(column, kind string, n json.Number, window *admin.Window) {
	if n == "" {
		return
	}
	text := n.String()
	if whole := wholeNumber(text); whole != "" {
		text = whole
	}
	if v, err := strconv.ParseInt(text, 10, 64); err != nil || v < 0 {
		e.problems.add(column, "%s is no whole number", shown(n.String()))
		return
	}
	e.input.Limits = append(e.input.Limits, admin.Limit{Kind: kind, Amount: admin.Amount{Text: text}, Window: window})
}

// budget translates max_budget and its duration to a limit on cost, and takes over what
// is spent of it.
func (e *entry) budget(row *tokenRow) {
	if row.MaxBudget == "" {
		if spent, err := money.NanoOfNumber(orZero(row.Spend)); err == nil && spent > 0 {
			e.warnings = append(e.warnings, fmt.Sprintf("what it has spent (%s) is not taken over: it has no max_budget", spent))
		}
		return
	}
	amount, err := money.NanoOfNumber(row.MaxBudget.String())
	if err != nil {
		e.problems.add("max_budget", "%v", err)
		return
	}
	spent, err := money.NanoOfNumber(orZero(row.Spend))
	if err != nil {
		e.problems.add("spend", "%v", err)
		return
	}
	window, err := e.period(row.Duration, row.ResetAt)
	if err != nil {
		e.problems.add("budget_duration", "%v", err)
		return
	}
	if spent > 0 {
		e.spend(len(e.input.Limits), admin.Dollars(spent.String()))
	}
	e.input.Limits = append(e.input.Limits, admin.Limit{Kind: "cost", Amount: admin.Dollars(amount.String()), Window: window})
	if at, ok := anyTime(row.ResetAt); ok && window != nil {
		e.until = at
	}
}

func orZero(n json.Number) string {
	if n == "" {
		return "0"
	}
	return n.String()
}

var tokenDuration = regexp.MustCompile(`^(\d{1,6})(mo|[smhdw])$`)

// period translates the duration of a budget, so that it is reset when LiteLLM would
// have reset it. LiteLLM's 1d, 7d and 30d are days, weeks and months of the calendar; its
// other durations have one length.
func (e *entry) period(duration, resetAt string) (*admin.Window, error) {
	if duration == "" {
		return nil, nil
	}
	m := tokenDuration.FindStringSubmatch(duration)
	if m == nil {
		return nil, fmt.Errorf("%s is no duration", shown(duration))
	}
	reset, known := anyTime(resetAt)
	if resetAt != "" && !known {
		return nil, fmt.Errorf("the budget_reset_at %s is no time", shown(resetAt))
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return nil, fmt.Errorf("%s is no duration", shown(duration))
	}
	if calendar := calendarOf(n, m[2]); calendar != nil && (!known || begins(calendar.Calendar, reset)) {
		return calendar, nil
	}
	if m[2] == "mo" {
		return monthsFrom(n, reset, known)
	}
	length := time.Duration(n) * map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}[m[2]]
	w := &admin.Window{Fixed: budget.FormatLength(length)}
	if known {
		w.Origin = &reset
	}
	return w, nil
}

// calendarOf gives the calendar window that LiteLLM means by a duration, nil if none.
func calendarOf(n int, unit string) *admin.Window {
	switch strconv.Itoa(n) + unit {
	case "1d", "24h":
		return &admin.Window{Calendar: "day"}
	case "7d", "1w":
		return &admin.Window{Calendar: "week"}
	case "30d", "1mo":
		return &admin.Window{Calendar: "month"}
	default:
		return nil
	}
}

// begins tells whether a period of the calendar in UTC begins at an instant.
func begins(period string, at time.Time) bool {
	at = at.UTC()
	if !at.Equal(at.Truncate(24 * time.Hour)) {
		return false
	}
	return period == "day" || period == "week" && at.Weekday() == time.Monday || period == "month" && at.Day() == 1
}

// monthsFrom gives windows of whole months that begin when the next one would.
func monthsFrom(n int, reset time.Time, known bool) (*admin.Window, error) {
	reset = reset.UTC()
	switch {
	case known && !reset.Equal(reset.Truncate(24*time.Hour)):
		return nil, fmt.Errorf("months that begin at %s of the day are no window here; choose one after the import", reset.Format("15:04"))
	case n == 1:
		return &admin.Window{Calendar: "month", Anchor: strconv.Itoa(reset.Day())}, nil
	case n == 3 && known:
		return &admin.Window{Calendar: "quarter", Anchor: fmt.Sprintf("%02d-%02d", (int(reset.Month())-1)%3+1, reset.Day())}, nil
	case n == 3:
		return &admin.Window{Calendar: "quarter"}, nil
	case n == 12 && known:
		return &admin.Window{Calendar: "year", Anchor: fmt.Sprintf("%02d-%02d", reset.Month(), reset.Day())}, nil
	case n == 12:
		return &admin.Window{Calendar: "year"}, nil
	}
	return nil, fmt.Errorf("%d months are no window here; use 1, 3 or 12 months, or give days", n)
}

// anyTime reads a time as databases and Python write it; one without a zone is UTC.
func anyTime(text string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07", "2006-01-02 15:04:05", time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
