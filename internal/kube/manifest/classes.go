package manifest

import (
	"regexp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// supported are the features of the Gateway API that are served. The API's own conformance
// suite takes from the status of a class which of its tests apply.
var supported = []features.FeatureName{
	features.SupportBackendTLSPolicy,
	features.SupportGateway,
	features.SupportGatewayAddressEmpty,
	features.SupportGatewayHTTPListenerIsolation,
	features.SupportGatewayPort8080,
	features.SupportHTTPRoute,
	features.SupportHTTPRoute303RedirectStatusCode,
	features.SupportHTTPRoute307RedirectStatusCode,
	features.SupportHTTPRoute308RedirectStatusCode,
	features.SupportHTTPRouteBackendRequestHeaderModification,
	features.SupportHTTPRouteBackendTimeout,
	features.SupportHTTPRouteCORS,
	features.SupportHTTPRouteDestinationPortMatching,
	features.SupportHTTPRouteHostRewrite,
	features.SupportHTTPRouteMethodMatching,
	features.SupportHTTPRouteNamedRouteRule,
	features.SupportHTTPRouteParentRefPort,
	features.SupportHTTPRoutePathRedirect,
	features.SupportHTTPRoutePathRewrite,
	features.SupportHTTPRoutePortRedirect,
	features.SupportHTTPRouteQueryParamMatching,
	features.SupportHTTPRouteRequestTimeout,
	features.SupportHTTPRouteResponseHeaderModification,
	features.SupportHTTPRouteSchemeRedirect,
	features.SupportReferenceGrant,
}

// supportedBundle is the versions of the Gateway API's definitions that this package knows.
var supportedBundle = regexp.MustCompile(`^v1\.[56]\.\d+`)

// classes says the statuses of the classes that are ours, and gives what is wrong with
// each by its name.
func (k *compilation) classes() map[string]fault {
	ours := map[string]fault{}
	for _, c := range k.objects.Classes {
		if c.Spec.ControllerName != k.settings.Controller || k.settings.Class != "" && c.Name != k.settings.Class {
			continue
		}
		f := k.class(c)
		ours[c.Name] = f
		k.out.Statuses.Classes[c.Name] = gatewayv1.GatewayClassStatus{
			Conditions: []metav1.Condition{
				stands(gatewayv1.GatewayClassConditionStatusAccepted, gatewayv1.GatewayClassReasonAccepted,
					"Gateways of this class are served", f, c.Generation),
				stands(gatewayv1.GatewayClassConditionStatusSupportedVersion, gatewayv1.GatewayClassReasonSupportedVersion,
					"The Gateway API is installed as "+k.objects.Bundle, k.bundle(), c.Generation),
			},
			SupportedFeatures: supportedFeatures(),
		}
	}
	return ours
}

func (k *compilation) class(c *gatewayv1.GatewayClass) fault {
	if why, ok := k.broken("GatewayClass", c); ok {
		return faultOf(gatewayv1.GatewayClassReasonUnsupported, "%s", why)
	}
	if p := c.Spec.ParametersRef; p != nil {
		return faultOf(gatewayv1.GatewayClassReasonInvalidParameters, "parametersRef names %s %s, but this controller knows no parameters; remove it", p.Kind, p.Name)
	}
	return fault{}
}

// bundle tells what is wrong with the version of the Gateway API in the cluster. Whatever
// it is, what can be understood is served.
func (k *compilation) bundle() fault {
	switch {
	case k.objects.Bundle == "":
		return faultOf(gatewayv1.GatewayClassReasonUnsupportedVersion, "The definitions of the Gateway API do not say their version; v1.5 and v1.6 are supported, and what can be understood is served")
	case !supportedBundle.MatchString(k.objects.Bundle):
		return faultOf(gatewayv1.GatewayClassReasonUnsupportedVersion, "The Gateway API is installed as %s; v1.5 and v1.6 are supported, and what can be understood of this one is served", k.objects.Bundle)
	default:
		return fault{}
	}
}

// supportedFeatures gives the features sorted by name, as the API wants them.
func supportedFeatures() []gatewayv1.SupportedFeature {
	names := slices.Sorted(slices.Values(supported))
	out := make([]gatewayv1.SupportedFeature, len(names))
	for i, name := range names {
		out[i].Name = gatewayv1.FeatureName(name)
	}
	return out
}
