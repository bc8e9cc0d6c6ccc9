"use strict";
// Draws the answers of the page. All numbers come from the engine; what is computed here is where they stand.
let data; // a Report of Go
let sections; // one for each of its answers
const palette = Array.from({length: 10}, (_, i) => `var(--color-${i})`); // page.css has the colours, light and dark
const maxColors = palette.length, maxCharts = 12, maxBars = 40, maxBands = 3;
const chosen = {window: 0, project: "", model: ""};

// element makes an element with attributes and children, which may be texts.
function element(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// unique returns the values that rows have in a column, in order.
const unique = (rows, column) => [...new Set(rows.map((r) => r[column]))].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);

// rowsOf returns the rows of an answer that the filters let through, as objects.
function rowsOf(answer) {
  const daily = answer.parts.length === 1, from = data.windows[chosen.window].from;
  const part = answer.parts[daily ? 0 : chosen.window];
  const hasDay = answer.columns.some((c) => c.name === "day");
  return part.rows.map((row) => Object.fromEntries(answer.columns.map((c, i) => [c.name, row[i]])))
    .filter((r) => (!chosen.project || r.project === undefined || r.project === chosen.project)
      && (!chosen.model || r.model === undefined || r.model === chosen.model)
      && (!(daily && hasDay && chosen.window) || r.day >= from.slice(0, 10)));
}

const number = (digits) => new Intl.NumberFormat("en", {maximumFractionDigits: digits});
const whole = number(0), fine = number(4), money = number(2);
const formats = {
  percent: (x) => number(1).format(100 * x) + "%",
  ms: (x) => whole.format(x), s: (x) => fine.format(x), number: (x) => fine.format(x),
  usd: (x) => "$" + (Math.abs(x) < 1 ? fine : money).format(x),
};

function cell(value, type) {
  if (value === null) return "–";
  return type === "number" ? (Number.isInteger(value) ? whole : fine).format(value) : String(value);
}

// averaged joins rows that agree in all of the keys, by the mean of a value with a weight.
function averaged(rows, keys, value, weight) {
  const groups = new Map();
  for (const r of rows) {
    const key = JSON.stringify(keys.map((k) => r[k])), g = groups.get(key) ?? {...r, [weight]: 0, [value]: 0};
    g[weight] += r[weight];
    g[value] += r[weight] * r[value];
    groups.set(key, g);
  }
  return [...groups.values()].map((g) => ({...g, [value]: g[value] / g[weight]}));
}

// greatest returns the values of a column whose rows have the greatest sums of another, or are the most.
function greatest(rows, column, by, n) {
  const sums = new Map();
  for (const r of rows) sums.set(r[column], (sums.get(r[column]) ?? 0) + (by ? r[by] : 1));
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, n).map(([value]) => value);
}

// draw returns the charts of an answer, one for each facet, and notes about what is left out.
function draw(answer, rows, width) {
  const spec = {...answer.chart, time: answer.columns.some((c) => c.name === answer.chart.x[0] && c.type === "day")}, notes = [], format = formats[spec.format];
  for (const column of spec.where ?? []) rows = rows.filter((r) => r[column]);
  if (rows.length === 0) return {charts: [], legend: "", notes: ["None of the rows can be drawn: see the table."]};
  if (spec.mark === "dots") { // a row for each of the columns
    rows = rows.flatMap((r) => spec.x.filter((c) => r[c] !== null).map((c) => ({...r, value: r[c], measure: c.replace(/_m?s$/, "").replaceAll("_", " ")})));
    Object.assign(spec, {x: ["value"], color: "measure"});
  }
  const x = spec.x[0], y = spec.y[0];
  let facets = ["project", spec.facet].filter((c, i, all) => c && all.indexOf(c) === i && unique(rows, c).length > 1);
  if (spec.mark === "line" && !spec.time && unique(rows, x).length === 1) return {charts: [], legend: "", notes: [`There is a single value of ${x}: nothing to draw.`]};
  if (spec.average) rows = averaged(rows, [...facets, "model", x], y, spec.average);
  if (spec.color && unique(rows, spec.color).length > maxColors) {
    const kept = greatest(rows, spec.color, null, maxColors);
    notes.push(`${kept.length} of ${unique(rows, spec.color).length} values of ${spec.color}: choose one above to see another.`);
    rows = rows.filter((r) => kept.includes(r[spec.color]));
  }
  const colors = spec.color && spec.color !== y ? unique(rows, spec.color) : [];
  const key = (r) => facets.map((c) => r[c]).join(" · ");
  const names = [...new Set(rows.map(key))].sort();
  if (names.length > maxCharts) notes.push(`${maxCharts} of ${names.length} charts: choose above to see others.`);
  const banded = spec.low && colors.length <= maxBands, domain = extent(rows, spec, x, y, banded, key);
  const alone = names.length === 1;
  width = Math.min(alone ? document.getElementById("answers").clientWidth : width, alone ? 1000 : 640);
  const charts = names.slice(0, maxCharts).map((name) => {
    const svg = Plot.plot({
      width, marginRight: 16, marginBottom: 36,
      style: {background: "transparent", color: "inherit"}, ariaLabel: spec.title + (name ? ": " + name : ""),
      color: {domain: colors, range: palette}, ...marks(spec, rows.filter((r) => key(r) === name), colors, format, domain, width),
    });
    svg.setAttribute("role", "img"); // one picture, whose parts have no names of their own
    for (const part of svg.querySelectorAll("[aria-label]")) {
      part.dataset.part = part.getAttribute("aria-label");
      part.removeAttribute("aria-label");
    }
    return name ? element("div", {}, element("h3", {}, name), svg) : svg;
  });
  const legend = element("ul", {class: "legend"}, ...colors.map((c, i) => {
    const swatch = element("i");
    swatch.style.background = palette[i];
    return element("li", {}, swatch, String(c) || "none");
  }));
  if (spec.markWhen && rows.some((r) => r[spec.markWhen])) notes.push("A triangle marks a day from which the rate is higher (pointing up) or lower (pointing down) than before.");
  return {charts, legend: colors.length > 1 ? legend : "", notes};
}

// extent gives all facets the same scales; but dots, which may be seconds here and minutes there, have their own.
function extent(rows, spec, x, y, banded, key) {
  const top = (columns) => Math.max(0, ...rows.flatMap((r) => columns.map((c) => r[c] ?? 0)));
  if (spec.mark === "interval") return {x: {domain: [0, Math.min(1, top([x, spec.high]) * 1.02) || 1]}};
  if (spec.mark === "line" && spec.time) {
    const times = rows.map((r) => timeOf(r[x])).sort((a, b) => a - b);
    const alone = times[0].getTime() === times.at(-1).getTime() ? day : 0; // a single time is in the middle
    return {x: {domain: [new Date(times[0].getTime() - alone), new Date(times.at(-1).getTime() + alone)]}, y: {domain: [0, top([...spec.y, ...(banded ? [spec.high] : [])]) * 1.02 || 1]}};
  }
  if (spec.bin) {
    const starts = rows.map((r) => r[x]), shares = spec.bin < 1 ? [0, 1] : []; // bins of a share are shown in the whole of it
    return {x: {domain: [Math.min(...starts, ...shares), Math.max(...starts.map((v) => v + spec.bin), ...shares)]}, y: {domain: [0, top([y]) * 1.02 || 1], ticks: [top([y])]}};
  }
  if (spec.mark === "line") return {y: {domain: [0, top([y]) * 1.02 || 1]}};
  if (spec.mark !== "bar") return {};
  const dayOf = (r) => Math.floor(timeOf(r[x]) / day) * day, sums = new Map(); // of the parts of a bar
  for (const r of rows) {
    const bar = JSON.stringify([key(r), spec.time ? dayOf(r) : r[y]]);
    sums.set(bar, (sums.get(bar) ?? 0) + r[spec.time ? y : x]);
  }
  const values = {domain: [Math.min(0, ...sums.values()), Math.max(0, ...sums.values()) * 1.02 || 1]};
  if (!spec.time) return {x: values};
  const days = rows.map(dayOf);
  return {x: {domain: [new Date(Math.min(...days)), new Date(Math.max(...days) + day)]}, y: values};
}

const day = 24 * 60 * 60 * 1000; // in milliseconds

// timeOf reads a day, or a time in UTC, as ClickHouse writes it.
const timeOf = (text) => new Date(text.length > 10 ? text.replace(" ", "T") + "Z" : text);

// shorten cuts what is too long for an axis.
const shorten = (text) => String(text).length > 16 ? String(text).slice(0, 15) + "…" : String(text);

// marks returns the options of Plot that draw rows.
function marks(spec, rows, colors, format, domain, width) {
  const x = spec.x[0], y = spec.y[0], stroke = colors.length ? spec.color : palette[0];
  const present = colors.filter((c) => rows.some((r) => r[spec.color] === c)); // bands of their own have no room for others
  const title = (r) => [...new Set([spec.facet, "project", y, spec.color, x].filter((c) => typeof r[c] === "string"))].map((c) => r[c]).join(" · ")
    + Object.entries(r).filter(([, v]) => typeof v === "number").map(([c, v]) => `\n${c.replaceAll("_", " ")}: ${fine.format(v)}`).join("");
  const tip = {title, tip: {format: {}, fill: "var(--back)", fontSize: 12}};
  const valueAxis = {tickFormat: format, ticks: width < 500 ? 3 : 5, grid: true, nice: false, labelArrow: "none"};
  if (spec.mark === "interval" || spec.mark === "dots") {
    const split = spec.mark === "interval" && colors.length > 1 && spec.color !== y;
    const band = split ? {y: spec.color, fy: y} : {y};
    const bands = unique(rows, y).length * (split ? present.length * 11 + 8 : 24);
    return {
      height: bands + 60, marginLeft: 110, x: {...valueAxis, ...domain.x, label: spec.xLabel},
      y: split ? {axis: null, domain: present} : {label: null, tickFormat: shorten}, fy: split ? {label: null, axis: "left", tickFormat: shorten, padding: .15} : undefined,
      marks: [
        Plot.ruleX([0], {stroke: "currentColor", strokeOpacity: .3}),
        ...(spec.low ? [Plot.ruleY(rows, {x1: spec.low, x2: spec.high, ...band, stroke, strokeWidth: 2})] : []),
        Plot.dot(rows, {x, ...band, fill: stroke, r: spec.low ? 3.5 : 4.5, ...tip}),
      ],
    };
  }
  if (spec.mark === "line") {
    const at = spec.time ? (r) => timeOf(r[x]) : x;
    return {
      height: 240, marginLeft: 56, x: spec.time ? {type: "utc", label: null, ticks: 5, ...domain.x} : {label: spec.xLabel, labelArrow: "none", ticks: 8, tickFormat: (v) => Number.isInteger(v) ? String(v) : ""},
      y: {...valueAxis, ...domain.y, label: spec.yLabel},
      marks: [
        ...(spec.low && colors.length <= maxBands ? [Plot.areaY(rows, {x: at, y1: spec.low, y2: spec.high, fill: stroke, z: spec.color, fillOpacity: .15, sort: x})] : []),
        Plot.lineY(rows, {x: at, y, stroke, z: spec.color, strokeWidth: 1.5, sort: x}),
        Plot.dot(rows, {x: at, y, fill: stroke, r: 2.5, ...tip}),
        ...(spec.markWhen ? [Plot.dot(rows.filter((r) => r[spec.markWhen]), {x: at, y, stroke, r: 7, strokeWidth: 2, symbol: (r) => r[spec.markWhen] > 0 ? "triangle" : "triangle2"})] : []),
      ],
    };
  }
  if (spec.bin) {
    const several = colors.length > 1;
    return {
      height: several ? present.length * 48 + 50 : 220, marginLeft: 56, x: {label: spec.xLabel, labelArrow: "none", ticks: 6, ...domain.x},
      y: {...valueAxis, domain: domain.y.domain, ...(several ? {ticks: domain.y.ticks} : {}), label: spec.yLabel}, fy: several ? {axis: null, domain: present, padding: .15} : undefined,
      marks: [
        Plot.ruleY([0], {stroke: "currentColor", strokeOpacity: .3}),
        Plot.rectY(rows, {x1: x, x2: (r) => r[x] + spec.bin, y, fill: stroke, inset: .5, ...(several ? {fy: spec.color} : {}), ...tip}),
      ],
    };
  }
  if (spec.time) {
    return {
      height: 240, marginLeft: 56, x: {type: "utc", label: null, ticks: 5, ...domain.x}, y: {...valueAxis, ...domain.y, label: spec.yLabel},
      marks: [Plot.ruleY([0], {stroke: "currentColor", strokeOpacity: .3}), Plot.rectY(rows, {x: (r) => timeOf(r[x]), interval: "day", y, fill: stroke, inset: .5, ...tip})],
    };
  }
  const kept = greatest(rows, y, x, spec.top ?? maxBars);
  return {
    height: kept.length * 24 + 60, marginLeft: 110, x: {...valueAxis, ...domain.x, label: spec.xLabel}, y: {label: null, domain: kept, tickFormat: shorten},
    marks: [Plot.ruleX([0], {stroke: "currentColor", strokeOpacity: .3}), Plot.barX(rows.filter((r) => kept.includes(r[y])), {x, y, fill: stroke, ...tip})],
  };
}

function table(answer, rows) {
  const shown = rows.slice(0, 500);
  const head = element("tr", {}, ...answer.columns.map((c) => element("th", {scope: "col", title: c.text, class: c.type}, c.name)));
  const body = shown.map((r) => element("tr", {}, ...answer.columns.map((c) => element("td", {class: c.type}, cell(r[c.name], c.type)))));
  const scroll = element("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Table: " + answer.title},
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
  const count = whole.format(rows.length) + (rows.length === 1 ? " row" : " rows") + (shown.length < rows.length ? `, the first ${shown.length} shown` : "");
  return element("details", answer.chart ? {} : {open: ""}, element("summary", {}, `Table (${count})`), scroll);
}

// render draws one answer into its section.
function render(answer, section) {
  const rows = rowsOf(answer), part = answer.parts[answer.parts.length === 1 ? 0 : chosen.window];
  const open = [...section.querySelectorAll("details")].map((d) => d.open);
  section.replaceChildren(element("h2", {}, answer.title), element("p", {class: "question"}, answer.question));
  if (rows.length === 0) {
    const filtered = chosen.window || chosen.project || chosen.model;
    section.append(element("p", {class: "empty"}, filtered ? "No rows with these filters." : `No rows: nothing of this has been recorded in ${answer.table} yet.`));
  } else {
    if (answer.chart) {
      const {charts, legend, notes} = draw(answer, rows, chartWidth());
      section.append(element("figure", {}, element("figcaption", {}, answer.chart.title), legend, element("div", {class: charts.length === 1 ? "charts alone" : "charts"}, ...charts)));
      for (const note of notes) section.append(element("p", {class: "note"}, note));
    }
    if (part.more) section.append(element("p", {class: "note"}, `The page has room for the first ${whole.format(part.rows.length)} of ${whole.format(part.rows.length + part.more)} rows; the SQL below returns all of them.`));
    section.append(table(answer, rows));
  }
  section.append(element("details", {}, element("summary", {}, "How it is computed, and its SQL"), element("p", {}, answer.about), element("pre", {tabindex: "0"}, part.sql)));
  section.querySelectorAll("details").forEach((d, i) => { if (open.length && open[i] !== undefined) d.open = open[i]; });
}

// chartWidth is the width of a column of the grid of charts.
function chartWidth() {
  const room = document.getElementById("answers").clientWidth, columns = Math.max(1, Math.floor((room + 24) / (352 + 24)));
  return Math.max(280, (room - 24 * (columns - 1)) / columns);
}

const redraw = () => data?.answers.forEach((answer, i) => render(answer, sections[i]));

// fill offers the values of a column, or hides a filter that there is nothing to choose in.
function fill(id, options) {
  const select = document.getElementById(id);
  select.replaceChildren(...options.map(([value, text]) => element("option", {value}, text)));
  select.parentElement.style.display = options.length < 2 ? "none" : "";
  select.onchange = () => {
    chosen[id] = id === "window" ? Number(select.value) : select.value;
    redraw();
  };
}

function valuesOf(column) {
  const values = new Set();
  for (const a of data.answers) {
    const i = a.columns.findIndex((c) => c.name === column);
    if (i >= 0) for (const part of a.parts) for (const row of part.rows) if (row[i]) values.add(row[i]);
  }
  const sorted = [...values].sort();
  return sorted.length > 1 ? [["", "all"], ...sorted.map((v) => [v, v])] : [];
}

// show draws a report in place of the one that is there.
function show(report) {
  data = report;
  sections = data.answers.map((answer) => element("section", {id: answer.name, "aria-label": answer.title}));
  Object.assign(chosen, {window: 0, project: "", model: ""});
  fill("window", data.windows.map((w, i) => [i, w.name]));
  fill("project", valuesOf("project"));
  fill("model", valuesOf("model"));
  document.getElementById("contents").replaceChildren(...data.answers.map((a) => element("li", {}, element("a", {href: "#" + a.name}, a.title))));
  document.getElementById("answers").replaceChildren(...sections);
  document.getElementById("filters").hidden = false;
  redraw();
}

document.getElementById("filters").addEventListener("submit", (e) => e.preventDefault());
document.getElementById("theme").addEventListener("change", (e) => {
  document.documentElement.dataset.theme = e.target.value;
  if (!e.target.value) delete document.documentElement.dataset.theme;
});
let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(redraw, 150); });
const inPage = document.getElementById("data");
if (inPage) show(JSON.parse(inPage.textContent));
