package report

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Measures of the chart, in its own units.
const (
	chartWidth  = 760
	labelWidth  = 250
	valueWidth  = 110
	barHeight   = 13
	rowGap      = 12
	panelTop    = 58
	chartMargin = 20
)

// bar is one value, relative to nginx.
type bar struct {
	class string // of the style sheet
	Spread
}

type chartRow struct {
	label string
	bars  []bar
}

type panel struct {
	title string
	rows  []chartRow
}

// Chart draws shares of nginx: answers per second, then CPU per answer. It
// follows the reader's choice of light or dark.
func (r *Results) Chart() []byte {
	panels := r.panels()
	height := chartMargin
	for _, p := range panels {
		height += p.height()
	}
	height += 2 * chartMargin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-label="Benchmark: tollgate against nginx">
<style>
.back{fill:#ffffff}.text{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#59636e}
.direct{fill:#c3c9d0}.tollgate{fill:#0b6bcb}.range{stroke:#1f2328}
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-weight:600;font-size:15px}.small{font-size:11px}
@media (prefers-color-scheme:dark){
.back{fill:#0d1117}.text{fill:#e6edf3}.dim{fill:#9198a1}.line{stroke:#9198a1}
.direct{fill:#3d444d}.tollgate{fill:#4493f8}.range{stroke:#e6edf3}}
</style>
<rect class="back" width="%[1]d" height="%[2]d"/>
`, chartWidth, height)
	y := chartMargin
	for _, p := range panels {
		p.draw(&b, y)
		y += p.height()
	}
	text(&b, chartMargin, y+chartMargin, "small dim", fmt.Sprintf("Medians of %d rounds, thin lines from the least to the most. %s, %d cores, %s.",
		r.Settings.Rounds, r.Machine.CPU, r.Machine.Cores, r.Date.Format("2 Jan 2006")))
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

func (r *Results) panels() []panel {
	speed := panel{title: "Answers per second, nginx = 1 (longer is better)"}
	cost := panel{title: "CPU time per answer, nginx = 1 (shorter is better)"}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		// At one connection the rate is the latency, of which the chart does not tell.
		if !s.Paced && s.Name != JSON1 {
			speed.add(s, perSecond, Direct, Tollgate)
		}
		cost.add(s, cpu, Tollgate)
	}
	var full []panel
	for _, p := range []panel{speed, cost} {
		if len(p.rows) > 0 {
			full = append(full, p)
		}
	}
	return full
}

func (p *panel) add(s *Scenario, value func(Sample) float64, subjects ...string) {
	row := chartRow{label: s.Title}
	for _, subject := range subjects {
		if share, ok := s.Against(subject, Nginx, value, ratio); ok {
			row.bars = append(row.bars, bar{subject, share})
		}
	}
	if len(row.bars) > 0 {
		p.rows = append(p.rows, row)
	}
}

// height is that of the panel with its title.
func (p *panel) height() int {
	h := panelTop
	for _, row := range p.rows {
		h += row.height()
	}
	return h
}

func (r chartRow) height() int { return len(r.bars)*(barHeight+2) + rowGap }

func (p *panel) draw(b *strings.Builder, top int) {
	// The longest bar sets the scale; a range that goes far beyond it is cut,
	// so that one bad round cannot press all bars together.
	most := 1.0
	for _, row := range p.rows {
		for _, bar := range row.bars {
			most = max(most, 1.2*bar.Median)
		}
	}
	scale := float64(chartWidth-labelWidth-valueWidth) / most
	at := func(v float64) float64 { return labelWidth + min(v, most)*scale }

	text(b, chartMargin, top+14, "title text", p.title)
	y := top + panelTop
	for _, row := range p.rows {
		text(b, chartMargin, y+barHeight-2, "text", row.label)
		for j, bar := range row.bars {
			y := y + j*(barHeight+2)
			middle := float64(y) + barHeight/2.0
			fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", bar.class, labelWidth, y, bar.Median*scale, barHeight)
			fmt.Fprintf(b, `<line class="range" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", at(bar.Min), middle, at(bar.Max), middle)
			text(b, int(at(bar.Max))+6, y+barHeight-2, "small text", fmt.Sprintf("%.2f %s", bar.Median, bar.class))
		}
		y += row.height()
	}
	fmt.Fprintf(b, `<line class="line" x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke-dasharray="4 3"/>`+"\n",
		at(1), top+panelTop-8, at(1), y-rowGap/2)
	text(b, int(at(1))-14, top+panelTop-14, "small dim", Nginx)
}

func text(b *strings.Builder, x, y int, class, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" class="%s">`, x, y, class)
	_ = xml.EscapeText(b, []byte(s)) // a Builder takes everything
	b.WriteString("</text>\n")
}
