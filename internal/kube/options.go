//go:build !nokube

package kube

import (
	"context"
	"log/slog"
	"time"
)

// Options say which cluster is followed, what of it, and with what. All but Log, Now and
// Usage may be empty.
type Options struct {
	Kubeconfig string // file; "": $KUBECONFIG, the cluster that the program runs in, or ~/.kube/config
	Class      string // name of the one GatewayClass to serve; "": all that name the controller
	Gateway    string // the one Gateway to serve, as NAMESPACE/NAME; "": all of the classes
	Namespace  string // the one namespace to watch; "": all
	Address    string // where Gateways are reached that have no Service of their name
	Bind       string // IP address that Gateways listen on; "": all
	Local      bool   // lets backends name this machine and its link
	// Identity is the name of this replica in the lease; "": that of the host with a random part.
	Identity string
	// LeaseNamespace is where the lease is; "": the namespace of Gateway, of the pod or of the kubeconfig.
	LeaseNamespace string
	// Cache is the file that keeps the last good objects; "": none.
	Cache string
	// Seal and Open protect what is kept there. Without them it holds no Secrets.
	Seal    func(plain []byte) []byte
	Open    func(sealed []byte) ([]byte, error)
	Version string // of the program, told to the API server
	Log     *slog.Logger
	Now     func() time.Time
	Usage   Usage
}

// Usage tells what virtual keys have spent.
type Usage interface {
	// KeyUsage reads how a key and its limits stand, by the key's public id.
	KeyUsage(ctx context.Context, keyID string) (*KeyUsage, error)
}

// KeyUsage is how a key stands. Spent is in US dollars, over the life of the key.
type KeyUsage struct {
	Spent  string
	Limits []LimitUsage
}

// LimitUsage is how a limit stands; amounts are in its unit.
type LimitUsage struct {
	Kind, Amount, Spent, Reserved, Remaining string
	ResetsAt                                 *time.Time // nil: never
}
