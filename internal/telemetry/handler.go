package telemetry

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// Handler serves the metrics in Prometheus' text format.
func (r *Recorder) Handler() http.Handler {
	return promhttp.HandlerFor(prometheus.GathererFunc(r.gather), promhttp.HandlerOpts{})
}

// gather collects the metrics that the settings in force do not remove.
func (r *Recorder) gather() ([]*dto.MetricFamily, error) {
	now := r.live.Load()
	all, err := prometheus.Gatherers{r.fixed.registry, now.meters.vectors.registry}.Gather()
	if len(now.hidden) == 0 {
		return all, err
	}
	shown := all[:0]
	for _, family := range all {
		if !now.hidden[bareName(family.GetName())] {
			shown = append(shown, family)
		}
	}
	return shown, err
}
