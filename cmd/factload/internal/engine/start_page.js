"use strict";
const sql = `SELECT t.name AS name, t.engine AS engine, ifNull(t.total_rows, 0) AS rows, ifNull(formatReadableSize(t.total_bytes), '') AS size,
	if(p.table = '', '', toString(p.last)) AS last, replaceRegexpOne(t.comment, ' \\\\[factload [0-9a-f]+\\\\]$', '') AS comment
FROM system.tables AS t
LEFT JOIN (SELECT table, max(modification_time) AS last FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table) AS p ON p.table = t.name
WHERE t.database = currentDatabase() AND NOT startsWith(t.name, '.inner')
ORDER BY startsWith(t.name, '_factload'), p.last DESC, t.name FORMAT JSON`;

const $ = id => document.getElementById(id);

// base64 of a text's UTF-8, as the query page wants a statement behind #.
const base64 = text => btoa(Array.from(new TextEncoder().encode(text), b => String.fromCharCode(b)).join(""));

const playURL = query => "/play?user=" + encodeURIComponent($("user").value) + "&database=" + encodeURIComponent(document.body.dataset.database) +
	(query ? "#" + base64(query) : "");

const quoted = name => "`" + name.replaceAll("\\", "\\\\").replaceAll("`", "\\`") + "`";

const link = (href, text) => Object.assign(document.createElement("a"), { href, textContent: text });

// showQuestions lists the questions whose tables there are.
function showQuestions(tables) {
	const there = new Set(tables.map(t => t.name));
	const questions = JSON.parse($("shipped").textContent).filter(q => q.Reads.every(table => there.has(table)));
	$("questions").querySelector("tbody").replaceChildren(...questions.map(q => {
		const row = document.createElement("tr");
		row.insertCell().append(link("/report#" + q.Name, q.Title));
		row.insertCell().textContent = q.Question;
		row.insertCell().append(link(playURL(q.SQL), "SQL"));
		return row;
	}));
	$("questions").hidden = questions.length === 0;
}

function showTables(tables) {
	const body = $("tables").querySelector("tbody");
	body.replaceChildren(...tables.map(t => {
		const row = document.createElement("tr");
		row.insertCell().append(link(playURL("SELECT * FROM " + quoted(t.name) + " LIMIT 100"), t.name));
		for (const text of [/View$/.test(t.engine) ? "view" : Number(t.rows).toLocaleString("en"), t.size, t.last, t.comment]) {
			row.insertCell().textContent = text;
		}
		return row;
	}));
	$("tables").hidden = tables.length === 0;
	$("said").textContent = tables.length === 0 ? "No tables yet: factload load and factload apply make them." : "";
}

$("user").addEventListener("input", () => { $("play").href = playURL(""); });

$("login").addEventListener("submit", async event => {
	event.preventDefault();
	$("said").textContent = "asking";
	$("tables").hidden = $("questions").hidden = true;
	try {
		const answer = await fetch("/?query=" + encodeURIComponent(sql), {
			credentials: "omit",
			headers: { Authorization: "Basic " + base64($("user").value + ":" + $("password").value) },
		});
		if (!answer.ok) {
			$("said").textContent = (await answer.text()).slice(0, 500);
			return;
		}
		const tables = (await answer.json()).data;
		showTables(tables);
		showQuestions(tables);
	} catch (error) {
		$("said").textContent = String(error);
	}
});
