package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// Customers have the names of companies that do not exist.
var (
	companies = []string{"Nordwind", "Acme", "Blue Harbor", "Kestrel", "Lumen", "Foxglove", "Granite", "Juniper", "Meridian", "Orchard", "Pinecrest", "Quarry", "Redwood", "Saffron", "Tidewater", "Umbra"}
	branches  = []string{"Logistics", "Bakery", "Analytics", "Clinics", "Robotics", "Travel", "Insurance", "Studios", "Energy", "Books", "Foods", "Learning"}
	plans     = []string{"free", "free", "free", "pro", "pro", "enterprise"}
	regions   = []string{"eu", "us", "apac"}
)

// customersAtOnce is how many keys are stored in one transaction.
const customersAtOnce = 5_000

// importCustomers makes many keys at once, as an import does.
func (s *story) importCustomers(ctx context.Context, n int) error {
	for from := 0; from < n; from += customersAtOnce {
		to := min(n, from+customersAtOnce)
		keys := make([]*vkey.Key, 0, to-from)
		err := s.store.Update(ctx, func(tx store.Tx) error {
			for i := from; i < to; i++ {
				k, err := s.customer(i)
				if err != nil {
					return err
				}
				if err := tx.Keys().Put(k); err != nil {
					return err
				}
				keys = append(keys, k)
			}
			return tx.Events().Append(&audit.Event{
				At: s.clock.now().Truncate(time.Microsecond), Actor: s.by(1).Actor, Action: "key.import", Outcome: audit.Done,
				Target: audit.Target{Kind: "key", Name: fmt.Sprintf("%d imported keys", to-from)},
			})
		})
		if err != nil {
			return err
		}
		s.plane.KeysChanged(keys, nil)
		for _, k := range keys {
			h := s.plane.holders[k.ID]
			s.holders = append(s.holders, h)
			s.cast(h, nil)
		}
	}
	return nil
}

// customer is the key of a customer. Nobody knows its value.
func (s *story) customer(i int) (*vkey.Key, error) {
	id, value, err := vkey.Mint(s.random)
	if err != nil {
		return nil, err
	}
	plan := plans[s.rng.IntN(len(plans))]
	made := s.since().Add(-time.Duration(s.rng.Int64N(int64(before)))).Truncate(time.Microsecond)
	k := &vkey.Key{
		ID: id, Name: fmt.Sprintf("%s %s %06d", companies[s.rng.IntN(len(companies))], branches[s.rng.IntN(len(branches))], i+1), Origin: vkey.Managed,
		CreatedAt: made, UpdatedAt: made, CreatedBy: "terraform",
		Labels: map[string]string{"plan": plan, "region": regions[s.rng.IntN(len(regions))], "env": "prod", "owner": fmt.Sprintf("customer-%06d", i+1), "team": teams[s.rng.IntN(len(teams))].name},
	}
	if err := s.addSecret(k, value); err != nil {
		return nil, err
	}
	switch at := s.rng.Float64(); {
	case at < 0.03:
		k.Status, k.Reason = vkey.StatusDisabled, "payment overdue"
	case at < 0.07:
		k.Status, k.Reason = vkey.StatusRevoked, "contract ended"
	case at < 0.11:
		k.ExpiresAt = s.until.Add(-time.Duration(1+s.rng.IntN(20*24)) * time.Hour)
	case at < 0.13:
		k.ExpiresAt = s.until.Add(time.Duration(1+s.rng.IntN(7*24)) * time.Hour)
	case at < 0.5:
		k.ExpiresAt = s.until.Add(time.Duration(30+s.rng.IntN(300)) * 24 * time.Hour)
	}
	return k, s.customerLimits(k, plan)
}

func (s *story) addSecret(k *vkey.Key, value secret.Text) error {
	id, err := vkey.NewSecretID(s.random)
	if err != nil {
		return err
	}
	k.Secrets = []vkey.Secret{{
		ID: id, Digest: s.pepper.Digest(value.Reveal()), Peppered: true, Last4: vkey.Fingerprint(value.Reveal()), CreatedAt: k.CreatedAt,
	}}
	return nil
}

// customerLimits gives a customer what the plan allows.
func (s *story) customerLimits(k *vkey.Key, plan string) error {
	add := func(kind budget.Kind, amount int64, window string) error {
		id, err := vkey.NewLimitID(s.random)
		if err != nil {
			return err
		}
		w, err := budget.ParseWindow(window)
		k.Limits = append(k.Limits, &budget.Limit{ID: id, Kind: kind, Amount: amount, Window: w})
		return err
	}
	const dollar = 1_000_000_000
	var err error
	switch plan {
	case "free":
		err = add(budget.Cost, dollar/2, "month UTC")
		if err == nil {
			err = add(budget.Requests, 10, "sliding 1m0s")
		}
	case "pro":
		err = add(budget.Cost, 50*dollar, "month UTC")
		if err == nil && s.rng.IntN(2) == 0 {
			err = add(budget.Tokens, 5_000_000, "week UTC")
		}
	default:
		if s.rng.IntN(8) > 0 {
			err = add(budget.Cost, 2_000*dollar, "month UTC")
		}
	}
	return err
}

// customerWeight is how often a customer calls, on average and compared with a service.
const customerWeight = 0.1

// weigh says who calls how often: few often, many seldom, some never.
func (s *story) weigh() {
	total := 0.0
	services := min(s.keys, maxServices)
	for i, h := range s.holders {
		weight := 0.0
		switch {
		case i < services:
			weight = weightOf(i, services)
		case s.rng.Float64() > 0.15:
			weight = customerWeight / 2 * math.Exp(1.2*s.rng.NormFloat64())
		}
		if h.key == nil || h.key.Status == vkey.StatusRevoked || h.key.Status == vkey.StatusDisabled {
			weight /= 50
		}
		total += weight
		s.weights = append(s.weights, total)
	}
}

// shareLimits makes the shared limits. What the whole company may use has to do with how much that is.
func (s *story) shareLimits(ctx context.Context) error {
	month := &admin.Window{Calendar: "month"}
	worth := s.worth * 30 / float64(s.days)
	for _, in := range []admin.Limit{
		{Name: "whole company", Kind: "cost", Amount: dollars(worth * 1.3), Window: month, Match: map[string]string{}, Per: "pool"},
		{Name: "payments team", Kind: "cost", Amount: dollars(worth / 4), Window: month, Match: map[string]string{"label.team": "payments"}, Per: "pool"},
		{Name: "support team", Kind: "cost", Amount: dollars(worth / 180), Window: &admin.Window{Calendar: "day"}, Match: map[string]string{"label.team": "support"}, Per: "pool"},
		{Name: "developers", Kind: "cost", Amount: dollars(2), Window: &admin.Window{Calendar: "day"}, Match: map[string]string{"label.env": "dev"}, Per: "each"},
	} {
		if _, err := s.control.CreateLimit(ctx, s.by(0), in); err != nil {
			return err
		}
	}
	return nil
}
