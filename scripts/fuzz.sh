#!/usr/bin/env bash
# Runs every fuzz test of the module for $FUZZTIME (default 10s) each. What a fuzz
# test finds is written to testdata/fuzz next to it: commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t found < <(grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort)
if [ "${#found[@]}" -eq 0 ]; then
  echo "fuzz: no fuzz tests"
  exit 0
fi
for line in "${found[@]}"; do
  file=${line%%:*}
  name=${line##* }
  echo "fuzz: $name in $(dirname "$file")"
  CGO_ENABLED=0 go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" "$(dirname "$file")"
done
