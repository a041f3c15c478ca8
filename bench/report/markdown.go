package report

import (
	"fmt"
	"strings"
)

// Markdown writes the results for people: the machine, the tables, the goals
// and what casts doubt on them.
func (r *Results) Markdown() string {
	var b strings.Builder
	r.writeMachine(&b)
	r.writeThroughput(&b)
	r.writeLatency(&b)
	r.writeLimited(&b)
	r.writeFootprints(&b)
	r.writeGoals(&b)
	r.writeDoubts(&b)
	return b.String()
}

func (r *Results) writeMachine(b *strings.Builder) {
	fmt.Fprintf(b, "Measured on %s: %s, %d cores, %.1f GB, Linux %s; %s", r.Date.Format("2 January 2006"),
		r.Machine.CPU, r.Machine.Cores, float64(r.Machine.MemoryBytes)/1e9, r.Machine.Kernel, r.Versions.Go)
	if r.Versions.Nginx != "" {
		fmt.Fprintf(b, ", %s", r.Versions.Nginx)
	}
	if r.Versions.Tollgate != "" {
		fmt.Fprintf(b, ", tollgate %s", r.Versions.Tollgate)
	}
	fmt.Fprintf(b, ".\nMedians of %d interleaved rounds of %g s, %d virtual keys in turn; ", r.Settings.Rounds, r.Settings.Seconds, r.Settings.Keys)
	if r.Settings.Pinned {
		b.WriteString("the gateway on core 0, load and provider on core 1.\n")
	} else {
		b.WriteString("nothing pinned: gateway, load and provider share the cores.\n")
	}
}

func (r *Results) writeThroughput(b *strings.Builder) {
	if len(r.Scenarios) == 0 {
		return
	}
	b.WriteString("\n| answers per second | direct | nginx | tollgate | share of nginx (range) | CPU µs per answer: nginx | tollgate | ratio (range) |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		share := "set by the load"
		if !s.Paced {
			share = ranged(s.Against(Tollgate, Nginx, perSecond, ratio))
		}
		row(b, s.Title,
			plain(s.Of(Direct, perSecond)), plain(s.Of(Nginx, perSecond)), plain(s.Of(Tollgate, perSecond)), share,
			plain(s.Of(Nginx, cpu)), plain(s.Of(Tollgate, cpu)), ranged(s.Against(Tollgate, Nginx, cpu, ratio)))
	}
}

func (r *Results) writeLatency(b *strings.Builder) {
	if len(r.Scenarios) == 0 {
		return
	}
	b.WriteString("\n| µs to the end of the answer, of streams to their first byte | p50: direct | nginx | tollgate | p50 added by nginx (range) | by tollgate (range) | p99: direct | nginx | tollgate |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		half, most := p50, p99
		if s.Stream {
			half, most = firstP50, firstP99
		}
		row(b, s.Title,
			plain(s.Of(Direct, half)), plain(s.Of(Nginx, half)), plain(s.Of(Tollgate, half)),
			added(s.Against(Nginx, Direct, half, difference)), added(s.Against(Tollgate, Direct, half, difference)),
			plain(s.Of(Direct, most)), plain(s.Of(Nginx, most)), plain(s.Of(Tollgate, most)))
	}
}

// writeLimited shows what limits and their ledger cost.
func (r *Results) writeLimited(b *strings.Builder) {
	header := "\n| four limits on every key, a pool over all, a durable ledger | answers per second without | with | share (range) | CPU µs per answer: without | with | p50 µs: without | with | added (range) |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if _, ok := s.Of(Limited, perSecond); !ok {
			continue
		}
		half, share := p50, "set by the load"
		if s.Stream {
			half = firstP50
		}
		if !s.Paced {
			share = ranged(s.Against(Limited, Tollgate, perSecond, ratio))
		}
		b.WriteString(header)
		header = ""
		row(b, s.Title, plain(s.Of(Tollgate, perSecond)), plain(s.Of(Limited, perSecond)), share,
			plain(s.Of(Tollgate, cpu)), plain(s.Of(Limited, cpu)),
			plain(s.Of(Tollgate, half)), plain(s.Of(Limited, half)), added(s.Against(Limited, Tollgate, half, difference)))
	}
}

func (r *Results) writeFootprints(b *strings.Builder) {
	if len(r.Footprints) == 0 {
		return
	}
	b.WriteString("\n| | start to first answer (range) | resident when idle | resident with open streams |\n| --- | ---: | ---: | ---: |\n")
	for _, f := range r.Footprints {
		start, _ := SpreadOf(f.StartMillis)
		row(b, f.Subject, fmt.Sprintf("%.0f ms (%.0f–%.0f)", start.Median, start.Min, start.Max),
			fmt.Sprintf("%.1f MB", megabytes(f.IdleBytes)), fmt.Sprintf("%.1f MB (%s)", megabytes(f.StreamBytes), count(float64(f.Streams))))
	}
}

func (r *Results) writeGoals(b *strings.Builder) {
	b.WriteString("\n| goal | wanted | found | |\n| --- | --- | --- | --- |\n")
	for _, g := range r.Goals() {
		row(b, g.What, g.Wanted, g.Found, g.Verdict)
	}
}

// writeDoubts says what a reader must know before believing the numbers.
func (r *Results) writeDoubts(b *strings.Builder) {
	if d, ok := r.Disturbance(); ok && r.Settings.Pinned {
		fmt.Fprintf(b, "\nOther programs and the host took %.0f %% of a core (median; %.0f %% at worst); %d rounds were repeated because it was more than %.0f %%.\n",
			100*d.Median, 100*d.Max, r.Settings.Repeated, 100*Tolerable)
	}
	if titles := r.disturbed(); len(titles) > 0 {
		fmt.Fprintf(b, "\n**Not to be trusted, because the machine was busy with something else:** %s.\n", strings.Join(titles, "; "))
	}
	if w := r.Work; w != nil {
		fmt.Fprintf(b, "\nOf the %s requests that tollgate answered, its access log shows %s and its metrics %s.\n",
			count(float64(w.Requests)), count(float64(w.LogLines)), count(float64(w.Metered)))
	}
}

func row(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// plain shows the median; a value of 0 means that there is nothing to tell.
func plain(s Spread, ok bool) string {
	switch {
	case !ok || s.Median == 0:
		return "–"
	case s.Median < 100:
		return fmt.Sprintf("%.1f", s.Median)
	default:
		return count(s.Median)
	}
}

func ranged(s Spread, ok bool) string {
	if !ok {
		return "–"
	}
	return fmt.Sprintf("**%.2f** (%.2f–%.2f)", s.Median, s.Min, s.Max)
}

func added(s Spread, ok bool) string {
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.0f (%.0f–%.0f)", s.Median, s.Min, s.Max)
}

// count writes a whole number with commas between the thousands.
func count(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
