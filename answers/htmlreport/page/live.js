"use strict";
// Asks the questions of a page without answers, with the password that is typed in. Go has made the texts of the SQL.
const live = JSON.parse(document.getElementById("questions").textContent);

async function ask(sql) {
  const login = new TextEncoder().encode(document.getElementById("user").value + ":" + document.getElementById("password").value);
  const answer = await fetch("/?default_format=JSONCompact", {
    method: "POST", body: sql, credentials: "omit", headers: {Authorization: "Basic " + btoa(String.fromCharCode(...login))},
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text.slice(0, 500));
  return JSON.parse(text);
}

function kindOf(type) {
  const inner = type.replace(/^(LowCardinality\(|Nullable\()+/, "");
  return /^Date/.test(inner) ? "day" : /^(U?Int|Float|Decimal)/.test(inner) ? "number" : "text";
}

// answerOf asks a question for each window, or once when its rows know their day.
async function answerOf(question, windows) {
  const {reads, sql, newer, order, ...answer} = question;
  answer.parts = [];
  for (const {from} of question.columns.some((c) => c.name === "day") ? windows.slice(0, 1) : windows) {
    const text = from ? newer.replace("{from}", from) : sql;
    const {meta, data, rows_before_limit_at_least: all = data.length} = await ask(live.asked.replace("{sql}", () => text).replace("{order}", () => order));
    answer.columns = question.columns.map((c, i) => ({...c, type: kindOf(meta[i].type)}));
    answer.parts.push({sql: text, rows: data, more: Math.max(0, all - data.length)});
  }
  return answer;
}

async function report(said) {
  const there = new Set((await ask("SHOW TABLES")).data.flat());
  const questions = live.questions.filter((q) => q.reads.every((table) => there.has(table)));
  if (questions.length === 0) return said("There are no tables of chats or evals yet: factload load makes them.");
  const times = [...new Set(questions.map((q) => q.table))].map((table) => live.times[table]);
  const spans = (await ask(live.windows.replace("{times}", () => times.join(" UNION ALL ")))).data;
  const windows = [{name: live.whole}, ...spans.map(([name, from]) => ({name, from}))], answers = [];
  for (const question of questions) {
    said(`Asking ${answers.length + 1} of ${questions.length}: ${question.title}`);
    answers.push(await answerOf(question, windows));
  }
  show({windows, answers});
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
  said("");
}

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = (text) => { document.getElementById("said").textContent = text; }, button = event.target.querySelector("button");
  button.disabled = true;
  await report(said).catch((error) => said(error.message));
  button.disabled = false;
});
