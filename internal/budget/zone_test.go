package budget_test

import (
	"testing"

	"tollgate/internal/budget"
)

func TestZoneIsReadOnce(t *testing.T) {
	first, err := budget.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := budget.Zone("Europe/Berlin"); again != first || again.String() != "Europe/Berlin" {
		t.Errorf("the second look gives %v at %p, the first %p", again, again, first)
	}
	if other, _ := budget.Zone("Asia/Tokyo"); other == first {
		t.Error("another name gives the same zone")
	}
	for range 2 {
		if z, err := budget.Zone("Europe/Atlantis"); err == nil {
			t.Errorf("a zone that there is not is %v", z)
		}
	}
}
