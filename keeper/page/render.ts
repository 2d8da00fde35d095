import { createHash } from "node:crypto";
import { counted, escapeHtml, formatBytes, formatCount, formatTime, VERSION } from "../../vault/names/index.ts";
import { writeData } from "./data.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { type PageNode, STATES, TIERS } from "./types.ts";

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * What a browser may do with the page: run the one script and the one style that are known here, and fetch nothing. Nothing
 * that the page tells of can run, were it written into the page as it is.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${hash(SCRIPT)}`,
  `style-src ${hash(STYLE)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const WORST = ["none", "stale", "damaged", "unreachable", "unproven"];
/** What stands on a node's pill, and how it looks. */
const PILLS: Readonly<Record<string, readonly [words: string, look: string]>> = {
  none: ["No backup", "bad"],
  stale: ["Too old", "bad"],
  damaged: ["Damaged", "bad"],
  unreachable: ["Unknown", "mute"],
  unproven: ["Unproven", "warn"],
};

/**
 * The status page: one file that needs nothing else. All it is given is text and stays text.
 * @param now when it is made, milliseconds since the epoch
 */
export function renderPage(nodes: readonly PageNode[], now: number): string {
  const shown = [...nodes].sort((a, b) => worst(a) - worst(b) || compare(a.node, b.node) || compare(a.vault, b.vault));
  const amiss = shown.filter(({ alarms }) => alarms.length > 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<title>${titleOf(shown, amiss)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#nodes">Skip to the nodes</a>
<header>
<div class="mark"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2v20M3.3 7l17.4 10M20.7 7 3.3 17M9.5 3.8 12 6.2l2.5-2.4M9.5 20.2l2.5-2.4 2.5 2.4M3 10.7 6.4 9.6 5.7 6.2M21 13.3l-3.4 1.1.7 3.4M21 10.7l-3.4-1.1.7-3.4M3 13.3l3.4 1.1-.7 3.4"/></svg>coldkeep</div>
<h1 id="head">${headOf(shown, amiss)}</h1>
<p class="soft" id="asof" data-at="${now}">As of ${timeOf(now)}<span class="ago"></span></p>
${sumsOf(shown)}
</header>
<main>
${alarmsOf(shown, amiss)}
${shown.length > 1 ? filtersOf(shown) : ""}
<p role="status" id="count"></p>
<div class="nodes" id="nodes">
${shown.map(rowOf).join("\n")}
</div>
<noscript><p class="note">Calendars, plots and filters need scripts; <code>coldkeep status</code> and <code>coldkeep list</code> tell the same in words.</p></noscript>
</main>
<footer><p>Times are UTC, by the vault’s clock. This page holds nothing that cannot be read in the vault without a key, and fetches nothing. coldkeep ${VERSION}</p></footer>
${writeData({ tiers: TIERS, states: STATES, pills: PILLS, worst: WORST }, shown)}
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function worst({ alarms }: PageNode): number {
  const places = alarms.map(([kind]) => WORST.indexOf(kind)).filter((at) => at >= 0);
  return places.length === 0 ? WORST.length : Math.min(...places);
}

function titleOf(all: readonly PageNode[], amiss: readonly PageNode[]): string {
  return amiss.length === 0 ? `Backups: all good (${all.length})` : `Backups: ${amiss.length} of ${all.length} amiss`;
}

function headOf(all: readonly PageNode[], amiss: readonly PageNode[]): string {
  if (all.length === 0) return "There are no nodes yet";
  if (amiss.length > 0)
    return `${amiss.length} of ${counted(all.length, "backup")} need${amiss.length === 1 ? "s" : ""} attention`;
  return all.length === 1 ? "The backup is good" : `All ${formatCount(all.length)} backups are good`;
}

function sumsOf(all: readonly PageNode[]): string {
  const snapshots = all.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b, 0), 0);
  const more = all.some((one) => one.more) ? "+" : "";
  const known = all.filter(({ grows }) => grows !== null);
  const grows = known.reduce((sum, { grows: bytes }) => sum + (bytes ?? 0), 0);
  const rows = [
    ["Nodes", formatCount(new Set(all.map(({ node }) => node)).size)],
    ["Snapshots", `${formatCount(snapshots)}${more}`],
    ["Stored", `${formatBytes(all.reduce((sum, { stored }) => sum + stored, 0))}${more}`],
    ...(known.length > 0 ? [["Grows", `${formatBytes(grows)} a day`]] : []),
  ];
  return `<dl class="sums">${rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("")}</dl>`;
}

function alarmsOf(all: readonly PageNode[], amiss: readonly PageNode[]): string {
  if (amiss.length === 0) return '<section id="alarms" hidden></section>';
  const lines = amiss.flatMap((one) =>
    one.alarms.map(
      ([, words, todo]) =>
        `<li><a href="#n${all.indexOf(one)}">${escapeHtml(nameOf(one))}</a>: ${escapeHtml(words)}<div class="todo">${coded(todo)}</div></li>`,
    ),
  );
  return `<section id="alarms" aria-labelledby="alarmed"><h2 id="alarmed">Needs attention</h2><ul class="alarms">${lines.join("")}</ul></section>`;
}

function nameOf({ node, vault }: PageNode): string {
  return vault === "" ? node : `${node} in ${vault}`;
}

function filtersOf(all: readonly PageNode[]): string {
  const has = new Set(all.flatMap((one) => [...one.has]));
  const profiles = [...new Set(all.map(({ profile }) => profile))].filter((name) => name !== "").sort();
  const option = (value: string, words: string) => `<option value="${escapeHtml(value)}">${escapeHtml(words)}</option>`;
  const kept = (list: readonly (readonly [string, string])[]) =>
    list.flatMap(([letter, name]) => (has.has(letter) ? [option(letter, name)] : [])).join("");
  const select = (id: string, label: string, options: string) =>
    `<label>${label}<select id="${id}"><option value="">any</option>${options}</select></label>`;
  return `<form role="search" id="filters" hidden><label class="find">Find a node, snapshot or alarm<input id="q" type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
${select("profile", "Profile", profiles.map((name) => option(name, name)).join(""))}
${select("tier", "Kept as", kept([...TIERS].reverse()))}
${select("state", "State", `${option("ok", "all is well")}${option("!", "needs attention")}${kept(STATES)}`)}
<button type="reset">Clear</button></form>`;
}

function rowOf(one: PageNode, at: number): string {
  const [pill, look] = PILLS[WORST[worst(one)] ?? ""] ?? ["Good", ""];
  const { latest, profile, vault } = one;
  const under = [profile, vault].filter((part) => part !== "").join(" · ");
  const last =
    latest === null ? "<span>no good snapshot</span>" : `<span class="ago"></span><small>${timeOf(latest.at)}</small>`;
  const height = latest === null || latest.height === "-" ? "" : escapeHtml(latest.height);
  return `<details class="node" id="n${at}"><summary><span class="pill${look === "" ? "" : ` ${look}`}">${pill}</span><span class="who"><h3>${escapeHtml(one.node)}</h3><small>${escapeHtml(under)}</small></span><span class="strip"></span><span class="last">${last}</span><span class="tall right">${latest === null ? "" : latest.size}<small>${height}</small></span></summary></details>`;
}

function timeOf(time: number): string {
  const shown = formatTime(time);
  return `<time datetime="${shown.replace(" ", "T")}">${shown.replace(/:\d\dZ$/, " UTC")}</time>`;
}

/** Words with commands in backticks. */
function coded(words: string): string {
  return escapeHtml(words).replace(/`([^`]*)`/g, "<code>$1</code>");
}
