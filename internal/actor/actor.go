// Package actor says who is on the control plane: an operator with an admin
// token, the configuration, or the program itself. It owns the roles; which role may
// do what is a table of the admin API, and how an admin token looks is known to vkey.
package actor

import "fmt"

// Role is what an actor may do.
type Role uint8

// The roles. The zero Role may do nothing.
const (
	None    Role = iota
	Viewer       // sees keys, limits, usage and prices; no requests, no audit
	Auditor      // reads everything, changes nothing
	Admin        // changes everything but admin tokens
	Owner        // changes everything
)

var roleNames = [...]string{"none", "viewer", "auditor", "admin", "owner"}

// String gives the name used in JSON.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads a name that String gave, other than none.
func ParseRole(s string) (Role, error) {
	for r := Viewer; r <= Owner; r++ {
		if roleNames[r] == s {
			return r, nil
		}
	}
	return None, fmt.Errorf("%q is no role: use viewer, auditor, admin or owner", s)
}

// Kind is what sort of actor it is.
type Kind string

// The kinds.
const (
	Token         Kind = "token"         // somebody with an admin token
	Configuration Kind = "configuration" // a configuration file
	System        Kind = "system"        // the program itself
)

// Actor is who asked for an admin operation.
type Actor struct {
	Kind Kind
	ID   string // of the token ("adm_…"); of a configuration its file
	Name string
	Role Role
	From string // client address, "" if there is none
}
