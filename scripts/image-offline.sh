#!/usr/bin/env bash
# Builds the Dockerfile's runtime stage without a registry. The stage is cut out of
# the Dockerfile as it stands; what it copies from the stage "files" comes from an
# image of that name, imported from bin/factload and the engine of this machine.
# Usage: scripts/image-offline.sh IMAGE [BASE]
set -euo pipefail
cd "$(dirname "$0")/.."

image=$1
base=${2:-}
lib=$(bin/factload engine path)
certs=/etc/ssl/certs/ca-certificates.crt

if [ -z "$base" ]; then
  base=factload-base:local
  scripts/docker-base.sh "$base"
fi

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"; docker rmi -f files:latest >/dev/null 2>&1 || true' EXIT

mkdir -p "$work/root/state/data" "$work/root/state/run"
install -D -m 755 bin/factload "$work/root/ship/usr/local/bin/factload"
install -D -m 644 "$lib" "$work/root/ship/usr/local/lib/libchdb.so"
[ ! -f "$certs" ] || install -D -m 644 "$certs" "$work/root/ship$certs"
tar -C "$work/root" --owner=0 --group=0 --numeric-owner -c . | docker import - files:latest >/dev/null

mkdir "$work/context"
awk '/^ARG RUNTIME_IMAGE=/ || /^FROM \$\{RUNTIME_IMAGE\}/ {on = 1} on; /^ARG RUNTIME_IMAGE=/ {on = 0}' \
  Dockerfile >"$work/context/Dockerfile"
docker build --quiet --build-arg RUNTIME_IMAGE="$base" -t "$image" "$work/context" >/dev/null
echo "image-offline: $image"
