//go:build !nokube

package deployment

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Settings are what all Gateways of a controller have in common.
type Settings struct {
	// Image is what their pods run.
	Image string
	// Class is the name of the one GatewayClass that is served; "": all that name the controller.
	Class string
	// Namespaced restricts each gateway to the objects of its own namespace, by what it
	// watches and by what it may read.
	Namespaced bool
	// Wide are the namespaces whose Gateways may read and serve the objects of all others;
	// those of the rest are Namespaced. Empty: all are.
	Wide []string
	// Storage is the size of the volume for the ledger; "" or none: the ledger ends with the pod.
	Storage string
	// StorageClass is the class of that volume; "": the cluster's default.
	StorageClass string
	// ServiceType is that of Gateways without AnnotationServiceType; "": LoadBalancer.
	ServiceType string
	// Replicas is the number of pods of each Gateway; 0: one.
	Replicas int32
}

// NoStorage is what Storage says where a ledger may end with its pod.
const NoStorage = "none"

// Annotations of a Gateway.
const (
	// AnnotationServiceType is the type of the Gateway's Service.
	AnnotationServiceType = "tollgate.dev/service-type"
	// AnnotationConfig names a ConfigMap of the Gateway's namespace, whose key config.yaml is
	// the configuration that the Gateway's own come on top of.
	AnnotationConfig = "tollgate.dev/config"
)

// Check tells what is wrong with settings, in the words of the command line's flags.
func (s Settings) Check() error {
	if s.Image == "" {
		return errors.New("--image is missing: name the image that gateways run")
	}
	if !knownServiceType(s.ServiceType) {
		return fmt.Errorf("--service-type %s: must be one of %s", s.ServiceType, serviceTypeNames())
	}
	if s.Replicas < 0 {
		return fmt.Errorf("--replicas %d: must be at least 1", s.Replicas)
	}
	if !s.durable() {
		return nil
	}
	size, err := resource.ParseQuantity(s.Storage)
	if err != nil || size.Sign() <= 0 {
		return fmt.Errorf("--storage %s: must be a size such as 10Gi, or %s", s.Storage, NoStorage)
	}
	if s.replicas() > 1 {
		return fmt.Errorf("--replicas %d with --storage %s: the ledger is one database, which one pod writes; "+
			"with --storage %s each replica counts for itself, and forgets at its end", s.Replicas, s.Storage, NoStorage)
	}
	return nil
}

// durable tells whether the ledger outlives its pod.
func (s Settings) durable() bool { return s.Storage != "" && s.Storage != NoStorage }

func (s Settings) replicas() int32 { return max(s.Replicas, 1) }

var serviceTypes = []corev1.ServiceType{
	corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort, corev1.ServiceTypeClusterIP,
}

func knownServiceType(name string) bool {
	return name == "" || slices.Contains(serviceTypes, corev1.ServiceType(name))
}

func serviceTypeNames() string {
	var names []string
	for _, t := range serviceTypes {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}
