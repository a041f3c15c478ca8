package adminapi

import (
	"context"
	"flag"
	"net/netip"
	"os"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tollgate/api/admin"
)

var update = flag.Bool("update", false, "write the OpenAPI document anew")

func whatever(context.Context, *asked, *none, *none) (*admin.Key, error) { return nil, nil }

func contractValue(text string) (any, error) {
	return jsonschema.UnmarshalJSON(strings.NewReader(text))
}

func addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// timeout is what a read ends with when the deadline of the connection has passed.
type timeout struct{}

func (timeout) Error() string        { return "i/o timeout" }
func (timeout) Is(target error) bool { return target == os.ErrDeadlineExceeded }
