#!/usr/bin/env bash
# Builds the last commit as a release does, twice: in clones in two directories, the second time without anything that
# has been compiled before. Fails unless the programs are equal byte by byte.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=$(git rev-parse HEAD)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
build() { # build DIR
  git clone --quiet . "$work/$1"
  git -C "$work/$1" checkout --quiet --detach "$commit"
  (cd "$work/$1" && CGO_ENABLED=0 GOFLAGS='' go build -trimpath -ldflags '-s -w -buildid= -X main.version=reproducible' -o "$work/$(basename "$1").program" ./cmd/factload)
}
build one
GOCACHE=$work/cache build deeper/down/two
if ! cmp "$work/one.program" "$work/two.program"; then
  echo "reproducible: two builds of ${commit:0:7} differ: go version -m tells what they were built with" >&2
  exit 1
fi
echo "reproducible: two builds of ${commit:0:7} are the same, SHA-256 $(sha256sum <"$work/one.program" | cut -d' ' -f1)"
