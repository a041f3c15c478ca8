package ledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
)

// TestRefusesToStart has what must not be opened without being told, and what must not
// be opened at all.
func TestRefusesToStart(t *testing.T) {
	flip := func(b []byte, fromEnd int) { b[len(b)-fromEnd] ^= 4 }
	cut := func(r *ledger.Record) { r.Bytes = r.Bytes[:20] }
	without := func(records []ledger.Record, i int) []ledger.Record {
		return slices.Delete(slices.Clone(records), i, i+1)
	}
	other := func(t *testing.T) []ledger.Record {
		o := newOffice(t)
		for range 9 {
			wait(t)(o.reserve(1, limit(t, "day", budget.Cost, 100, "day UTC")).Settle(exact(1)))
		}
		return o.disk.records
	}
	day := limit(t, "day", budget.Cost, 100, "day UTC")
	filled := func(t *testing.T) *office {
		o := newOffice(t)
		wait(t)(o.reserve(50, day).Settle(exact(50)))
		for range 2 {
			if err := o.books.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
			wait(t)(o.reserve(5, day).Settle(exact(4)))
		}
		o.reserve(1, day)
		o.kill()
		o.mark()
		return o
	}
	forged := func(t *testing.T, encoded []byte, change func(*ledger.Checkpoint)) []byte {
		c, err := ledger.DecodeCheckpoint(encoded)
		if err != nil {
			t.Fatal(err)
		}
		change(c)
		return c.Encode()
	}
	for _, c := range []struct {
		name    string
		damage  func(t *testing.T, d *disk)
		want    error
		settled int64 // after the repair
		mended  int
	}{
		{"the end is missing", func(_ *testing.T, d *disk) { d.records = d.records[:len(d.records)-1] }, ledger.ErrTruncated, 64, 0},
		{"an old copy", func(_ *testing.T, d *disk) { d.records, d.checkpoints = d.records[:2], nil }, ledger.ErrTruncated, 50, 0},
		{"shorter than its checkpoint", func(_ *testing.T, d *disk) { d.records, d.mark = d.records[:4], ledger.Mark{} }, ledger.ErrTruncated, 60, 0},
		{"shorter than both", func(_ *testing.T, d *disk) { d.records, d.mark = d.records[:2], ledger.Mark{} }, ledger.ErrTruncated, 60, 0},
		{"another one than its checkpoints", func(t *testing.T, d *disk) { d.records, d.mark = other(t), ledger.Mark{} }, ledger.ErrAltered, 61, 0},
		{"a counter was changed", func(t *testing.T, d *disk) {
			d.checkpoints[0] = forged(t, d.checkpoints[0], func(c *ledger.Checkpoint) { c.Balances[0].Settled-- })
		}, ledger.ErrMismatch, 59, 0},
		{"a counter was removed", func(t *testing.T, d *disk) {
			d.checkpoints[0] = forged(t, d.checkpoints[0], func(c *ledger.Checkpoint) { c.Balances = nil })
		}, ledger.ErrMismatch, 59, 0},
		{"a counter was added", func(t *testing.T, d *disk) {
			d.checkpoints[0] = forged(t, d.checkpoints[0], func(c *ledger.Checkpoint) {
				b := c.Balances[0]
				b.Subject = "key_b"
				c.Balances = append(c.Balances, b)
			})
		}, ledger.ErrMismatch, 59, 0},
		{"a checkpoint is damaged", func(_ *testing.T, d *disk) { d.checkpoints[0][9] ^= 4 }, ledger.ErrAltered, 59, 0},
		{"the end of a reservation is damaged", func(_ *testing.T, d *disk) { d.records[len(d.records)-2].Bytes[9] ^= 4 }, ledger.ErrAltered, 60, 1},
		{"the hash of a row is damaged", func(_ *testing.T, d *disk) { flip(d.records[len(d.records)-2].Bytes, 10) }, ledger.ErrAltered, 60, 1},
		{"a row is cut", func(_ *testing.T, d *disk) { cut(&d.records[len(d.records)-2]) }, ledger.ErrAltered, 60, 1},
		{"a row before a checkpoint is damaged", func(_ *testing.T, d *disk) { d.records[4].Bytes[9] ^= 4 }, ledger.ErrAltered, 59, 1},
		{"the end of a reservation is missing", func(_ *testing.T, d *disk) { d.records = without(d.records, len(d.records)-2) }, ledger.ErrGap, 60, 1},
		{"a reservation is missing", func(_ *testing.T, d *disk) { d.records = without(d.records, len(d.records)-3) }, ledger.ErrGap, 55, 1},
		{"all between two checkpoints is missing", func(_ *testing.T, d *disk) { d.records = without(without(d.records, 3), 3) }, ledger.ErrGap, 59, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := filled(t)
			c.damage(t, o.disk)
			before := len(o.disk.records)
			if _, _, err := ledger.Recover(context.Background(), o.config(ledger.Config{})); !errors.Is(err, c.want) {
				t.Fatalf("%v", err)
			}
			if len(o.disk.records) != before {
				t.Error("it was written to")
			}
			if v, err := ledger.Verify(context.Background(), o.journal, o.disk); err != nil || !errors.Is(v.Problem, c.want) {
				t.Errorf("verify: %+v, %v", v, err)
			}
			_, report, err := ledger.Recover(context.Background(), o.config(ledger.Config{Repair: true}))
			if err != nil || !errors.Is(report.Repaired, c.want) {
				t.Fatalf("repair: %v, %v", report.Repaired, err)
			}
			if v, err := ledger.Verify(context.Background(), o.journal, nil); err != nil || v.Problem != nil || v.Mended != c.mended {
				t.Errorf("verify after the repair: %+v, %v", v, err)
			}
			if report := o.open(ledger.Config{}); report.Repaired != nil {
				t.Errorf("repaired again: %v", report.Repaired)
			}
			o.settled(day, c.settled, 0)
			if !slices.ContainsFunc(o.disk.intact(), func(r ledger.Row) bool {
				return r.Kind == ledger.Start && strings.Contains(r.Reason, "repair")
			}) {
				t.Error("the repair is not on record")
			}
		})
	}
}
