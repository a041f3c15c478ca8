package declaration_test

import (
	"fmt"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/config"
	"tollgate/internal/declaration"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

func given(path string) config.Position { return config.Position{File: "f", Path: path} }

func TestKey(t *testing.T) {
	until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	report := &config.Report{}
	text := &config.APIKey{Key: config.Secret{Text: secret.New("sk-a-long-enough-one"), At: given("key")}, Metadata: config.Metadata{"owner": "o", "n": 1}}
	k, budgets := declaration.Key(text, report)
	if k.ID != vkey.DeriveID(vkey.Hash("sk-a-long-enough-one")) || k.Name != "o" || fmt.Sprint(k.Labels) != "map[owner:o]" || k.Secrets[0].Last4 != "-one" || k.Status != vkey.StatusActive || len(budgets) != 0 {
		t.Errorf("%+v", k)
	}

	hashed := &config.APIKey{
		Hash: config.KeyHash{Digest: vkey.Hash("new"), At: given("keyHash")}, ID: "key_000000000000", Name: "n", Last4: "1234", Disabled: true,
		Previous: &config.PreviousSecret{Digest: vkey.Hash("old"), Last4: "5678", Until: until},
		Budgets:  []config.Budget{{Name: "daily", Limit: config.BudgetLimit{Unit: "USD", Amount: config.Amount{Text: "1.5"}}, Window: config.BudgetWindow{Rolling: 24 * time.Hour}}},
	}
	k, budgets = declaration.Key(hashed, report)
	if k.ID != "key_000000000000" || k.Status != vkey.StatusDisabled || len(k.Secrets) != 2 || len(k.Limits) != 1 || budgets[k.Limits[0].ID] != "daily" {
		t.Fatalf("%+v", k)
	}
	if s := k.Secrets[0]; s.Digest != vkey.Hash("new") || s.Last4 != "1234" || !s.NotAfter.IsZero() || s.ID != vkey.DeriveSecretID(s.Digest) {
		t.Errorf("%+v", s)
	}
	if s := k.Secrets[1]; s.Digest != vkey.Hash("old") || s.Last4 != "5678" || !s.NotAfter.Equal(until) || s.ID == k.Secrets[0].ID {
		t.Errorf("%+v", s)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}

func TestLimit(t *testing.T) {
	report := &config.Report{}
	l := declaration.Limit(&config.Limit{Kind: "tokens", Amount: config.Amount{Text: "5"}, Window: &config.Window{Sliding: time.Minute}}, "lim_1", report)
	if l == nil || l.ID != "lim_1" || l.Kind != budget.Tokens || l.Amount != 5 || len(report.Problems) > 0 {
		t.Errorf("%+v %v", l, report.Problems)
	}
	if l := declaration.Limit(&config.Limit{Kind: "cost", Amount: config.Amount{Text: "much", At: given("amount")}}, "lim_1", report); l != nil || len(report.Problems) != 1 || report.Problems[0].Path != "amount" {
		t.Errorf("%+v %v", l, report.Problems)
	}
}
