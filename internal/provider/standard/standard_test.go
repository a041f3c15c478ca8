package standard_test

import (
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/standard"
)

func TestContract(t *testing.T) {
	providertest.Run(t, func(*testing.T) provider.Transport { return standard.New() })
}
