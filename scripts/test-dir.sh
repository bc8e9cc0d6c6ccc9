#!/usr/bin/env bash
# Prints where the data of tests goes. Tests make and delete very many small files, so that is memory, if 4 GB of it are
# free for files and programs may run from there; else TMPDIR as it is. `make soak` is on the disk.
set -euo pipefail
dir=/dev/shm
need=$((4 << 20)) # KB

fits() {
  [ -r /proc/mounts ] && [ -w "$dir" ] &&
    awk -v dir="$dir" '$2 == dir {fits = $3 == "tmpfs" && $4 !~ /noexec/} END {exit !fits}' /proc/mounts &&
    df -Pk "$dir" | awk -v need="$need" 'END {exit $4 < need}' &&
    awk -v need="$need" '$1 == "MemAvailable:" {fits = $2 >= need} END {exit !fits}' /proc/meminfo
}

if fits; then echo "$dir"; else echo "${TMPDIR:-/tmp}"; fi
