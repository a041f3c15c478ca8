package manifest

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

// attachment is a rule of a route on a listener of a gateway.
type attachment struct {
	gateway  *gatewayv1.Gateway
	listener *gatewayv1.Listener
	route    *gatewayv1.HTTPRoute
	rule     int
}
