package budget

import (
	"sync"
	"time"
)

var zones sync.Map // from the name to the *time.Location

// Zone gives a time zone of the IANA database. It is read once: thousands of limits have
// the same, and each reading takes time and makes a table of its own.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	known, _ := zones.LoadOrStore(name, zone)
	return known.(*time.Location), nil
}
