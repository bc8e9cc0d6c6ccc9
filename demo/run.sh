#!/usr/bin/env bash
# The demo: make sample facts, load them, ask five questions. See README.md.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
factload=$(realpath -s "${FACTLOAD:-$root/bin/factload}")
mkdir -p "${1:-$root/.factload/demo}"
dir=$(realpath "${1:-$root/.factload/demo}")
# shown is a path as it is seen from the working directory.
shown() { realpath -s --relative-base="$PWD" "$1"; }
run() { "$factload" "$@" --config none; }

# 200,000 facts in all, or as many percent of them.
percent=${FACTLOAD_DEMO_PERCENT:-100}
declare -A rows=([message]=100000 [conversation]=20000 [tool_call]=25000
                 [eval_run]=200 [eval_result]=45000 [eval_bfcl]=9800)

mkdir -p "$dir/facts"
for schema in message conversation tool_call eval_run eval_result eval_bfcl; do
	file=$dir/facts/$schema.jsonl
	if [ ! -e "$file" ]; then
		run sample --schema "$schema" --rows $((rows[$schema] * percent / 100)) --seed 1 >"$file.new"
		mv "$file.new" "$file"
	fi
done

# One engine for all the steps; it stops with this script.
rm -f "$dir/dsn"
"$factload" serve --config none --data "$dir/data" --native 127.0.0.1:0 --http 127.0.0.1:0 \
	--dsn-file "$dir/dsn" 2>"$dir/engine.log" &
engine=$!
stop() {
	kill "$engine" 2>/dev/null || true
	wait "$engine" 2>/dev/null || true
	rm -f "$dir/dsn"
}
trap stop EXIT
until [ -s "$dir/dsn" ]; do
	if ! kill -0 "$engine" 2>/dev/null; then
		cat "$dir/engine.log" >&2
		exit 1
	fi
	sleep 0.1
done

for schema in message conversation tool_call eval_run eval_result eval_bfcl; do
	summary=$(cd "$dir/facts" && run load --log-level warn --dsn-file "$dir/dsn" --schema "$schema" "$schema.jsonl")
	printf '%-13s %s\n' "$schema" "${summary##*$'\n'}" # without what is loaded already, file by file
done

for question in "$here"/*.sql; do
	printf '\n%s\n' "$(sed -n '1s/^-- //p' "$question")"
	run query --dsn-file "$dir/dsn" --file "$question"
done

printf '\nAsk your own:\n  %s query --data %s "SHOW TABLES"\n' "$(shown "$factload")" "$(shown "$dir/data")"
