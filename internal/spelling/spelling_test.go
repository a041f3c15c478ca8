package spelling_test

import (
	"strings"
	"testing"

	"tollgate/internal/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"limits", "labels", "models", "name", "reset_period", "Audit", "name"}
	for word, want := range map[string]string{
		"limts": "limits", "lables": "labels", "LABELS": "labels", "model": "models", "reset-period": "reset_period", "nmae": "name", "audit": "Audit",
		"": "", "x": "", "zzzzzz": "", "period": "", strings.Repeat("l", 10_000): "",
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
	if got := spelling.Nearest("bard", []string{"card", "bart"}); got != "bart" {
		t.Errorf("of two that are equally near: %q", got)
	}
	if got := spelling.Nearest("name", []string{strings.Repeat("name", 1000)}); got != "" {
		t.Errorf("%.20q", got)
	}
	if got := spelling.Nearest("name", nil); got != "" {
		t.Error(got)
	}
}
