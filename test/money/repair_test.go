package money

import (
	"bytes"
	"net/http"
	"testing"
)

// TestLostLimit damages the row of a shared limit: the program does not serve, after a repair no key spends
// anything until the limit is what it was, and then what it had counted counts.
func TestLostLimit(t *testing.T) {
	s := newScene(t)
	s.call("POST", "/api/v1/limits", `{"name": "all", "match": {}, "kind": "cost", "amount": "500.00", "per": "pool"}`, nil)
	id, secret := s.spendSome(3)
	s.stop()
	files := s.files()
	old, changed := []byte(`"amount":500000000000`), []byte(`"amount":900000000000`)
	if bytes.Count(files["tollgate.db"], old) == 0 {
		t.Fatal("the amount of the limit does not stand in the database")
	}
	files["tollgate.db"] = bytes.ReplaceAll(files["tollgate.db"], old, changed)
	s.restore(files)
	s.refused("damaged")
	s.start("--repair")
	if a := s.ask(secret, false, 0); a.status != http.StatusTooManyRequests || a.code() != "budget_exceeded" {
		t.Errorf("after the repair: %d %s", a.status, a.body)
	}
	s.stop()
	s.start()
	if a := s.ask(secret, false, 0); a.status != http.StatusTooManyRequests {
		t.Errorf("after another start: %d %s", a.status, a.body)
	}
	s.call("PATCH", "/api/v1/limits/all", `{"amount": "500.00"}`, nil)
	if a := s.ask(secret, false, 0); a.status != http.StatusOK {
		t.Errorf("when it is what it was: %d %s", a.status, a.body)
	}
	s.stop()
	s.start()
	s.billed(id, "all")
	s.stop()
}

// TestTailLeftBehind kills the program and moves the database without the files beside it: that is told, and nothing
// is changed.
func TestTailLeftBehind(t *testing.T) {
	s := newScene(t)
	id, secret := s.spendSome(20)
	s.program.Kill()
	files := s.files()
	spent := s.provider.billed.Load() * perToken
	whole := files["ledger.tail-1"]
	delete(files, "ledger.tail-1")
	s.restore(files)
	s.refused("ledger.tail-1")
	s.write("tollgate-data/ledger.tail-1", string(whole))
	s.start()
	if got := nano(t, s.show(id).Limits[0].Spent); got < spent {
		t.Errorf("with the files in their place %d is spent, the provider billed %d", got, spent)
	}
	if a := s.ask(secret, false, 0); a.status != http.StatusOK {
		t.Errorf("it answers %d %s", a.status, a.body)
	}
	s.stop()
	delete(files, "ledger.mark")
	s.restore(files)
	s.start("--repair")
	s.stop()
	s.start()
	s.stop()
}
