/**
 * What runs in the page: it unpacks the history of nodes that are opened (history.ts), draws calendars and plots, filters,
 * and tells how long ago things are by the reader's clock, so that a page that nobody made anew says itself what is too old
 * by now. It writes text only, never markup, and fetches nothing.
 */
export const SCRIPT = String.raw`"use strict";
{
const DAY = 864e5, MINUTE = 6e4, SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
let tiers, states, pills, worst, nodes, rows, texts, nameOf;
const STATE = ["G", "E", "B", "D"];
const packed = new Map();

function make(tag, of, ...inside) {
  const it = document.createElement(tag);
  for (const [name, value] of Object.entries(of || {})) it.setAttribute(name, value);
  it.append(...inside);
  return it;
}
function draw(tag, of, ...inside) {
  const it = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(of)) it.setAttribute(name, value);
  it.append(...inside);
  return it;
}

// As the command line writes them.
function bytesOf(bytes) {
  if (bytes < 1000) return bytes + " B";
  let value = bytes, unit = -1;
  do { value /= 1000; unit += 1; } while (value >= 999.5 && unit < 4);
  return value.toFixed(value < 9.95 ? 2 : value < 99.5 ? 1 : 0) + " " + ["kB", "MB", "GB", "TB", "PB"][unit];
}
function spanOf(ms) {
  if (ms < 999.5) return Math.round(ms) + " ms";
  if (ms < 59950) return (ms / 1000).toFixed(1) + " s";
  const s = Math.round(ms / 1000), two = (v) => String(v).padStart(2, "0");
  if (s < 3600) return Math.floor(s / 60) + "m " + two(s % 60) + "s";
  const m = Math.floor(s / 60);
  if (m < 2880) return Math.floor(m / 60) + "h " + two(m % 60) + "m";
  return Math.floor(m / 1440) + "d " + (Math.floor(m / 60) % 24) + "h";
}
const countOf = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const dayOf = (t) => new Date(t).toISOString().slice(0, 10);
const timeOf = (t) => new Date(t).toISOString().slice(0, 16).replace("T", " ") + " UTC";
function agoOf(t) {
  const m = Math.round((Date.now() - t) / MINUTE);
  if (m < 1) return "just now";
  if (m < 60) return m + " min ago";
  if (m < 2880) return Math.round(m / 60) + " h ago";
  return Math.round(m / 1440) + " days ago";
}

// ---- what is amiss, also by now
function amissOf(one) {
  const all = one.alarms.map(([kind]) => kind);
  const [stale, unproven] = one.dues;
  if (stale !== null && Date.now() > stale && !all.includes("stale")) all.push("stale");
  if (unproven !== null && Date.now() > unproven && !all.includes("unproven")) all.push("unproven");
  return all;
}
function age() {
  let bad = 0;
  nodes.forEach((one, i) => {
    const all = amissOf(one), kind = worst.find((name) => all.includes(name));
    const [words, look] = kind ? pills[kind] : ["Good", ""];
    const pill = rows[i].querySelector(".pill");
    pill.textContent = words;
    pill.className = "pill " + look;
    if (kind) bad += 1;
    const ago = rows[i].querySelector(".ago");
    if (ago) ago.textContent = agoOf(one.latest.at);
  });
  const told = nodes.filter(({ alarms }) => alarms.length > 0).length;
  if (bad !== told) {
    $("head").textContent = bad + " of " + nodes.length + (nodes.length === 1 ? " backup needs" : " backups need") + " attention by now";
    document.title = "Backups: " + bad + " of " + nodes.length + " amiss";
  }
  const of = $("asof");
  of.querySelector(".ago").textContent = ", " + agoOf(Number(of.dataset.at)) + (bad > told ? ": make the page anew to see what is so" : "");
}

// ---- histories
async function inflate(text) {
  const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
async function unpack(i) {
  if (packed.has(i)) return packed.get(i);
  const b = await inflate(nodes[i].history);
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1, byte;
    do { byte = b[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte > 127);
    return value;
  };
  const signed = () => { const v = varint(); return v % 2 ? -(v + 1) / 2 : v / 2; };
  const long = varint();
  const full = new Map(JSON.parse(new TextDecoder().decode(b.subarray(at, at + long))).map((one) => [one[0], one]));
  at += long;
  const count = varint(), step = varint();
  const column = () => {
    const mode = varint(), base = signed(), by = signed(), list = [];
    let last = base;
    for (let n = 0; n < count; n++) {
      if (mode === 1) list.push(base + signed());
      else { if (n > 0) last += signed() + by; list.push(last); }
    }
    return list;
  };
  const [times, kept, flags, sizes, stored, downs, heights] = [0, 1, 2, 3, 4, 5, 6].map(column);
  const plain = (code, least) => code < 10 * least ? code : ((code - 10 * least) % (9 * least) + least) * 10 ** (Math.floor((code - 10 * least) / (9 * least)) + 1);
  const all = times.map((minute, n) => {
    const told = full.get(n);
    return {
      at: minute * MINUTE, tier: tiers[kept[n]][0], state: STATE[flags[n] & 3], proven: (flags[n] & 4) > 0, pinned: (flags[n] & 8) > 0,
      size: plain(sizes[n], 100), stored: told ? told[5] : plain(stored[n], 10), down: !downs[n] ? null : told ? told[6] : plain(downs[n] - 1, 10),
      height: heights[n] ? (heights[n] - 1) * step : null, about: told ? "" : "≈ ", exact: step === 1,
      id: told ? told[1] : "", words: told ? told[2] : "", tags: told ? told[3] : "", remarks: told ? told[4] : "",
    };
  });
  packed.set(i, all);
  return all;
}

// ---- filters
const want = { q: "", profile: "", tier: "", state: "" };
const fits = (snap) => (!want.tier || (snap.state === "G" && snap.tier === want.tier)) && (!isOfSnapshots() || lettersOf(snap).includes(want.state));
const isOfSnapshots = () => want.state.length === 1 && want.state !== "!";
const lettersOf = (snap) => snap.state + (snap.proven ? "P" : "") + (snap.pinned ? "I" : "");
function textOf(one) {
  return [one.node, one.vault, one.profile, one.latest ? one.latest.id : "", one.tiers, ...one.alarms.map(([kind, words]) => kind + " " + words)].join("\n").toLowerCase();
}
function filter() {
  for (const id of Object.keys(want)) if ($(id)) want[id] = $(id).value;
  const words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  nodes.forEach((one, i) => {
    const amiss = amissOf(one).length > 0;
    const isShown = words.every((word) => texts[i].includes(word)) && (!want.profile || one.profile === want.profile) &&
      (!want.tier || one.has.includes(want.tier)) && (want.state === "ok" ? !amiss : want.state === "!" ? amiss : one.has.includes(want.state));
    rows[i].hidden = !isShown;
    if (isShown) { shown += 1; if (rows[i].open) open(i); }
  });
  const anything = Object.values(want).some(Boolean);
  $("count").textContent = !anything ? "" : shown === 0 ? "Nothing fits. Clear the filters to see all " + countOf(nodes.length) + "." : "Shown: " + countOf(shown) + " of " + countOf(nodes.length);
}

// ---- one look at the last days
function strip(i) {
  const { days, at } = nodes[i];
  const svg = draw("svg", { viewBox: "0 0 " + days.length * 7 + " 24", preserveAspectRatio: "none", role: "img" });
  const empty = [...days].filter((sign) => sign === ".").length;
  svg.setAttribute("aria-label", "the last " + days.length + " days: " + (days.length - empty) + " with a snapshot, " + empty + " without");
  const kinds = new Map();
  [...days].forEach((sign, n) => {
    const tall = sign === "." ? 6 : sign === "E" ? 12 : 20;
    const box = "M" + (n * 7 + 0.75) + " " + (22 - tall) + "h5.5v" + tall + "h-5.5z";
    kinds.set(sign, (kinds.get(sign) || "") + box);
  });
  for (const [sign, d] of kinds) svg.append(draw("path", { class: "c" + (sign === "." ? "-" : sign), d }));
  svg.append(draw("title", {}, dayOf(at - (days.length - 1) * DAY) + " to " + dayOf(at)));
  rows[i].querySelector(".strip").append(svg);
}

// ---- an opened node
async function open(i) {
  const row = rows[i];
  let all;
  try { all = await unpack(i); } catch { all = null; }
  const old = row.querySelector(".more");
  const fresh = make("div", { class: "more" });
  if (all === null) fresh.append(make("p", { class: "note" }, "This browser cannot unpack the history: it is too old, or the page is damaged."));
  fresh.append(top(nodes[i], all || []));
  if (all && all.length > 0) {
    fresh.append(calendar(all), plots(all), table(nodes[i], all));
  }
  if (old) old.replaceWith(fresh); else row.append(fresh);
  const scroll = fresh.querySelector(".cal .scroll");
  if (scroll) scroll.scrollLeft = scroll.scrollWidth;
}

function top(one, all) {
  const { latest, proven, next, paused, counts, more } = one;
  const [good, broken, damaged, expired] = counts;
  const list = make("dl", { class: "facts" });
  const fact = (name, value) => value && list.append(make("dt", {}, name), make("dd", {}, value));
  fact("latest", latest ? latest.id : "no good snapshot");
  fact("received", latest && timeOf(latest.at) + ", " + agoOf(latest.at));
  fact("height", latest && latest.height !== "-" && latest.height);
  fact("size", latest && latest.size + (latest.down ? "; down for " + latest.down : ""));
  fact("proven", proven ? timeOf(proven.at) + ", " + proven.id : "never by a restore drill");
  fact("snapshots", countOf(good) + " good" + [[expired, "expired"], [broken, "broken"], [damaged, "damaged"]].map(([n, word]) => n ? ", " + countOf(n) + " " + word : "").join("") + (more ? "; older ones are not shown" : ""));
  fact("stored", bytesOf(one.stored) + (one.growth ? "; " + one.growth : ""));
  fact("next run", next ? timeOf(next) : "");
  fact("paused", paused && "until " + timeOf(paused.until) + (paused.why ? ": " + paused.why : ""));
  fact("kept", one.tiers);
  const side = make("div");
  for (const [, words, todo] of one.alarms) {
    side.append(make("p", { class: "note" }, words, make("br"), ...todo.split("\u0060").map((part, n) => n % 2 ? make("code", {}, part) : part)));
  }
  if (latest) side.append(restoreBox(one));
  return make("div", { class: "two" }, list, side);
}

function restoreBox(one) {
  const box = make("div", {}, make("h4", {}, "Restore"));
  const line = (what, words) => {
    const button = make("button", { type: "button", "aria-label": "Copy: " + what }, "Copy");
    const code = make("code", {}, words);
    button.addEventListener("click", () => copy(words, code, button));
    box.append(make("div", { class: "soft" }, what), make("div", { class: "line" }, code, button));
  };
  const which = " --node " + quoted(one.node) + (one.vault ? " --vault " + quoted(one.vault) : "");
  line("the latest, beside what is there", "coldkeep restore latest" + which + " --to /srv/restored");
  line("what would be done, without doing it", "coldkeep restore latest" + which + " --dry-run");
  return box;
}
const quoted = (word) => /^[A-Za-z0-9_.\/:@%+=-]+$/.test(word) ? word : "'" + word.split("'").join("'\\''") + "'";
async function copy(words, code, button) {
  let done = true;
  try { await navigator.clipboard.writeText(words); } catch {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    done = document.execCommand("copy");
  }
  button.textContent = done ? "Copied" : "Select it";
  $("count").textContent = done ? "Copied." : "It could not be copied; it is selected now.";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

// ---- calendar
function calendar(all) {
  const days = new Map();
  for (const snap of all) {
    const day = Math.floor(snap.at / DAY);
    if (!days.has(day)) days.set(day, []);
    days.get(day).push(snap);
  }
  const last = Math.floor(Math.max(...[all[0].at, Date.now() - 30 * DAY]) / DAY);
  const weekOf = (day) => Math.floor((day + 3) / 7);
  const end = weekOf(last), begin = Math.max(end - 104, Math.min(weekOf(Math.floor(all[all.length - 1].at / DAY)), end - 25));
  const wide = (end - begin + 1) * 14 + 30;
  const svg = draw("svg", { width: wide, height: 118, viewBox: "0 0 " + wide + " 118", role: "img" });
  const rank = (snap) => snap.state === "D" ? 99 : snap.state === "B" ? 98 : snap.state === "E" ? -1 : tiers.findIndex(([letter]) => letter === snap.tier);
  let month = "", missing = 0;
  const first = Math.floor(all[all.length - 1].at / DAY);
  ["Mon", "Wed", "Fri"].forEach((name, n) => svg.append(draw("text", { x: 0, y: 29 + n * 28 }, name)));
  for (let week = begin; week <= end; week++) {
    const x = 30 + (week - begin) * 14;
    const monday = (week * 7 - 3) * DAY, name = new Date(monday).toLocaleString("en", { month: "short", timeZone: "UTC" });
    if (name !== month && week < end) { svg.append(draw("text", { x, y: 10 }, name)); month = name; }
    for (let d = 0; d < 7; d++) {
      const day = week * 7 - 3 + d, there = days.get(day) || [];
      if (day > last) break;
      if (there.length === 0 && day > first) missing += 1;
      const best = [...there].sort((a, b) => rank(b) - rank(a))[0];
      const sign = !best ? "-" : best.state === "G" ? best.tier : best.state;
      const dim = best && !there.some(fits) ? " dim" : "";
      const inset = sign === "E" ? 0.5 : 0;
      const cell = draw("rect", { class: "c" + sign + dim, x: x + inset, y: 18 + d * 14 + inset, width: 11 - 2 * inset, height: 11 - 2 * inset, rx: 2.5 });
      cell.append(draw("title", {}, dayOf(day * DAY) + ": " + (best ? there.slice(0, 6).map(wordsOf).join("; ") + (there.length > 6 ? "; and " + (there.length - 6) + " more" : "") : "none")));
      svg.append(cell);
      if (there.some((snap) => snap.proven)) svg.append(draw("circle", { class: "cP" + dim, cx: x + 5.5, cy: 23.5 + d * 14, r: 2.5 }));
    }
  }
  const tally = [...tiers].reverse().map(([letter, name]) => [all.filter((snap) => snap.state === "G" && snap.tier === letter).length, letter, name]).filter(([n]) => n > 0);
  const others = states.slice(1, 5).map(([letter, name]) => [all.filter((snap) => lettersOf(snap).includes(letter)).length, letter, name]).filter(([n]) => n > 0);
  svg.setAttribute("aria-label", "Calendar of " + all.length + " snapshots, " + dayOf(all[all.length - 1].at) + " to " + dayOf(all[0].at) + ": " +
    [...tally, ...others].map(([n, , name]) => n + " " + name).join(", ") + "; " + missing + " days without any. The table below lists them.");
  const legend = make("ul", { class: "legend" });
  for (const [n, letter, name] of [...tally, ...others]) {
    const box = draw("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
    box.append(letter === "P" ? draw("circle", { class: "cP", cx: 6, cy: 6, r: 3 }) : draw("rect", { class: "c" + letter, x: 0.5, y: 0.5, width: 11, height: 11, rx: 2.5 }));
    legend.append(make("li", {}, box, name + " " + countOf(n)));
  }
  const scroll = make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Calendar" }, svg);
  return make("section", { class: "cal" }, make("h4", {}, "Calendar, by what keeps them"), scroll, legend);
}
function wordsOf(snap) {
  const kept = snap.state === "G" ? "kept as " + nameOf.get(snap.tier) : nameOf.get(snap.state);
  return timeOf(snap.at).slice(11) + " " + kept + (snap.proven ? ", proven" : "") + ", " + bytesOf(snap.size) + (snap.remarks ? ", " + snap.remarks : "");
}

// ---- plots
function plots(all) {
  const box = make("section", { class: "plots", "aria-label": "Plots" });
  const add = (name, of, words, zero) => { const it = plot(all, name, of, words, zero); if (it) box.append(it); };
  add("Size", (snap) => snap.size, bytesOf, false);
  add("Added to the vault", (snap) => snap.stored, bytesOf, true);
  add("Downtime", (snap) => snap.down, spanOf, true);
  add("Height", (snap) => snap.height, countOf, false);
  return box;
}
function plot(all, name, of, words, zero) {
  const points = all.filter((snap) => of(snap) !== null && snap.state !== "B").map((snap) => [snap.at, of(snap)]).reverse();
  if (points.length < 2) return null;
  const values = points.map(([, v]) => v), top = Math.max(...values), low = zero ? 0 : Math.min(...values);
  const from = points[0][0], to = points[points.length - 1][0];
  const x = (t) => to === from ? 0 : (t - from) / (to - from) * 320, y = (v) => top === low ? 44 : 84 - (v - low) / (top - low) * 78;
  const d = points.map(([t, v], n) => (n ? "L" : "M") + x(t).toFixed(1) + " " + y(v).toFixed(1)).join("");
  const svg = draw("svg", { viewBox: "0 0 320 88", preserveAspectRatio: "none", role: "img" });
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1];
  svg.setAttribute("aria-label", name + " from " + dayOf(from) + " to " + dayOf(to) + ": first " + words(values[0]) + ", last " + words(values[values.length - 1]) +
    ", least " + words(Math.min(...values)) + ", most " + words(top) + ", median " + words(middle) + ". The table below has all values.");
  svg.append(draw("path", { class: "area", d: d + "L" + x(to) + " 88L0 88Z" }), draw("path", { d }));
  const now = make("span", {}, words(values[values.length - 1]));
  const cursor = draw("line", { y1: 0, y2: 88, visibility: "hidden" });
  svg.append(cursor);
  svg.addEventListener("pointermove", (event) => {
    const { left, width } = svg.getBoundingClientRect(), t = from + (event.clientX - left) / width * (to - from);
    const near = points.reduce((a, b) => Math.abs(b[0] - t) < Math.abs(a[0] - t) ? b : a);
    cursor.setAttribute("x1", x(near[0])); cursor.setAttribute("x2", x(near[0])); cursor.setAttribute("visibility", "visible");
    now.textContent = dayOf(near[0]) + "  " + words(near[1]);
  });
  svg.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); now.textContent = words(values[values.length - 1]); });
  const ends = (low, high, look) => make("div", { class: look, "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high));
  return make("figure", {}, make("figcaption", {}, name, now), make("div", { class: "plot" }, ends(words(top), words(low), "range"), svg), ends(dayOf(from), dayOf(to), "axis"));
}

// ---- the same as a table
function table(one, all) {
  const list = all.filter(fits), body = make("tbody"), section = make("section");
  const bad = list.some((snap) => snap.remarks || snap.tags);
  const heads = [["Received"], ["State"], ["Kept as"], ["Height", 1], ["Size", 1], ["Added", 1], ["Downtime", 1], ["Snapshot"], ...(bad ? [["Remarks"]] : [])];
  const row = (snap) => {
    const cells = [
      [timeOf(snap.at)], [[nameOf.get(snap.state), ...(snap.proven ? ["proven"] : []), ...(snap.pinned ? ["pinned"] : [])].join(", ")],
      [snap.state === "G" ? nameOf.get(snap.tier) : "–"],
      [snap.words || (snap.height === null ? "–" : (snap.exact ? "" : "≈ ") + countOf(snap.height)), "right"], [bytesOf(snap.size), "right"], [snap.about + bytesOf(snap.stored), "right"],
      [snap.down === null ? "–" : snap.about + spanOf(snap.down), "right"], [snap.id || snap.state === "G" ? make("code", {}, snap.id || "--at " + new Date(snap.at + MINUTE).toISOString().slice(0, 16) + "Z") : "–"],
      ...(bad ? [[[snap.remarks, snap.tags].filter(Boolean).join("; "), "wide"]] : []),
    ];
    return make("tr", {}, ...cells.map(([inside, look]) => make("td", look ? { class: look } : {}, inside)));
  };
  const show = (count) => body.append(...list.slice(body.childElementCount, count).map(row));
  show(12);
  const head = make("thead", {}, make("tr", {}, ...heads.map(([name, right]) => make("th", { scope: "col", ...(right ? { class: "right" } : {}) }, name))));
  const caption = make("caption", {}, list.length === all.length ? "Snapshots of " + one.node + ", " + countOf(all.length) : "Snapshots that fit, " + countOf(list.length) + " of " + countOf(all.length));
  section.append(make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Snapshots" }, make("table", {}, caption, head, body)));
  if (list.length > 12) {
    const button = make("button", { type: "button" }, "Show all " + countOf(list.length));
    button.addEventListener("click", () => {
      const next = body.childElementCount;
      show(list.length);
      button.remove();
      const first = body.children[next];
      first.tabIndex = -1;
      first.focus();
    });
    section.append(make("p", {}, button));
  }
  return section;
}

// ---- at first
const toNode = () => {
  const row = /^#n\d+$/.test(location.hash) && $(location.hash.slice(1));
  if (!row) return;
  row.hidden = false;
  row.open = true;
  row.querySelector("summary").focus();
};
function listen() {
  nodes.forEach((_, i) => {
    strip(i);
    rows[i].addEventListener("toggle", () => { if (rows[i].open) open(i); });
  });
  addEventListener("hashchange", toNode);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#n']");
    if (link && link.getAttribute("href") === location.hash) toNode();
  });
  const form = $("filters");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  addEventListener("keydown", (event) => {
    const { activeElement: focused } = document;
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(focused.tagName)) { event.preventDefault(); $("q").focus(); }
    if (event.key === "Escape" && focused === $("q") && $("q").value) { event.preventDefault(); $("q").value = ""; filter(); }
  });
}
async function start() {
  const [facts, ...histories] = $("data").textContent.split(" ");
  ({ tiers, states, pills, worst, nodes } = JSON.parse(new TextDecoder().decode(await inflate(facts))));
  nodes.forEach((one, i) => { one.history = histories[i]; });
  nameOf = new Map([...tiers, ...states]);
  rows = nodes.map((_, i) => $("n" + i));
  texts = nodes.map(textOf);
  age();
  setInterval(age, MINUTE);
  listen();
  toNode();
  if (nodes.length === 1) rows[0].open = true;
  document.body.dataset.ready = "yes";
}
start().catch(() => { $("count").textContent = "This browser cannot unpack what the page holds: it is too old, or the page is damaged."; });
}
`;
