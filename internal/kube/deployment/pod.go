//go:build !nokube

package deployment

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// How a pod ends: it serves on for notice while load balancers learn that it is not ready,
// then lets requests under way finish for drain. The rest of its grace is for the ledger.
const (
	notice = 5 * time.Second
	drain  = 30 * time.Second
	grace  = notice + drain + 15*time.Second
)

const (
	// configKey is the key of the ConfigMap that AnnotationConfig names.
	configKey = "config.yaml"
	// masterKey is the key of the Secret with the master key.
	masterKey = "master-key"

	configPath = "/etc/tollgate"
	secretPath = "/run/secrets/tollgate"
	volumePath = "/data"
	// dataPath is below the volume, so that the program makes it with its own mode.
	dataPath = volumePath + "/tollgate"

	// user is the one that the image has for this; any but root will do.
	user = 65532
	// privileged is the first port that needs no privilege on a usual node.
	privileged = 1024
)

// pod gives what the Gateway's pods are. They pass the Pod Security Standard "restricted".
func (g *planned) pod() corev1.PodTemplateSpec {
	labels := g.labels()
	annotations := map[string]string{}
	for k, v := range g.annotations() {
		annotations[k] = v
	}
	annotations["prometheus.io/scrape"] = "true"
	annotations["prometheus.io/port"] = strconv.Itoa(portMetrics)
	annotations["prometheus.io/path"] = "/metrics"
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
		Spec: corev1.PodSpec{
			ServiceAccountName: g.Name, AutomountServiceAccountToken: new(true), EnableServiceLinks: new(false),
			SecurityContext: g.podSecurity(), TerminationGracePeriodSeconds: new(int64(grace.Seconds())),
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: corev1.ScheduleAnyway,
				LabelSelector: &metav1.LabelSelector{MatchLabels: g.selector()},
			}},
			Containers: []corev1.Container{g.container()},
			Volumes:    g.volumes(),
		},
	}
}

func (g *planned) podSecurity() *corev1.PodSecurityContext {
	s := &corev1.PodSecurityContext{
		RunAsNonRoot: new(true), RunAsUser: new(int64(user)), RunAsGroup: new(int64(user)), FSGroup: new(int64(user)),
		FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	for _, p := range g.ports {
		if p.number < privileged {
			// A sysctl of the pod's own network that every node allows.
			s.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}
		}
	}
	return s
}

func (g *planned) container() corev1.Container {
	return corev1.Container{
		Name: program, Image: g.settings.Image, Args: g.arguments(), Ports: g.containerPorts(),
		Env: []corev1.EnvVar{
			{Name: "TOLLGATE_DATA_DIR", Value: dataPath},
			{Name: "TOLLGATE_MASTER_KEY_FILE", Value: secretPath + "/" + masterKey},
			// The default, said here so that no configuration opens it to the cluster.
			{Name: "ADMIN_ADDR", Value: fmt.Sprintf("localhost:%d", portAdmin)},
			{Name: "STATS_ADDR", Value: fmt.Sprintf("[::]:%d", portMetrics)},
			{Name: "READINESS_ADDR", Value: fmt.Sprintf("[::]:%d", portReady)},
		},
		// No limits: whoever wants some sets them on the Deployment, where they stay.
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi"),
		}},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Path: "/healthz/ready", Port: intstr.FromString("ready"), Scheme: corev1.URISchemeHTTP,
			}},
			PeriodSeconds: 2, FailureThreshold: 1, SuccessThreshold: 1, TimeoutSeconds: 2,
		},
		// A start verifies the ledger first, which takes as long as that is large.
		StartupProbe: alive(5, 120),
		// Not being ready is no reason to be killed: a gateway that waits for the API server, or drains, is well.
		LivenessProbe: alive(10, 6),
		VolumeMounts:  g.mounts(),
	}
}

// alive asks whether the process accepts connections.
func alive(period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("ready")}},
		PeriodSeconds: period, FailureThreshold: failures, SuccessThreshold: 1, TimeoutSeconds: 2,
	}
}

func (g *planned) arguments() []string {
	args := []string{"serve", "--kubernetes", "--kube-gateway=" + g.Namespace + "/" + g.Name}
	if g.settings.Class != "" {
		args = append(args, "--kube-class="+g.settings.Class)
	}
	if g.namespaced() {
		args = append(args, "--kube-namespace="+g.Namespace)
	}
	if g.config != "" {
		return append(args, "--file="+configPath+"/"+configKey)
	}
	return append(args, fmt.Sprintf("--config={config: {connectionMinTerminationDeadline: %s}, tollgate: {drainTimeout: %s}}", notice, drain))
}

func (g *planned) containerPorts() []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, p := range g.ports {
		ports = append(ports, corev1.ContainerPort{Name: fmt.Sprintf("%s-%d", p.scheme, p.number), ContainerPort: p.number, Protocol: corev1.ProtocolTCP})
	}
	return append(ports,
		corev1.ContainerPort{Name: "metrics", ContainerPort: portMetrics, Protocol: corev1.ProtocolTCP},
		corev1.ContainerPort{Name: "ready", ContainerPort: portReady, Protocol: corev1.ProtocolTCP})
}

func (g *planned) mounts() []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{
		{Name: "data", MountPath: volumePath},
		{Name: "master-key", MountPath: secretPath, ReadOnly: true},
		{Name: "tmp", MountPath: "/tmp"},
	}
	if g.config != "" {
		mounts = append(mounts, corev1.VolumeMount{Name: "config", MountPath: configPath, ReadOnly: true})
	}
	return mounts
}

func (g *planned) volumes() []corev1.Volume {
	data := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
	if g.settings.durable() {
		data = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claimName(g.Name)}}
	}
	volumes := []corev1.Volume{
		{Name: "data", VolumeSource: data},
		{Name: "master-key", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: secretName(g.Name), DefaultMode: new(int32(0o440)),
		}}},
		{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	if g.config != "" {
		volumes = append(volumes, corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: g.config}, DefaultMode: new(int32(0o444)),
			},
		}})
	}
	return volumes
}
