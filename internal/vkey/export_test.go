package vkey

// Plain gives an entry without what the directory attaches to it.
func Plain(e *Entry) Entry {
	plain := *e
	plain.Flights, plain.use = nil, nil
	return plain
}

// Places is how many ways lead to the secrets of a directory's keys.
func Places(d *Directory) int { return int(d.minted.count.Load() + d.hashed.count.Load()) }
