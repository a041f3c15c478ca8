package budget

// admissions are what a sliding window still sees: every admission, oldest first,
// with what it is charged so far. The ring grows as admissions come and never holds
// more than one window of them.
type admissions struct {
	ring  []admission // a power of two long
	head  int         // of the oldest
	n     int
	first uint64 // the serial number of the oldest
	sum   int64  // of all charges, at most Max
	open  int64  // the part of sum that belongs to requests in flight
}

type admission struct {
	id     ID
	at     int64 // monotonic
	charge int64
	open   bool
}

func (a *admissions) entry(i int) *admission { return &a.ring[(a.head+i)&(len(a.ring)-1)] }

// push adds an admission and gives its serial number.
func (a *admissions) push(e admission) uint64 {
	if a.n == len(a.ring) {
		grown := make([]admission, max(8, 2*len(a.ring)))
		for i := range a.n {
			grown[i] = *a.entry(i)
		}
		a.ring, a.head = grown, 0
	}
	a.n++
	e.charge = min(e.charge, Max-a.sum)
	*a.entry(a.n - 1) = e
	a.sum += e.charge
	if e.open {
		a.open += e.charge
	}
	return a.first + uint64(a.n) - 1
}

// forget drops what happened at or before an instant.
func (a *admissions) forget(until int64) {
	for a.n > 0 {
		e := a.entry(0)
		if e.at > until {
			return
		}
		a.sum -= e.charge
		if e.open {
			a.open -= e.charge
		}
		a.head = (a.head + 1) & (len(a.ring) - 1)
		a.first++
		a.n--
	}
}

// find gives the admission of a serial number, nil once it is forgotten.
func (a *admissions) find(serial uint64) *admission {
	if serial < a.first || serial-a.first >= uint64(a.n) {
		return nil
	}
	return a.entry(int(serial - a.first))
}

// charge says what an admission came to. One that is forgotten stays so.
func (a *admissions) charge(serial uint64, charge int64) {
	e := a.find(serial)
	if e == nil {
		return
	}
	if e.open {
		a.open -= e.charge
		e.open = false
	}
	a.sum -= e.charge
	e.charge = min(charge, Max-a.sum)
	a.sum += e.charge
}

// roomAt gives the instant of the last admission that must be forgotten before the
// sum is at most this.
func (a *admissions) roomAt(most int64) int64 {
	left := a.sum
	for i := range a.n {
		e := a.entry(i)
		if left -= e.charge; left <= most {
			return e.at
		}
	}
	return 0
}
