// Package conformance runs the Gateway API's own conformance suite against tollgate. It is
// a module of its own, so that what the suite needs is no dependency of the program.
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

// TestConformance runs what its flags ask for; run.sh sets up the cluster and gives them.
func TestConformance(t *testing.T) { conformance.RunConformance(t) }
