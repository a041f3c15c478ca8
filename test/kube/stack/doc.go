// Package stack runs a real Kubernetes API for tests: etcd, kube-apiserver and
// kube-controller-manager as child processes on free ports, with everything they write in
// one temporary directory, and kubectl to talk to them. The programs are built by
// tools/kube. What runs pods is package node.
//
// It knows nothing of tollgate but the place of its folder with the definitions of resources.
package stack
