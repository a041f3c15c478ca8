// Package node plays the parts of a Kubernetes cluster that need containers, for tests
// that have none: scheduler, kubelet, kube-proxy and the cloud's load balancer. A pod becomes
// a process of the machine, started from a table that says which program an image is, with
// the environment, volumes and service account that a kubelet would give it; a Service of
// type LoadBalancer gets an address at which its ready pods answer. What lies between a
// Deployment and its pods, and between pods and EndpointSlices, is done by the real
// controllers.
//
// Processes see the file system and the network of the machine. What stands for their own
// is put in by replacement: paths below a volume's mount become paths of its directory, in
// arguments and environment, and each pod has an IP address of its own, on which the
// program is told to listen. Only the token of a service account is where it belongs, if
// that can be mounted. Probes are HTTP or TCP; hooks and init containers are left out.
package node
