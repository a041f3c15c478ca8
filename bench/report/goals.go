package report

import "fmt"

// The names of the scenarios that goals are about.
const (
	JSON1   = "json-1"
	JSON16  = "json-16"
	JSON64  = "json-64"
	JSON256 = "json-256"
	Burst   = "burst-16"
	Paced   = "paced-64"
)

// Verdicts.
const (
	Met         = "met"
	AimMet      = "met, aim too"
	Missed      = "missed"
	NotMeasured = "not measured"
)

// Goal is something that tollgate promises about itself, with what was found.
type Goal struct {
	What    string
	Wanted  string
	Found   string // "" if it was not measured
	Verdict string
}

// Goals gives the promises and whether this run kept them. A median decides.
func (r *Results) Goals() []Goal {
	return []Goal{
		r.atLeast("JSON, 64 connections: share of nginx", JSON64, Tollgate, Nginx, 0.35, 0.45),
		r.atLeast("streams in a burst, 16 connections: share of nginx", Burst, Tollgate, Nginx, 0.30, 0.38),
		r.between("CPU of a paced stream against nginx", Paced, Tollgate, Nginx, cpu, ratio, 2.2, "%.2f ×"),
		r.between("p50 added to a direct call, one connection", JSON1, Tollgate, Direct, p50, difference, 150, "%.0f µs"),
		r.atLeast("limits and ledger, 16 connections: share of the same without", JSON16, Limited, Tollgate, 0.60, 0.85),
		r.atLeast("limits and ledger, 64 connections: share of the same without", JSON64, Limited, Tollgate, 0.60, 0.85),
		r.atLeast("limits and ledger, 256 connections: share of the same without", JSON256, Limited, Tollgate, 0.60, 0.85),
		r.between("p50 added by limits and ledger, one connection", JSON1, Limited, Tollgate, p50, difference, 500, "%.0f µs"),
		r.footprintBelow("resident with 2,000 open streams", 200, "%.0f MB", func(f *Footprint) (float64, bool) {
			return megabytes(f.StreamBytes), f.Streams >= 2000
		}),
		r.footprintBelow("start to first answer", 100, "%.0f ms", func(f *Footprint) (float64, bool) {
			s, ok := SpreadOf(f.StartMillis)
			return s.Median, ok
		}),
		r.footprintBelow("resident when idle", 40, "%.0f MB", func(f *Footprint) (float64, bool) {
			return megabytes(f.IdleBytes), f.IdleBytes > 0
		}),
	}
}

func (r *Results) atLeast(what, scenario, subject, other string, least, aim float64) Goal {
	g := Goal{What: what, Wanted: fmt.Sprintf("at least %.2f (aim: %.2f)", least, aim), Verdict: NotMeasured}
	s := r.scenario(scenario)
	if s == nil {
		return g
	}
	share, ok := s.Against(subject, other, perSecond, ratio)
	if !ok {
		return g
	}
	g.Found = fmt.Sprintf("%.2f (%.2f–%.2f)", share.Median, share.Min, share.Max)
	switch {
	case share.Median >= aim:
		g.Verdict = AimMet
	case share.Median >= least:
		g.Verdict = Met
	default:
		g.Verdict = Missed
	}
	return g
}

func (r *Results) between(what, scenario, subject, other string, value func(Sample) float64, combine func(a, b float64) float64, most float64, format string) Goal {
	g := Goal{What: what, Wanted: "at most " + fmt.Sprintf(format, most), Verdict: NotMeasured}
	s := r.scenario(scenario)
	if s == nil {
		return g
	}
	found, ok := s.Against(subject, other, value, combine)
	if !ok {
		return g
	}
	g.Found = fmt.Sprintf(format+" (%.4g–%.4g)", found.Median, found.Min, found.Max)
	g.Verdict = verdict(found.Median <= most)
	return g
}

func (r *Results) footprintBelow(what string, limit float64, format string, value func(*Footprint) (float64, bool)) Goal {
	g := Goal{What: what, Wanted: "below " + fmt.Sprintf(format, limit), Verdict: NotMeasured}
	f := r.footprint(Tollgate)
	if f == nil {
		return g
	}
	if found, ok := value(f); ok {
		g.Found, g.Verdict = fmt.Sprintf(format, found), verdict(found < limit)
	}
	return g
}

func verdict(met bool) string {
	if met {
		return Met
	}
	return Missed
}

// megabytes are 10^6 bytes.
func megabytes(n int64) float64 { return float64(n) / 1e6 }
