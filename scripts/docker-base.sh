#!/usr/bin/env bash
# Makes a base image for the runtime stage without a registry: the C library that
# libchdb asks for, two lines of /etc/passwd and a /tmp, taken from this machine.
# Usage: scripts/docker-base.sh [NAME]   (default factload-base:local)
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-factload-base:local}
lib=$(bin/factload engine path) || { echo "docker-base: run make setup" >&2; exit 1; }

umask 022
root=$(mktemp -d)
chmod 755 "$root" # it becomes "/"
trap 'rm -rf "$root"' EXIT

# ldd prints "name => /path (address)", and "/path (address)" for the loader.
mapfile -t needed < <(ldd "$lib" | grep -o '/[^ ]*\.so[^ ]*' | grep -v libchdb | sort -u)
[ "${#needed[@]}" -gt 0 ] || { echo "docker-base: ldd says nothing about $lib: this needs Linux with glibc" >&2; exit 1; }
for file in "${needed[@]}"; do
  install -D -m 755 "$(readlink -f "$file")" "$root$file"
done

mkdir -p "$root/etc" "$root/tmp" "$root/usr/local/bin" "$root/var/lib" "$root/run"
chmod 1777 "$root/tmp"
printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'factload:x:10001:10001:factload:/var/lib/factload:/sbin/nologin' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'factload:x:10001:' >"$root/etc/group"

tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
  docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' - "$name" >/dev/null
echo "docker-base: $name, from ${#needed[@]} shared libraries of this machine"
