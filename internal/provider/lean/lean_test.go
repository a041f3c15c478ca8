package lean_test

import (
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/lean"
	"tollgate/internal/provider/providertest"
)

func TestContract(t *testing.T) {
	providertest.Run(t, func(*testing.T) provider.Transport { return lean.New() })
}
