#!/usr/bin/env bash
# Runs the integration suite against an engine in a container. Arguments go to go test.
#
# FACTLOAD_TEST_IMAGE names the image. When it is not set: the official ClickHouse
# image that docker-compose.yml pins; and where no registry answers, our own image,
# built from the files of this machine (make image-offline).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
  echo "test-docker: no Docker daemon answers: start one (Debian: apt-get install docker.io, then dockerd as root)" >&2
  exit 1
fi

official=$(grep -oE 'clickhouse/clickhouse-server:[0-9.]+' docker-compose.yml | head -n 1)
image=${FACTLOAD_TEST_IMAGE:-}
if [ -z "$image" ]; then
  if docker image inspect "$official" >/dev/null 2>&1 || timeout 600 docker pull --quiet "$official" 2>/dev/null; then
    image=$official
  else
    image=factload:dev
    echo "test-docker: $official cannot be pulled: building $image from this machine's files"
    make image-offline IMAGE="$image"
  fi
fi

# Testcontainers' reaper is an image of its own. Without it the suite removes its
# containers itself, so it is used only where it is there already.
if [ -z "${TESTCONTAINERS_RYUK_DISABLED:-}" ] && ! docker image ls --format '{{.Repository}}' | grep -q '^testcontainers/ryuk$'; then
  export TESTCONTAINERS_RYUK_DISABLED=true
fi
# The daemon of this machine publishes ports here, also when we are in a container.
export TESTCONTAINERS_HOST_OVERRIDE=${TESTCONTAINERS_HOST_OVERRIDE:-127.0.0.1}

echo "test-docker: engine image $image"
FACTLOAD_TEST_IMAGE=$image go test "$@" ./integration_test/...
