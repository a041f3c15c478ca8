package manifest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/secret"
)

// certificate gives the certificate of a listener for HTTPS: that of the first reference
// that can be followed.
func (k *compilation) certificate(g *gatewayv1.Gateway, l *gatewayv1.Listener, at config.Position) (*config.ServerTLS, fault) {
	if l.TLS == nil || len(l.TLS.CertificateRefs) == 0 {
		return nil, faultOf(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs names no Secret with a certificate")
	}
	var (
		found *config.ServerTLS
		bad   faults
	)
	for i := range l.TLS.CertificateRefs {
		pair, f := k.keyPair(g, &l.TLS.CertificateRefs[i], at.Child("tls").Child("certificateRefs").Index(i))
		bad.add(f)
		switch {
		case found == nil:
			found = pair
		case pair != nil:
			k.warn("%s: listener %s has several certificates; only the first one is served", refOf("Gateway", g), l.Name)
		}
	}
	return found, bad.fault()
}

// maxCertificate and maxKey bound what is read as a certificate and its private key, in bytes.
// A key of the largest size that anybody uses has 13,000; to check much larger ones takes minutes,
// in which nobody's changes would be in force.
const maxCertificate, maxKey = 256 << 10, 32 << 10

// keyPair follows a reference to a Secret with a certificate and its private key.
func (k *compilation) keyPair(g *gatewayv1.Gateway, ref *gatewayv1.SecretObjectReference, at config.Position) (*config.ServerTLS, fault) {
	group, kind := or(ref.Group, ""), or(ref.Kind, "Secret")
	name := types.NamespacedName{Namespace: string(or(ref.Namespace, gatewayv1.Namespace(g.Namespace))), Name: string(ref.Name)}
	to := target{group, Ref{string(kind), name}}
	if group != "" || kind != "Secret" {
		return nil, faultOf(gatewayv1.ListenerReasonInvalidCertificateRef, "a certificate cannot come from %s of the group %q; only from a Secret", to, group)
	}
	if !k.permitted(maker{"Gateway", g.Namespace}, to) {
		return nil, faultOf(gatewayv1.ListenerReasonRefNotPermitted, "no ReferenceGrant in %s lets Gateways of %s use %s", name.Namespace, g.Namespace, to)
	}
	s := k.index.secrets[name]
	switch {
	case s == nil:
		return nil, faultOf(gatewayv1.ListenerReasonInvalidCertificateRef, "%s does not exist", to)
	case s.Type != corev1.SecretTypeTLS:
		return nil, faultOf(gatewayv1.ListenerReasonInvalidCertificateRef, "%s is of the type %q, not %s", to, s.Type, corev1.SecretTypeTLS)
	}
	cert, key := s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey]
	if len(cert) > maxCertificate || len(key) > maxKey {
		return nil, faultOf(gatewayv1.ListenerReasonInvalidCertificateRef, "%s is too large: a certificate has %d bytes at most with those that signed it, and its private key %d", to, maxCertificate, maxKey)
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return nil, faultOf(gatewayv1.ListenerReasonInvalidCertificateRef, "%s has no certificate with its private key: %v", to, err)
	}
	return &config.ServerTLS{
		At:   at,
		Cert: config.File{Name: to.String() + " " + corev1.TLSCertKey, Content: secret.New(string(cert)), At: at},
		Key:  config.File{Name: to.String() + " " + corev1.TLSPrivateKeyKey, Content: secret.New(string(key)), At: at},
	}, fault{}
}

// authorityKey is the entry of a ConfigMap that has certificates of authorities.
const authorityKey = "ca.crt"

// authorities gives the certificates in a ConfigMap, "" if there are none.
func authorities(m *corev1.ConfigMap) string {
	text := m.Data[authorityKey]
	if text == "" {
		text = string(m.BinaryData[authorityKey])
	}
	rest := []byte(text)
	for found := false; ; found = true {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if !found {
				return ""
			}
			return text
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return ""
		}
	}
}
