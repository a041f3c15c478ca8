package cli

import (
	"context"
	"log/slog"
)

// controller are the flags of the command that runs a gateway for each Gateway of a cluster.
type controller struct {
	Kubeconfig      string   `help:"File that says how to reach the cluster (default: $KUBECONFIG, the cluster that this runs in, or ~/.kube/config)." placeholder:"FILE"`
	KubeClass       string   `help:"Run the Gateways of this GatewayClass only (default: of all classes that name tollgate.dev/gateway)." placeholder:"NAME"`
	KubeNamespace   string   `help:"Run the Gateways of this namespace only, with rights in it alone." placeholder:"NAMESPACE"`
	ClusterWide     []string `help:"Let only the Gateways of these namespaces read and serve objects of all namespaces, Secrets among them; those of others are confined to their own (default: all Gateways may)." placeholder:"NAMESPACE"`
	Namespace       string   `help:"Where the lease is that one of several controllers holds (default: the namespace of the pod, or of the kubeconfig)." placeholder:"NAMESPACE"`
	Image           string   `help:"Image that gateways run (default: the one of the pod that this runs in)." placeholder:"IMAGE"`
	Storage         string   `help:"Size of the volume for the ledger of each Gateway (default: 10Gi); none: keys forget what they spent when the pod ends." default:"10Gi" placeholder:"SIZE"`
	StorageClass    string   `help:"StorageClass of these volumes (default: that of the cluster)." placeholder:"NAME"`
	ServiceType     string   `help:"LoadBalancer, NodePort or ClusterIP (default: LoadBalancer), for Gateways without the annotation tollgate.dev/service-type." default:"LoadBalancer" placeholder:"TYPE"`
	Replicas        int32    `help:"Pods of each Gateway. More than one need --storage none: each counts for itself." default:"1" placeholder:"N"`
	ForeignBackends bool     `help:"Start although the cluster's definition of Backend is another program's and knows no AI."`
	ReadinessAddr   string   `help:"Address of the readiness listener, or off (default: [::]:15021)." default:"[::]:15021" env:"READINESS_ADDR" placeholder:"ADDRESS"`

	// What a Deployment tells its pods about themselves.
	PodName      string `hidden:"" env:"POD_NAME"`
	PodNamespace string `hidden:"" env:"POD_NAMESPACE"`
}

// Run looks after the cluster until a signal ends it.
func (c *controller) Run(ctx context.Context, env *Environment) error {
	return c.run(ctx, slog.New(slog.NewTextHandler(env.Stderr, nil)))
}
