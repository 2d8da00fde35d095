/**
 * A fleet on paper and as a simulation: `node bench/scale.ts [nodes] [TB a node] [GB added a day]`. Events of one day are
 * played through queues of the stack's own sizes, and a restore storm through hosts that find their pace as `pace.ts` does
 * against partitions of S3 that are split while they are asked too much. Nothing is measured here but the model:
 * docs/SCALE.md tells where its figures come from.
 */
import { ASKED, billOf, LIST_PRICES } from "../agent/cost/index.ts";

const [NODES = 10_000, TB = 10, GB_ADDED = 10] = process.argv.slice(2).map(Number);
const DAY = 86_400;
/** Bytes a pack has where the table of chunks is large (`sealBudget`), and what a restore asks for at once. */
const PACK = 16 << 20;
const RANGE = 4 << 20;
/** Requests a second that S3 promises a partition at least (AWS, "Optimizing Amazon S3 performance"). */
const PUTS = 3500;
const GETS = 5500;
/** Seconds: a batch of the indexer, retention's and the verifier's look at one node; bytes a second a function reads. */
const BATCH = { size: 100, seconds: 2, atOnce: 2 } as const;
const NIGHT = { seconds: 20, atOnce: 5 } as const;
const READ = 80e6;
/** Seconds by which timers of one schedule are spread, where `install` is told nothing else. */
const DELAY = 1800;
/** Days: the stack's 15 and 7 would be 22, but its lock lets nothing go before 30. */
const KEPT = { used: 15, deleted: 30 } as const;
/** Once in so many days everything is read again, in the bill. */
const REREAD = 365;

/** The same in every run. */
function dice(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a * 1_664_525 + 1_013_904_223) >>> 0;
    return a / 2 ** 32;
  };
}

interface Waited {
  readonly longest: number;
  readonly done: number;
}

/** Jobs that come at given seconds, taken by `atOnce` servers, up to `size` by one. */
function queue(arrivals: readonly number[], atOnce: number, size: number, seconds: (taken: number) => number): Waited {
  const coming = arrivals.toSorted((a, b) => a - b);
  const free = Array.from({ length: atOnce }, () => 0);
  let longest = 0;
  for (let at = 0; at < coming.length; ) {
    const server = free.indexOf(Math.min(...free));
    const begin = Math.max(free[server] ?? 0, coming[at] ?? 0);
    let taken = 0;
    while (taken < size && at + taken < coming.length && (coming[at + taken] ?? 0) <= begin) taken += 1;
    longest = Math.max(longest, begin - (coming[at] ?? 0));
    free[server] = begin + seconds(taken);
    at += taken;
  }
  return { longest, done: Math.max(...free) };
}

/** The most that falls into any one second, each job's `count` spread evenly over `lasts`. */
function peak(begins: readonly number[], count: number, lasts: number): number {
  const a = new Float64Array(2 * DAY);
  for (const begin of begins) {
    for (let second = 0; second < lasts; second += 1) {
      const at = Math.floor(begin + second);
      a[at] = (a[at] ?? 0) + count / lasts;
    }
  }
  return a.reduce((most, value) => Math.max(most, value), 0);
}

interface Storm {
  readonly hours: number;
  readonly refused: number;
  readonly firstHour: number;
}

/** Hosts that restore at once, each from a prefix of its own, over partitions that S3 splits while they are too busy. */
function storm(hosts: number, bytes: number, link: number, splitMinutes: number): Storm {
  const STEP = 10;
  const bound = new Float64Array(hosts).fill(8);
  const left = new Float64Array(hosts).fill(bytes / RANGE);
  /** Seconds of one request of 4 MiB: the first byte, then some 85 MB a second a connection. */
  const latency = 0.1 + RANGE / 85e6;
  let partitions = 1;
  let since = 0;
  let asked = 0;
  let refused = 0;
  let firstHour = 0;
  let second = 0;
  for (; left.some((requests) => requests > 0) && second < 30 * DAY; second += STEP) {
    const wants = Array.from(bound, (open, host) =>
      (left[host] ?? 0) > 0 ? Math.min(Math.floor(open) / latency, link / RANGE) : 0,
    );
    let busy = false;
    for (let part = 0; part < partitions; part += 1) {
      const mine: number[] = [];
      for (let host = part; host < hosts; host += partitions) mine.push(host);
      const sum = mine.reduce((all, host) => all + (wants[host] ?? 0), 0);
      const share = Math.min(1, GETS / Math.max(1, sum));
      busy ||= share < 1;
      for (const host of mine) {
        const want = wants[host] ?? 0;
        if (want === 0) continue;
        left[host] = (left[host] ?? 0) - want * share * STEP;
        asked += want * STEP;
        refused += want * (1 - share) * STEP;
        if (second < 3600) firstHour += want * share * STEP * RANGE;
        // A refusal halves the bound; what goes well adds one each round.
        const open = bound[host] ?? 4;
        bound[host] = share < 1 ? Math.max(4, open / 2) : Math.min(32, open + STEP / latency / Math.max(1, open));
      }
    }
    since = busy ? since + STEP : 0;
    if (since >= splitMinutes * 60 && partitions < hosts) {
      partitions = Math.min(hosts, partitions * 2);
      since = 0;
    }
  }
  return { hours: second / 3600, refused: refused / asked, firstHour };
}

const random = dice(1);
const spread = Array.from({ length: NODES }, () => random() * DAY);
const midnight = Array.from({ length: NODES }, () => random() * DELAY);
const uploadSeconds = Math.max(1, Math.round((GB_ADDED * 1e9) / (1e9 / 8)));
const putsEach = ASKED.snapshot.puts + (GB_ADDED * 1e9) / PACK;
const after = (begins: readonly number[]) => begins.map((begin) => begin + uploadSeconds);
const nightOf = (extra: number) =>
  queue(new Array<number>(NODES).fill(0), NIGHT.atOnce, 1, () => NIGHT.seconds + extra);
const hours = (seconds: number) => `${(seconds / 3600).toFixed(1)} h`;
const rereadSeconds = (days: number) => (TB * 1e12) / days / READ;
const bill = billOf(
  {
    nodes: NODES,
    bytes: TB * 1e12,
    added: GB_ADDED * 1e9,
    perDay: 1,
    days: KEPT.deleted,
    usedDays: KEPT.used,
    packBytes: PACK,
    rereadDays: REREAD,
    transitions: [],
    tickets: true,
    restored: 0,
  },
  LIST_PRICES,
);
const group = (name: string) =>
  bill.lines.filter((line) => line.group === name).reduce((sum, { cost }) => sum + cost, 0);
const money = (cost: number) => `${Math.round(cost).toLocaleString("en-US")} USD`;
const spreadIndex = queue(after(spread), BATCH.atOnce, BATCH.size, () => BATCH.seconds);
const midnightIndex = queue(after(midnight), BATCH.atOnce, BATCH.size, () => BATCH.seconds);

const rows: (readonly [what: string, paper: string, simulated: string])[] = [
  [
    "puts a second, backups spread over the day",
    `${((NODES * putsEach) / DAY).toFixed(0)} on average`,
    `${peak(spread, putsEach, uploadSeconds).toFixed(0)} at most`,
  ],
  [
    "puts a second, all within half an hour",
    `${((NODES * putsEach) / DELAY).toFixed(0)} on average`,
    `${peak(midnight, putsEach, uploadSeconds).toFixed(0)} at most`,
  ],
  ["puts a second of one node's prefix", `${(putsEach / uploadSeconds).toFixed(1)} of ${PUTS}`, "the same"],
  [
    "a card waits to be listed, spread",
    `${((BATCH.atOnce * BATCH.size) / BATCH.seconds).toFixed(0)} cards a second fit`,
    `${spreadIndex.longest.toFixed(1)} s at most`,
  ],
  ["a card waits to be listed, all within half an hour", "the same", `${midnightIndex.longest.toFixed(1)} s at most`],
  ["retention of all nodes, from midnight", hours((NODES * NIGHT.seconds) / NIGHT.atOnce), `${hours(nightOf(0).done)}`],
  ...[30, REREAD].map(
    (days) =>
      [
        `a night of the verifier that reads everything once in ${days} days`,
        `${hours((NODES * (NIGHT.seconds + rereadSeconds(days))) / NIGHT.atOnce)}, or ${Math.ceil((NODES * (NIGHT.seconds + rereadSeconds(days))) / DAY)} functions at once`,
        hours(nightOf(rereadSeconds(days)).done),
      ] as const,
  ),
];
for (const [hosts, split] of [
  [1, 15],
  [1000, 15],
  [1000, 60],
] as const) {
  const { hours: took, refused, firstHour } = storm(hosts, TB * 1e12, 1.25e9, split);
  rows.push([
    `${hosts === 1 ? "one host restores" : `${hosts.toLocaleString("en-US")} hosts restore`} ${TB} TB by 10 Gbit/s, partitions split every ${split} min`,
    `${((TB * 1e12) / 1.25e9 / 3600).toFixed(1)} h by the links alone`,
    `${took.toFixed(1)} h; ${(firstHour / 1e12).toFixed(0)} TB in the first hour; ${(refused * 100).toFixed(1)} % of the requests refused`,
  ]);
}
for (const name of ["storage", "requests", "lambda", "queues", "watching"]) {
  rows.push([`a month, ${name}`, money(group(name)), "–"]);
}
rows.push(["a month, all", money(bill.total), "–"]);

console.log(`${NODES.toLocaleString("en-US")} nodes of ${TB} TB, ${GB_ADDED} GB more a day each\n`);
console.log("| | on paper | simulated |\n| --- | --- | --- |");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
