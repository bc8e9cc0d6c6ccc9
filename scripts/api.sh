#!/usr/bin/env bash
# Compares the exported API with that of $SINCE (default: the last tag) and lists what no longer fits. Since version 1
# that is a failure. Without a tag there is nothing to compare with.
set -euo pipefail
cd "$(dirname "$0")/.."

since=${SINCE:-$(git describe --tags --abbrev=0 2>/dev/null || true)}
if [ -z "$since" ]; then
  echo "api: no release yet to compare with (SINCE=COMMIT compares with any commit)"
  exit 0
fi
apidiff=$PWD/bin/apidiff
module=$(go list -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet . "$work/then"
git -C "$work/then" checkout --quiet "$since"
(cd "$work/then" && "$apidiff" -m -w "$work/then.export" "$module")
changes=$("$apidiff" -m -incompatible "$work/then.export" "$module")
if [ -z "$changes" ]; then
  echo "api: all that there was in $since is there as it was"
  exit 0
fi
echo "$changes"
if [[ $since =~ ^v[1-9] ]]; then
  echo "api: programs that were written for $since do not build any more" >&2
  exit 1
fi
echo "api: before version 1 this is allowed: CHANGELOG.md has to say it"
