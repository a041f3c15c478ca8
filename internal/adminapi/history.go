package adminapi

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
)

// keyUsage are the parameters of what one key used.
type keyUsage struct {
	ID       string    `path:"id" maxLength:"200" doc:"Id or name of the key"`
	From     time.Time `query:"from" doc:"Default: the beginning of the month"`
	To       time.Time `query:"to" doc:"Default: now"`
	GroupBy  []string  `query:"group_by" doc:"model, provider, hour or day; several with commas"`
	Model    string    `query:"model"`
	Provider string    `query:"provider"`
}

func (s *service) usage() {
	register(s, "getUsage", about{
		tag: "Usage", summary: "Sum up what was used and what it cost", labels: true,
	}, func(ctx context.Context, rq *asked, in *admin.UsageFilter, _ *none) (*admin.Usage, error) {
		in.Labels = rq.labels
		return s.control.Usage(ctx, rq.Call, *in)
	})
	register(s, "getKeyUsage", about{tag: "Usage", summary: "Sum up what a key used and what it cost"},
		func(ctx context.Context, rq *asked, in *keyUsage, _ *none) (*admin.Usage, error) {
			return s.control.KeyUsage(ctx, rq.Call, in.ID, admin.UsageFilter{
				From: in.From, To: in.To, GroupBy: in.GroupBy, Model: in.Model, Provider: in.Provider,
			})
		})
	stream(s, "exportUsage", about{
		tag: "Usage", summary: "Sum up what was used as CSV", labels: true, gives: "text/csv",
		text: "One line for each group.",
	}, func(ctx context.Context, rq *asked, in *admin.UsageFilter, out *output) error {
		in.Labels = rq.labels
		sums, err := s.control.Usage(ctx, rq.Call, *in)
		if err != nil {
			return err
		}
		out.kind, out.file = "text/csv; charset=utf-8", "usage.csv"
		return writeUsage(out, in.GroupBy, sums)
	})
	register(s, "getOverview", about{tag: "Usage", summary: "Show what matters at a glance"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.Overview, error) {
			return s.control.Overview(ctx, rq.Call)
		})
}

// writeUsage writes sums as CSV: what they are grouped by, then the figures.
func writeUsage(to io.Writer, groupBy []string, sums *admin.Usage) error {
	w := csv.NewWriter(to)
	head := append([]string{"from", "to"}, groupBy...)
	named := len(sums.Groups) > 0 && sums.Groups[0].Name != ""
	if named {
		head = append(head, "name")
	}
	_ = w.Write(append(head, "requests", "refused", "failed", "input_tokens", "output_tokens", "cached_input_tokens",
		"reasoning_tokens", "cost_usd", "unpriced_requests", "mean_duration_seconds")) // w keeps its first error
	groups := sums.Groups
	if len(groupBy) == 0 {
		groups = []admin.UsageGroup{{UsageSums: sums.Total}}
	}
	for _, g := range groups {
		line := []string{sums.From.Format(time.RFC3339), sums.To.Format(time.RFC3339)}
		for _, by := range groupBy {
			line = append(line, cell(g.Group[by]))
		}
		if named {
			line = append(line, cell(g.Name))
		}
		for _, n := range []int64{g.Requests, g.Refused, g.Failed, g.InputTokens, g.OutputTokens, g.CachedInputTokens, g.ReasoningTokens} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		_ = w.Write(append(line, g.CostUSD, strconv.FormatInt(g.Unpriced, 10), strconv.FormatFloat(g.MeanSeconds, 'f', 3, 64)))
	}
	w.Flush()
	return w.Error()
}

// cell keeps spreadsheets from reading text that somebody else chose as a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func (s *service) requests() {
	register(s, "listRequests", about{
		tag: "Usage", summary: "List requests", labels: true, text: "The latest first.",
	}, func(ctx context.Context, rq *asked, in *admin.RequestFilter, _ *none) (*admin.RequestList, error) {
		in.Labels = rq.labels
		return s.control.Requests(ctx, rq.Call, *in)
	})
	register(s, "getRequest", about{tag: "Usage", summary: "Show a request"},
		func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.Request, error) {
			return s.control.Request(ctx, rq.Call, in.ID)
		})
	register(s, "explainRequest", about{
		tag: "Usage", summary: "Explain why a request was refused, or what it cost and why",
	}, func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.Explanation, error) {
		return s.control.Why(ctx, rq.Call, in.ID)
	})
}

func (s *service) audit() {
	register(s, "listEvents", about{
		tag: "Audit", summary: "List audit events", text: "The latest first.",
	}, func(ctx context.Context, rq *asked, in *admin.EventFilter, _ *none) (*admin.EventList, error) {
		return s.control.Events(ctx, rq.Call, *in)
	})
	stream(s, "exportEvents", about{
		tag: "Audit", summary: "Export audit events", gives: "application/x-ndjson",
		text: "All that are selected, the first one first, one in a line. The connection breaks if the export cannot be finished.",
	}, func(ctx context.Context, rq *asked, in *eventExport, out *output) error {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		return s.control.EachEvent(ctx, rq.Call, in.filter(), func(event *admin.Event) error { return e.Encode(event) })
	})
	register(s, "verifyAudit", about{
		tag: "Audit", summary: "Verify the audit trail",
		text: "Every hash from the first event to the last. Keep the tip elsewhere: it shows later whether the trail was cut short.",
	}, func(ctx context.Context, rq *asked, _, _ *none) (*admin.Verification, error) {
		return s.control.VerifyAudit(ctx, rq.Call)
	})
}

// eventExport are the parameters of an export of the audit trail.
type eventExport struct {
	Actor   string    `query:"actor" doc:"Id of the actor"`
	Action  string    `query:"action"`
	Target  string    `query:"target" doc:"Id"`
	Related string    `query:"related" doc:"Id of a key: events about it, or about one of its limits"`
	Kind    string    `query:"target_kind"`
	Outcome string    `query:"outcome" enum:"done,refused"`
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
}

func (in *eventExport) filter() admin.EventFilter {
	return admin.EventFilter{
		Actor: in.Actor, Action: in.Action, Target: in.Target, Related: in.Related, Kind: in.Kind, Outcome: in.Outcome, From: in.From, To: in.To,
	}
}
