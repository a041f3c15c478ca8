#!/usr/bin/env bash
# Runs the Gateway API's conformance suite against tollgate, as it is installed by
# deploy/kubernetes, beside a real API server, and writes the report to docs/conformance.
#
#   run.sh                              the whole profile, with the report
#   run.sh -run-test=HTTPRouteSimpleSameNamespace    one test, without a report
#
# More arguments go to the suite. Which features are tested the GatewayClass says itself.
# TOLLGATE_URL and TOLLGATE_CONTACT are what the report says of where the project is found.
# TOLLGATE_KUBE_LOGS names a directory that is to have the logs of everything.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

say() { echo "conformance: $*" >&2; }

if ! unshare -Urn ip link set lo up 2>/dev/null; then
	say "skipped: the suite needs pods with addresses of their own, which take a network of its own,"
	say "and this machine does not allow user namespaces (unshare -Urn) or has no ip command."
	exit 0
fi
"$root/tools/kube/build.sh" >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "building the suite, which takes two minutes the first time"
(cd "$here" && CGO_ENABLED=0 go test -c -o "$work/suite" . && CGO_ENABLED=0 go build -o "$work/echo" ./echo)
(cd "$root" && CGO_ENABLED=0 go build -trimpath -o "$work/tollgate" ./cmd/tollgate && go build -o "$work/cluster" ./test/kube/cluster)

version=$("$work/tollgate" --version | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p')
arguments=(-gateway-class=agentgateway -conformance-profiles=GATEWAY-HTTP -cleanup-base-resources=false
	-organization=tollgate -project=tollgate -version="$version" "-url=${TOLLGATE_URL:-not published}" "-contact=${TOLLGATE_CONTACT:-not published}")
if (($# == 0)); then
	mkdir -p "$root/docs/conformance"
	report=$root/docs/conformance/standard-$version-default-report.yaml
	arguments+=("-report-output=$report")
fi

code=0
TOLLGATE_TEST_BINARY=$work/tollgate "$work/cluster" -image echo-basic="$work/echo" -image coredns="$work/echo" \
	-apply "$root/deploy/kubernetes" -- \
	"$work/suite" -test.v -test.timeout=60m -test.run '^TestConformance$' "${arguments[@]}" "$@" >"$work/out" 2>"$work/err" || code=$?
if [[ -n ${TOLLGATE_KUBE_LOGS:-} ]]; then mkdir -p "$TOLLGATE_KUBE_LOGS" && cp "$work/out" "$work/err" "$TOLLGATE_KUBE_LOGS/"; fi

# The suite prints every manifest that it applies and every try of every request: who wants
# all of it sets TOLLGATE_KUBE_LOGS.
for result in PASS FAIL SKIP; do say "$result: $(grep -cE "^ {4}--- $result" "$work/out" || true)"; done
grep -E '^ +--- FAIL' "$work/out" >&2 || true
if ((code != 0)) && ! grep -qE '^ +--- FAIL' "$work/out"; then tail -n 40 "$work/out" "$work/err" >&2; fi
if [[ -n ${report:-} && -f $report ]]; then say "the report is ${report#"$root"/}"; fi
exit "$code"
