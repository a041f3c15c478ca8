#!/bin/sh
# Installs what the benchmark needs beside Go on Debian and its relatives:
# nginx, and taskset to give the gateway a core for itself.
set -eu

if { command -v nginx || [ -x /usr/sbin/nginx ]; } >/dev/null && command -v taskset >/dev/null; then
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "bench/install.sh: run it as root, or install nginx and util-linux yourself" >&2
	exit 1
fi
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx util-linux
# The benchmark starts its own; the one of the package shall not hold port 80.
systemctl disable --now nginx 2>/dev/null || true
