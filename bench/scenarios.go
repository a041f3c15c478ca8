package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/bench/fakeprovider"
	"tollgate/bench/load"
	"tollgate/bench/report"
)

// scenario is one kind of load.
type scenario struct {
	name, title string
	model       string
	stream      bool
	conns       int
	rate        float64 // requests a second, 0 for as many as are answered
	spread      time.Duration
}

// footprint names the measurement of start-up and memory among the scenarios.
const footprint = "footprint"

var scenarios = []scenario{
	{name: report.JSON1, title: "JSON 1 KB, 1 connection", model: fakeprovider.ModelJSON, conns: 1},
	{name: report.JSON16, title: "JSON 1 KB, 16 connections", model: fakeprovider.ModelJSON, conns: 16},
	{name: report.JSON64, title: "JSON 1 KB, 64 connections", model: fakeprovider.ModelJSON, conns: 64},
	{name: report.JSON256, title: "JSON 1 KB, 256 connections", model: fakeprovider.ModelJSON, conns: 256},
	{name: "json-rate", title: "JSON 1 KB, steady 1,000/s", model: fakeprovider.ModelJSON, conns: 16, rate: 1000},
	{name: report.Burst, title: "64 events at once, 16 streams", model: fakeprovider.ModelBurst, stream: true, conns: 16},
	{name: "events-16", title: "64 events one by one, 16 streams", model: fakeprovider.ModelEvents, stream: true, conns: 16},
	{name: report.Paced, title: "64 events × 10 ms, 64 streams", model: fakeprovider.ModelPaced, stream: true, conns: 64,
		spread: fakeprovider.Events * fakeprovider.PacedGap},
}

func (s scenario) paced() bool { return s.rate > 0 || s.spread > 0 }

// config is the load of s against an address.
func (s scenario) config(addr string, keys []string, warmUp, measure time.Duration) load.Config {
	cfg := load.Config{
		Addr:     addr,
		Requests: load.Requests(addr, s.model, s.stream, keys),
		Check:    load.CheckJSON,
		Conns:    s.conns,
		WarmUp:   warmUp + s.spread,
		Measure:  measure,
		Rate:     s.rate,
		Spread:   s.spread,
	}
	if s.stream {
		cfg.Check = load.CheckStream
	}
	return cfg
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return append(names, footprint)
}

// choose gives the scenarios of a list with commas, all of them for an empty
// one, and whether the footprint is among them.
func choose(only string) ([]scenario, bool, error) {
	if only == "" {
		return scenarios, true, nil
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if !slices.Contains(scenarioNames(), name) {
			return nil, false, fmt.Errorf("there is no scenario %q, only %s", name, strings.Join(scenarioNames(), ", "))
		}
	}
	var chosen []scenario
	for _, s := range scenarios {
		if slices.Contains(wanted, s.name) {
			chosen = append(chosen, s)
		}
	}
	return chosen, slices.Contains(wanted, footprint), nil
}
