"use strict";
// Draws the page from the data it holds. What is shown is decided by `state`,
// which lives in the address after #, so that a view can be linked and survives
// a reload.

document.body.dataset.errors = "0";
window.addEventListener("error", () => { document.body.dataset.errors = String(1 + Number(document.body.dataset.errors)); });

let data = JSON.parse(document.getElementById("data").textContent);

const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
const paper = ["sgd", "cmd", "bgmd", "gmd"];
const axes = { time: "wall-clock time", epoch: "epoch", step: "step" };
const measures = {
  accuracy: { title: "test accuracy (%)", of: (e) => e.test_accuracy },
  test_loss: { title: "test loss", of: (e) => e.test_loss },
  train_loss: { title: "training loss", of: (e) => e.train_loss },
  attack: { title: "backdoor success (%)", of: (e) => e.attack_success },
  residual: { title: "residual error r of the block", of: (e) => e.block && e.block.residual },
  iterations: { title: "iterations of the geometric median", of: (e) => e.gm && e.gm.runs ? e.gm.iterations / e.gm.runs : undefined },
};
const keys = ["profile", "data_set", "setting", "aggregator"];

// State.

const state = { x: "time", y: "accuracy", log: "", hide: "" };

function load() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const key of [...keys, "x", "y", "log", "hide"]) state[key] = given.get(key) || { x: "time", y: "accuracy" }[key] || "";
  if (!Object.hasOwn(axes, state.x)) state.x = "time"; // not axes[…], which has a "__proto__"
  if (!Object.hasOwn(measures, state.y)) state.y = "accuracy";
}

function set(key, value) {
  state[key] = value;
  const kept = Object.entries(state).filter(([k, v]) => v && !(k === "x" && v === "time") && !(k === "y" && v === "accuracy"));
  history.replaceState(null, "", "#" + new URLSearchParams(kept));
  draw();
}

const shown = (facts) => keys.every((key) => !state[key] || facts[key] === state[key]);

// Small helpers. Text goes through textContent, never through innerHTML.

function el(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) e.setAttribute(key, value);
  }
  e.append(...children.filter((c) => c !== undefined && c !== ""));
  return e;
}

function shape(name, attributes, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

const replace = (id, ...children) => document.getElementById(id).replaceChildren(...children);
const distinct = (values) => [...new Set(values)];
const number = (v) => typeof v === "number" && Number.isFinite(v);
const upper = (s) => paper.includes(s) ? s.toUpperCase() : s;
const fixed = (v, digits = 2) => number(v) ? v.toFixed(digits).replace("-", "−") : "–";
const rank = (a) => paper.includes(a) ? paper.indexOf(a) : paper.length;
const byAggregator = (a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);

function duration(s) {
  if (!number(s)) return "–";
  if (s < 100) return s.toFixed(1) + " s";
  if (s < 6000) return (s / 60).toFixed(1) + " min";
  return (s / 3600).toFixed(1) + " h";
}

// Header and filters.

function about() {
  const commits = distinct(data.runs.map((r) => (r.environment.commit || "unknown").slice(0, 7) + (r.environment.modified ? " (modified)" : "")));
  const days = distinct(data.runs.map((r) => String(r.environment.start).slice(0, 10))).sort();
  const when = days.length ? (days.length > 1 ? days[0] + " to " + days[days.length - 1] : days[0]) : "";
  const parts = [`${data.runs.length} runs in ${data.results}`, distinct(data.runs.map((r) => r.facts.data_set)).join(", "), when,
    commits.length ? "commit " + commits.join(", ") : "", data.live ? "kept up to date" : ""];
  replace("about", parts.filter(Boolean).join(" · "));
  leftOut(data.left_out);
}

// leftOut lists what is not shown, folded if that is more than a few lines.
function leftOut(all) {
  if (!all.length) return replace("left-out");
  const before = document.querySelector("#left-out details");
  const details = el("details", {}, el("summary", {}, `Left out: ${all.length}`), el("ul", {}, ...all.map((b) => el("li", {}, b))));
  details.open = before ? before.open : all.length < 4;
  replace("left-out", details);
}

function choice(title, key, options, names) {
  const select = el("select", { "data-key": key, onchange: (e) => set(key, e.target.value) },
    ...options.map((o) => { const option = el("option", { value: o }, names(o)); option.selected = state[key] === o; return option; }));
  return el("label", {}, title, select);
}

function filters() {
  const titles = { profile: "profile", data_set: "data set", setting: "corruption", aggregator: "aggregator" };
  replace("filters", ...keys.map((key) => {
    const values = distinct(data.runs.map((r) => r.facts[key]));
    if (key === "aggregator") values.sort(byAggregator); else values.sort();
    return choice(titles[key], key, ["", ...values], (v) => v === "" ? "all" : key === "aggregator" ? upper(v) : key === "setting" ? label(v) : v);
  }));
  const some = Object.keys(measures).filter((m) => data.runs.some((r) => r.epochs.some((e) => number(measures[m].of(e)))));
  const log = el("input", { type: "checkbox", "data-key": "log", onchange: (e) => set("log", e.target.checked ? "1" : "") });
  log.checked = state.log === "1";
  replace("axes", choice("show", "y", some.length ? some : ["accuracy"], (m) => measures[m].title), choice("against", "x", Object.keys(axes), (a) => axes[a]),
    el("label", { class: "check" }, log, "logarithmic"));
}

// Tables.

function tables() {
  const all = data.tables.filter((t) => !state.profile || t.profile === state.profile).map(table).filter(Boolean);
  replace("tables", ...(all.length ? all : [el("p", { class: "empty" }, "No run fits the filters.")]));
}

function table(t) {
  const columns = t.columns.map((name, i) => ({ name, i })).filter((c) => !state.aggregator || c.name === state.aggregator);
  const rows = t.rows.filter((r) => (!state.data_set || r.data_set === state.data_set) && (!state.setting || r.setting === state.setting));
  if (!columns.length || !rows.length) return undefined;
  const body = [];
  let group = "";
  for (const r of rows) {
    const own = r.data_set + ", " + r.model;
    if (own !== group) body.push(el("tr", { class: "group" }, el("th", { colspan: columns.length + 1, scope: "rowgroup" }, group = own)));
    const epochs = r.full_epochs > r.epochs ? `${r.epochs} of ${r.full_epochs} epochs` : `${r.epochs} epochs`;
    body.push(el("tr", {}, el("th", { scope: "row" }, r.label, el("span", { class: "sub" }, epochs), r.order ? el("span", { class: "sub" }, r.order) : ""),
      ...columns.map((c) => cell(r, r.cells[c.i]))));
  }
  const caption = `${t.title}, profile ${t.profile}`;
  return el("div", {}, el("div", { class: "scroll" }, el("table", {}, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "corruption"), ...columns.map((c) => el("th", { scope: "col" }, upper(c.name))))),
    el("tbody", {}, ...body))), el("div", { class: "notes" }, ...t.notes.map((n) => el("p", {}, n))));
}

function cell(row, c) {
  const lines = [];
  const m = c.measured;
  if (!m) lines.push(el("span", { class: "value empty" }, "no run"));
  else {
    const trained = m.n - m.diverged;
    let text = trained ? fixed(m.final) : "diverged";
    if (trained > 1) text += " ± " + fixed(m.deviation);
    lines.push(el("button", { type: "button", class: "value" + (c.winner ? " winner" : ""), title: "to the runs", onclick: () => show(m.runs) }, text));
    const more = [m.n > 1 ? `${m.n} runs` : "1 run"];
    if (m.diverged && trained) more.push(`${m.diverged} diverged`);
    if (m.interval) more.push(`95 %: ${fixed(m.interval[0])} to ${fixed(m.interval[1])}`);
    if (trained) more.push("best " + fixed(m.best));
    more.push(duration(m.seconds));
    lines.push(sub(more.join(", ")));
  }
  if (c.paper) lines.push(sub("paper " + (c.paper.diverged ? "diverged" : `${fixed(c.paper.accuracy)} ± ${fixed(c.paper.spread)}`) + (c.paper_winner ? ", its best" : "")));
  if (c.authors) lines.push(sub("authors " + (c.authors.diverged ? "diverged" : `${fixed(c.authors.accuracy)} ± ${fixed(c.authors.deviation)}`) + ` (${c.authors.n})`));
  if (number(c.difference)) lines.push(sub("difference " + (c.difference > 0 ? "+" : "") + fixed(c.difference)));
  const verdict = c.verdict + (c.scaled_down && c.verdict !== "missing" ? `: ${c.scaled_down}` : "");
  if (m) lines.push(el("span", { class: "verdict " + c.verdict.split(" ")[0] }, verdict));
  if (c.note) lines.push(el("span", { class: "sub", style: "white-space:normal" }, c.note));
  return el("td", {}, ...lines);
}

const sub = (text) => el("span", { class: "sub" }, text);

// show opens runs in the list and goes to the first.
function show(dirs) {
  const found = [...document.querySelectorAll(".run")].filter((r) => dirs.includes(r.dataset.dir));
  for (const r of found) r.open = true;
  if (found.length) { found[0].scrollIntoView({ block: "center" }); found[0].querySelector("summary").focus({ preventScroll: true }); }
}

// Figures.

function figures() {
  const groups = new Map();
  for (const r of data.runs.filter((r) => shown(r.facts))) {
    const f = r.facts, key = [f.data_set, f.model, f.profile, f.setting].join("\n");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(r);
  }
  const order = distinct(data.tables.flatMap((t) => t.rows.map((r) => r.setting)));
  const place = (s) => order.includes(s) ? order.indexOf(s) : order.length;
  const all = [...groups.values()].sort((a, b) => {
    const [f, g] = [a[0].facts, b[0].facts];
    return cmp(f.data_set, g.data_set) || cmp(f.profile, g.profile) || place(f.setting) - place(g.setting) || cmp(f.setting, g.setting) || cmp(f.model, g.model);
  });
  replace("figures", ...(all.length ? all.map(figure) : [el("p", { class: "empty" }, "No run fits the filters.")]));
}

const cmp = (a, b) => a < b ? -1 : a > b ? 1 : 0;

// series groups runs that differ in their seeds alone, and gives every group a
// label of its own.
function series(runs) {
  const groups = new Map();
  for (const r of runs) {
    const key = r.facts.aggregator + "\n" + r.variant;
    if (!groups.has(key)) groups.set(key, { runs: [], facts: r.facts, experiment: r.experiment });
    groups.get(key).runs.push(r);
  }
  const all = [...groups.values()].sort((a, b) => byAggregator(a.facts.aggregator, b.facts.aggregator) || b.facts.epochs - a.facts.epochs);
  const more = [(s) => `${s.facts.epochs} epochs`, (s) => s.facts.solver, (s) => s.facts.beta < 1 ? `β = ${s.facts.beta}` : "", (s) => s.facts.memory && `memory ${s.facts.memory}`, (s) => s.experiment];
  for (const s of all) s.label = upper(s.facts.aggregator);
  for (const add of more) {
    const twice = new Set(all.map((s) => s.label).filter((l, i, labels) => labels.indexOf(l) !== i));
    for (const s of all.filter((s) => twice.has(s.label))) {
      const same = all.filter((o) => o.facts.aggregator === s.facts.aggregator).map(add);
      if (add(s) && distinct(same).length > 1) s.pending = s.label + ", " + add(s);
    }
    for (const s of all) if (s.pending) { s.label = s.pending; delete s.pending; }
  }
  const known = [...paper];
  all.forEach((s) => { if (!known.includes(s.facts.aggregator)) known.push(s.facts.aggregator); });
  const used = new Map();
  all.forEach((s) => {
    const a = s.facts.aggregator;
    used.set(a, (used.get(a) || 0) + 1);
    s.colour = colours[known.indexOf(a) % colours.length];
    s.dash = ["", "7 4", "2 3", "9 3 2 3"][(used.get(a) - 1) % 4];
    s.points = points(s.runs);
    s.diverged = s.runs.some((r) => r.status === "diverged");
  });
  return all;
}

// points averages the epochs that all runs of a series have.
function points(runs) {
  const x = { time: (e) => e.elapsed || 0, epoch: (e) => e.epoch, step: (e) => e.step }[state.x];
  const y = measures[state.y].of;
  const out = [];
  for (let i = 0; runs.every((r) => i < r.epochs.length); i++) {
    const ys = runs.map((r) => y(r.epochs[i])), xs = runs.map((r) => x(r.epochs[i]));
    if (!ys.every(number)) continue;
    const p = { x: mean(xs), y: mean(ys), low: Math.min(...ys), high: Math.max(...ys), n: runs.length, epoch: runs[0].epochs[i].epoch };
    if (!state.log || p.x > 0) out.push(p);
  }
  return out;
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function figure(runs) {
  const f = runs[0].facts;
  const all = series(runs).filter((s) => s.points.length);
  const hidden = state.hide ? state.hide.split("|") : [];
  const visible = all.filter((s) => !hidden.includes(s.label));
  const title = `${f.data_set}, ${label(f.setting)}`;
  const profiles = distinct(data.runs.map((r) => r.facts.profile)).length > 1 ? `, profile ${f.profile}` : "";
  const head = el("figcaption", {}, el("h3", {}, title), el("span", { class: "sub" }, f.model + profiles));
  if (!all.length) return el("figure", {}, head, el("p", { class: "empty" }, "Nothing of this kind was recorded."));
  const legend = el("div", { class: "legend" }, ...all.map((s) => {
    const key = el("i", { style: `border-color:${s.colour};border-top-style:${s.dash ? "dashed" : "solid"}` });
    return el("button", { type: "button", "aria-pressed": String(!hidden.includes(s.label)), title: "hide or show", onclick: () => toggle(s.label) },
      key, s.label + (s.diverged ? " (diverged)" : s.runs.some((r) => r.status !== "finished") ? ` (${s.runs.find((r) => r.status !== "finished").status})` : "") + (s.runs.length > 1 ? ` × ${s.runs.length}` : ""));
  }));
  return el("figure", { "data-series": all.length }, head, chart(visible.length ? visible : [], all, title), legend, bars(all));
}

// label is a setting as the tables call it.
function label(setting) {
  for (const t of data.tables) for (const r of t.rows) if (r.setting === setting) return r.label;
  return setting;
}

function toggle(label) {
  const hidden = new Set(state.hide ? state.hide.split("|") : []);
  if (!hidden.delete(label)) hidden.add(label);
  set("hide", [...hidden].join("|"));
}

const box = { width: 640, height: 330, left: 58, right: 12, top: 10, bottom: 46 };

// chart draws the visible series on axes that have room for all.
function chart(visible, all, title) {
  const every = all.flatMap((s) => s.points);
  let unit = 1, name = axes[state.x];
  const longest = Math.max(...every.map((p) => p.x));
  if (state.x === "time") [unit, name] = longest >= 3 * 3600 ? [3600, name + " (h)"] : longest >= 20 * 60 ? [60, name + " (min)"] : [1, name + " (s)"];
  const place = (v) => state.log ? Math.log10(v / unit) : v / unit;
  const xs = every.map((p) => place(p.x));
  const x = scale(state.log ? Math.min(...xs) : 0, Math.max(...xs), box.left, box.width - box.right);
  const spread = [Math.min(...every.map((p) => p.low)), Math.max(...every.map((p) => p.high))];
  const yTicks = ticks(spread[0], spread[1] > spread[0] ? spread[1] : spread[0] + 1, 6);
  const y = scale(Math.min(yTicks[0], spread[0]), Math.max(yTicks[yTicks.length - 1], spread[1]), box.height - box.bottom, box.top);
  const svg = shape("svg", { viewBox: `0 0 ${box.width} ${box.height}`, role: "img", "aria-label": `${measures[state.y].title} against ${name}: ${title}` });
  for (const t of yTicks) {
    svg.append(shape("line", { class: "grid", x1: box.left, x2: box.width - box.right, y1: y(t), y2: y(t) }),
      shape("text", { x: box.left - 8, y: y(t) + 4, "text-anchor": "end" }, tick(t)));
  }
  const marks = state.log ? powers(x.low, x.high) : ticks(x.low, x.high, 6).filter((t) => t <= x.high);
  for (const t of marks) {
    svg.append(shape("line", { class: "grid", x1: x(t), x2: x(t), y1: box.top, y2: box.height - box.bottom }),
      shape("text", { x: x(t), y: box.height - box.bottom + 18, "text-anchor": "middle" }, tick(state.log ? 10 ** t : t)));
  }
  svg.append(shape("line", { class: "axis", x1: box.left, x2: box.width - box.right, y1: box.height - box.bottom, y2: box.height - box.bottom }),
    shape("line", { class: "axis", x1: box.left, x2: box.left, y1: box.top, y2: box.height - box.bottom }),
    shape("text", { x: (box.left + box.width - box.right) / 2, y: box.height - 8, "text-anchor": "middle" }, name),
    shape("text", { x: 14, y: (box.top + box.height - box.bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(box.top + box.height - box.bottom) / 2})` }, measures[state.y].title));
  const spots = [];
  for (const s of visible) {
    const at = s.points.map((p) => ({ px: x(place(p.x)), py: y(p.y), p, s }));
    if (s.runs.length > 1) {
      const band = [...s.points.map((p) => [x(place(p.x)), y(p.high)]), ...s.points.slice().reverse().map((p) => [x(place(p.x)), y(p.low)])];
      svg.append(shape("polygon", { points: band.map((b) => b.join(",")).join(" "), fill: s.colour, opacity: 0.18 }));
    }
    svg.append(shape("polyline", { class: "line", points: at.map((a) => `${a.px},${a.py}`).join(" "), stroke: s.colour, "stroke-dasharray": s.dash }));
    at.forEach((a, i) => {
      if (s.diverged && i === at.length - 1) svg.append(shape("path", { class: "cross point", stroke: s.colour, d: `M${a.px - 5},${a.py - 5}l10,10m0,-10l-10,10` }));
      else svg.append(shape("circle", { class: "point", cx: a.px, cy: a.py, r: at.length > 25 ? 2 : 3.2, fill: s.colour, stroke: "#fff", "stroke-width": 0.8 }));
    });
    spots.push(...at);
  }
  hover(svg, spots, unit, name);
  return svg;
}

function scale(low, high, from, to) {
  if (!(high > low)) high = low + 1;
  const f = (v) => from + (v - low) / (high - low) * (to - from);
  f.low = low; f.high = high;
  return f;
}

// ticks returns multiples of 1, 2 or 5 times a power of ten from below low to
// above high.
function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const out = [];
  for (let i = Math.floor(low / step + 1e-9); i * step < high + step * 0.999 && out.length < 50; i++) out.push(i * step);
  return out;
}

function powers(low, high) {
  const out = [];
  for (let e = Math.floor(low); e <= high; e++) for (const m of high - low < 2 ? [1, 2, 5] : [1]) {
    const t = e + Math.log10(m);
    if (t >= low - 1e-9 && t <= high + 1e-9) out.push(t);
  }
  return out;
}

const tick = (v) => Number(v.toPrecision(6)).toString().replace("-", "−");

function hover(svg, spots, unit, name) {
  const tip = document.getElementById("tip");
  const hair = shape("line", { class: "hair", y1: box.top, y2: box.height - box.bottom, visibility: "hidden" });
  const ring = shape("circle", { r: 6, fill: "none", stroke: "#262626", "stroke-width": 1.5, visibility: "hidden" });
  svg.append(hair, ring);
  svg.addEventListener("pointermove", (event) => {
    const r = svg.getBoundingClientRect(), k = box.width / r.width;
    const mx = (event.clientX - r.left) * k, my = (event.clientY - r.top) * k;
    let best, least = Infinity;
    for (const s of spots) { const d = (s.px - mx) ** 2 + (s.py - my) ** 2; if (d < least) { least = d; best = s; } }
    if (!best) return;
    for (const [e, a] of [[hair, { x1: best.px, x2: best.px }], [ring, { cx: best.px, cy: best.py }]]) {
      for (const [key, v] of Object.entries({ ...a, visibility: "visible" })) e.setAttribute(key, v);
    }
    const p = best.p;
    tip.textContent = `${best.s.label}\n${fixed(p.y, 4).replace(/0{1,2}$/, "")}` + (p.n > 1 ? ` (${fixed(p.low)} to ${fixed(p.high)}, ${p.n} runs)` : "") +
      `\nepoch ${p.epoch}` + (state.x === "epoch" ? "" : `, ${name} ${Number((p.x / unit).toPrecision(4))}`);
    tip.hidden = false;
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 10) + "px";
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; hair.setAttribute("visibility", "hidden"); ring.setAttribute("visibility", "hidden"); });
}

// bars shows where the time of a step goes.
function bars(all) {
  const parts = [["gradient", "#0072B2"], ["aggregate", "#D55E00"], ["other", "#b9b9b9"]];
  const rows = all.map((s) => {
    const sum = { gradient: 0, aggregate: 0, other: 0 };
    let steps = 0;
    for (const r of s.runs) {
      for (const e of r.epochs) {
        const t = e.seconds || {};
        sum.gradient += t.gradient || 0; sum.aggregate += t.aggregate || 0;
        sum.other += (t.data || 0) + (t.corrupt || 0) + (t.update || 0);
      }
      steps += r.epochs.length ? r.epochs[r.epochs.length - 1].step : 0;
    }
    return { label: s.label, steps, ms: parts.map(([p]) => 1e3 * sum[p] / steps) };
  }).filter((r) => r.steps > 0 && r.ms.every(number));
  const longest = Math.max(...rows.map((r) => r.ms.reduce((a, b) => a + b, 0)));
  if (!rows.length || !(longest > 0)) return "";
  return el("div", { class: "bars" }, "ms a step: ", ...parts.flatMap(([p, colour], i) => [el("span", { style: `color:${colour === "#b9b9b9" ? "#6a6a6a" : colour}` }, p), i < 2 ? ", " : ""]),
    ...rows.map((r) => el("div", { class: "bar" }, el("span", { title: r.label }, r.label), el("div", {},
      ...r.ms.map((v, i) => el("b", { style: `width:${60 * v / longest}%;background:${parts[i][1]}` }, parts[i][0])),
      el("em", {}, r.ms.map((v) => v.toFixed(v < 10 ? 1 : 0)).join(" + "))))));
}

// Runs.

function list() {
  const open = new Set([...document.querySelectorAll(".run[open]")].map((r) => r.dataset.dir));
  const all = data.runs.filter((r) => shown(r.facts)).map((r) => {
    const s = r.summary, last = r.epochs[r.epochs.length - 1];
    const accuracy = last && number(last.test_accuracy) ? fixed(last.test_accuracy) + " %" : "–";
    const done = `${s ? s.epochs : Math.max(0, r.epochs.length - 1)} of ${r.facts.epochs} epochs`;
    const d = el("details", { class: "run", "data-dir": r.dir }, el("summary", {}, el("span", {}, r.dir), el("span", {}, upper(r.facts.aggregator)),
      el("span", {}, r.status), el("span", {}, done), el("span", {}, accuracy), el("span", {}, duration(last ? last.elapsed || 0 : 0))));
    d.addEventListener("toggle", () => { if (d.open && d.children.length === 1) d.append(...details(r)); });
    if (open.has(r.dir)) d.open = true;
    return d;
  });
  replace("runs", ...(all.length ? all : [el("p", { class: "empty" }, "No run fits the filters.")]));
}

function details(r) {
  const log = r.epochs.map((e) => [e.epoch, e.step, e.lr, e.train_loss, e.test_loss, e.test_accuracy].map((v, i) =>
    (number(v) ? (i < 2 ? String(v) : Number(v.toPrecision(5)).toString()) : String(v)).padStart(i < 2 ? 7 : 13)).join("") + duration(e.elapsed || 0).padStart(12)).join("\n");
  const head = "  epoch   step           lr   train loss    test loss   accuracy %     elapsed\n";
  const parts = [el("h4", {}, "log"), el("pre", {}, head + log), el("h4", {}, "config.yaml"), el("pre", {}, r.config),
    el("h4", {}, "environment"), el("pre", {}, JSON.stringify({ ...r.environment, sessions: r.sessions }, null, 2))];
  if (r.summary) parts.push(el("h4", {}, r.summary.sha256 ? "summary, sealed: no file has changed since" : "summary, unsealed: of a version that kept no sums of the files"), el("pre", {}, JSON.stringify(r.summary, null, 2)));
  return parts;
}

function draw() {
  about(); filters(); tables(); figures(); list();
  document.body.dataset.points = document.querySelectorAll("#figures .point").length;
}

load();
draw();
addEventListener("hashchange", () => { load(); draw(); });

// A server's page asks for what is new, and keeps filters and place.
if (data.live) {
  let last = "";
  setInterval(async () => {
    try {
      const text = await (await fetch("data.json", { cache: "no-store" })).text();
      if (text !== last && last !== "") { data = JSON.parse(text); const y = scrollY; draw(); scrollTo(0, y); }
      last = text;
    } catch { document.getElementById("about").append(" · the server does not answer"); last = ""; }
  }, 3000);
}
document.body.dataset.ready = "1";
