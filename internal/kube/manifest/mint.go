package manifest

import "tollgate/internal/kube/resource"

// Mint asks for a secret of a virtual key.
type Mint struct {
	Key *resource.VirtualKey
	// ID is the public id of the key, which its secrets carry.
	ID string
	// Rotate tells that there is a secret already, which stays good for the key's grace.
	Rotate bool
}
