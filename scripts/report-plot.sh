#!/usr/bin/env bash
# Makes answers/htmlreport/page/plot.js and its licences anew from the packages that
# answers/htmlreport/plot/package-lock.json pins, and checks the digest. With
# --update it writes another digest.
set -euo pipefail
cd "$(dirname "$0")/../answers/htmlreport"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp plot/entry.js plot/package.json plot/package-lock.json "$work"
(
	cd "$work"
	npm ci --ignore-scripts --no-audit --no-fund --silent
	npx esbuild entry.js --bundle --minify --format=iife --global-name=Plot --target=es2020 --legal-comments=none --metafile=meta.json --outfile=plot.js --log-level=warning
	# The licences of the packages that are in the bundle.
	node -e '
		const fs = require("fs");
		const inputs = Object.keys(JSON.parse(fs.readFileSync("meta.json")).inputs);
		const names = new Set(inputs.map((p) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(p)?.[1]).filter(Boolean));
		for (const name of [...names].sort()) {
			const dir = "node_modules/" + name, about = JSON.parse(fs.readFileSync(dir + "/package.json"));
			const file = fs.readdirSync(dir).find((f) => /^(un)?licen[sc]e/i.test(f));
			console.log(`== ${name} ${about.version} (${about.license})\n`);
			console.log(file ? fs.readFileSync(dir + "/" + file, "utf8").trim() + "\n" : "");
		}' >licences.txt
)
cp "$work/plot.js" page/plot.js
cp "$work/licences.txt" page/plot.licences.txt
if [ "${1:-}" = --update ]; then
	sha256sum page/plot.js >plot/plot.sha256
fi
sha256sum -c plot/plot.sha256
