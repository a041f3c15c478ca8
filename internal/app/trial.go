package app

import "net/http"

// try serves a request that an operator makes in the name of a key.
func (a *App) try(w http.ResponseWriter, r *http.Request, keyID string) {
	address := a.gateway.Snapshot().AddressFor(keyID, a.parts.Now())
	a.surface.ServeAs(keyID, address, w, r)
}
