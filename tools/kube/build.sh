#!/usr/bin/env bash
# Builds kube-apiserver, kubectl, kube-controller-manager and etcd from their Go modules,
# for the tests that need a real Kubernetes, and prints the directory that they are in:
# a cache that belongs to exactly these versions. What is there already is not built again.
#
#   build.sh            build what is missing; the directory on standard output
#   build.sh --where    only print the directory
#   build.sh --missing  only print which programs are missing, one per line
#
# TOLLGATE_KUBE_CACHE names another place for the cache. Programs that are killed half
# way leave no half program: each is linked under another name and then renamed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=(etcd kube-apiserver kubectl kube-controller-manager)

say() { echo "kube-tools: $*" >&2; }

hash=$(cat "$here"/go.{mod,sum} "$here"/etcd/go.{mod,sum} | sha256sum | cut -c1-16)
dir=${TOLLGATE_KUBE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate/kube}/$hash

missing=()
for p in "${programs[@]}"; do [[ -x $dir/$p ]] || missing+=("$p"); done
case ${1:-} in
--where) echo "$dir"; exit ;;
--missing) for p in ${missing[@]+"${missing[@]}"}; do echo "$p"; done; exit ;;
"") ;;
*) say "unknown argument $1"; exit 2 ;;
esac
if ((${#missing[@]} == 0)); then echo "$dir"; exit; fi

export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=readonly -buildvcs=false"
mkdir -p "$dir"
temporary=$(mktemp -d "$dir/building.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

# fetch downloads what a package needs. The whole build may take ten minutes: a machine
# without network should hear of it in the first second.
fetch() {
	say "fetching the modules of $2"
	if ! (cd "$1" && go list -deps "$2" >/dev/null); then
		say "the Go modules of Kubernetes cannot be fetched, see above."
		say "Without network: copy $dir from a machine that has built it,"
		say "or run the tests with TOLLGATE_KUBE=off, which leaves them out."
		exit 1
	fi
}

version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/go.mod")
[[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || { say "go.mod does not name a version of k8s.io/kubernetes"; exit 1; }
major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
in=k8s.io/component-base/version # clients compare and show these
stamp="-X $in.gitVersion=$version -X $in.gitMajor=$major -X $in.gitMinor=$minor"

for p in "${missing[@]}"; do
	case $p in
	etcd) module=$here/etcd package=go.etcd.io/etcd/server/v3 flags="-s -w" expect="half a minute" ;;
	kube-apiserver) module=$here package=k8s.io/kubernetes/cmd/$p flags="-s -w $stamp" expect="five minutes on two cores" ;;
	*) module=$here package=k8s.io/kubernetes/cmd/$p flags="-s -w $stamp" expect="up to two minutes" ;;
	esac
	fetch "$module" "$package"
	say "building $p, which takes $expect the first time"
	start=$SECONDS
	(cd "$module" && go build -trimpath -ldflags "$flags" -o "$temporary/$p" "$package") >&2
	mv "$temporary/$p" "$dir/$p"
	say "built $p in $((SECONDS - start)) s"
done
echo "$dir"
