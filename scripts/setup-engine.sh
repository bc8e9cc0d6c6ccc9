#!/usr/bin/env bash
# Puts the ClickHouse engine (libchdb) that clickhouse/embedded/npm pins into
# .factload/engine. npm checks what it fetches against the lockfile's SHA-512.
# Does nothing when that very lockfile is installed already.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=clickhouse/embedded/npm
dir=.factload/engine
lib=$dir/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so
stamp=$dir/installed-lock.json # a copy of the lockfile, written last

if [ -n "${FACTLOAD_LIBCHDB:-}" ]; then
  if [ ! -f "$FACTLOAD_LIBCHDB" ]; then
    echo "setup: FACTLOAD_LIBCHDB=$FACTLOAD_LIBCHDB is not a file: correct it, or unset it to fetch the pinned engine" >&2
    exit 1
  fi
  echo "setup: engine given by FACTLOAD_LIBCHDB=$FACTLOAD_LIBCHDB"
  exit 0
fi

if [ -f "$lib" ] && cmp -s "$pins/package-lock.json" "$stamp"; then
  echo "setup: engine is ready ($lib)"
  exit 0
fi

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "setup: the pinned engine is for Linux on x86-64 with glibc; this is $(uname -s) on $(uname -m)" >&2
  echo "setup: set FACTLOAD_LIBCHDB to a libchdb for this machine, or work in the Docker image (make image)" >&2
  exit 1
fi
if ! command -v npm >/dev/null; then
  echo "setup: npm is missing (Debian: apt-get install npm): it fetches and verifies the engine" >&2
  exit 1
fi

echo "setup: fetching the engine (180 MB, 570 MB on disk), once"
rm -f "$stamp"
mkdir -p "$dir"
cp "$pins/package.json" "$pins/package-lock.json" "$pins/.npmrc" "$dir/"
(cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
if [ ! -f "$lib" ]; then
  echo "setup: npm finished, but $lib is missing: is this Linux with glibc (npm skips packages for other platforms)?" >&2
  exit 1
fi
cp "$pins/package-lock.json" "$stamp"
echo "setup: engine is ready ($lib)"
