import type { Prices, StorageClass } from "./prices.ts";

/** What is kept and what is done with it. Bytes are sealed ones, as they lie in the bucket. */
export interface CostPlan {
  readonly nodes: number;
  /** Of each node: its first snapshot, and what each one more adds. */
  readonly bytes: number;
  readonly added: number;
  readonly perDay: number;
  /** From a snapshot's receipt to the day its own packs are deleted: tiers and grace, and no sooner than the lock. */
  readonly days: number;
  /** Of these, until it expires: so long locks are renewed. */
  readonly usedDays: number;
  readonly packBytes: number;
  /** Everything is read again once in so many days. */
  readonly rereadDays: number;
  /** In ascending order of days. */
  readonly transitions: readonly { readonly class: StorageClass; readonly afterDays: number }[];
  readonly tickets: boolean;
  /** Bytes that are restored to somewhere outside AWS in a month. */
  readonly restored: number;
}

export interface BillLine {
  readonly group: "storage" | "requests" | "lambda" | "keys" | "queues" | "watching" | "transfer";
  readonly what: string;
  readonly quantity: number;
  readonly unit: string;
  /** A month, in the prices' currency. */
  readonly cost: number;
}

export interface Bill {
  readonly lines: readonly BillLine[];
  readonly storage: number;
  /** Of S3. */
  readonly requests: number;
  readonly total: number;
}

const GB = 1e9;
const DAYS = 30;

/**
 * How often S3 is asked, for one node: of a snapshot, its host and the indexer; of a night, retention and verifier; and what
 * each snapshot that lies there adds to a night. Puts and lists have one price, gets and heads another. Packs come on top,
 * one by one. A test counts the calls of the code itself.
 */
export const ASKED = {
  /** begin, key.json, a pack list, the manifest, the card; index, list and head by the indexer, which reads and looks as well. */
  snapshot: { puts: 8, gets: 18 },
  /** Folders that are listed, reports, clock, markers of what expires and goes; settings, records and caches that are read. */
  night: { puts: 14, lists: 27, gets: 30 },
  /** Its folder; its card (by both), begin, key file, pack list and manifest, and its marker. */
  each: { lists: 1, gets: 8 },
  /** When it came: by the indexer, and by the verifier's next look. When it is read: once. */
  pack: { looks: 2, reads: 1 },
  /** Packs that one listing tells of; retention lists everything once a week, the verifier every night. */
  listed: { atOnce: 1000, aMonth: DAYS + DAYS / 7 },
  /** A lock is renewed once in so many days, while what it holds is in use. */
  lockDays: 23,
} as const;

/** GB of memory times seconds. Reading and hashing goes at some 80 MB a second. */
const RUN = { snapshot: 0.5 * 2, night: 1 * 20, readBytesASecond: 80e6, ticksAMonth: 2 * 96 * DAYS } as const;
/** Lambda polls each of the three queues by five connections, each of 20 seconds. */
const POLLS_A_MONTH = (3 * 5 * DAYS * 86_400) / 20;
const WATCHED = { alarms: 11, metrics: 17, nightlyHours: 2, logBytesANight: 200_000 } as const;

/** A month's bill, once as much goes each day as comes. */
export function billOf(plan: CostPlan, prices: Prices): Bill {
  const snapshots = plan.nodes * plan.perDay * plan.days;
  const base = plan.nodes * plan.bytes;
  const byClass = splitByAge(plan, base);
  const stored = base + snapshots * plan.added;
  const packs = stored / plan.packBytes;
  const comes = plan.nodes * plan.perDay * DAYS;
  const newPacks = (comes * plan.added) / plan.packBytes;
  const nights = plan.nodes * DAYS;
  // What lies in an archive the verifier cannot read.
  const readable = byClass.filter(({ name }) => prices.classes[name].archive === undefined);
  const turns = DAYS / plan.rereadDays;
  const reread = readable.reduce((sum, { bytes }) => sum + bytes, 0) * turns;

  // What is younger is still locked by itself.
  const relocked = base + plan.nodes * plan.perDay * plan.added * Math.max(0, plan.usedDays - ASKED.lockDays);

  const puts = newPacks + comes * ASKED.snapshot.puts + nights * ASKED.night.puts;
  const lists =
    nights * ASKED.night.lists +
    snapshots * DAYS * ASKED.each.lists +
    (packs / ASKED.listed.atOnce) * ASKED.listed.aMonth;
  const locks = ((relocked / plan.packBytes) * DAYS) / ASKED.lockDays;
  const looks =
    newPacks * ASKED.pack.looks +
    comes * ASKED.snapshot.gets +
    nights * ASKED.night.gets +
    snapshots * DAYS * ASKED.each.gets;
  const reads = (reread * ASKED.pack.reads + plan.restored) / plan.packBytes;
  const { STANDARD } = prices.classes;
  const seconds = comes * RUN.snapshot + nights * RUN.night + reread / RUN.readBytesASecond;
  const calls = comes + 2 * nights + RUN.ticksAMonth;
  const metrics = Math.max(0, (WATCHED.metrics * WATCHED.nightlyHours) / 24 - prices.cloudwatch.free_metrics);

  const thousand = (group: BillLine["group"], what: string, count: number, unitPrice: number): BillLine => ({
    ...{ group, what, quantity: count, unit: "requests" },
    cost: (count / 1000) * unitPrice,
  });
  const lines: BillLine[] = [
    ...byClass.map(({ name, bytes }) => gigabytes("storage", `stored, ${name}`, bytes, prices.classes[name].gb_month)),
    thousand("requests", "puts of hosts and functions", puts, STANDARD.put_1000),
    thousand("requests", "lists", lists, STANDARD.put_1000),
    thousand("requests", "locks renewed", locks, STANDARD.put_1000),
    thousand("requests", "gets and heads", looks + reads, STANDARD.get_1000),
    ...byClass
      .filter(({ name }) => name !== "STANDARD")
      .map(({ name, moved }) =>
        thousand("requests", `moves to ${name}`, moved / plan.packBytes, prices.classes[name].put_1000),
      ),
    ...readable.flatMap(({ name, bytes }) => retrieval(name, bytes * turns, prices)),
    {
      ...{ group: "lambda", what: "functions run", quantity: seconds, unit: "GB-seconds" },
      cost: seconds * prices.lambda.gb_second + (calls / 1e6) * prices.lambda.requests_million,
    },
    {
      ...{ group: "keys", what: "ticket key in KMS", quantity: plan.tickets ? 1 : 0, unit: "keys" },
      cost: plan.tickets ? prices.kms.key_month : 0,
    },
    {
      ...{ group: "queues", what: "polls of queues", quantity: POLLS_A_MONTH, unit: "requests" },
      cost: (Math.max(0, POLLS_A_MONTH - prices.sqs.free_requests) / 1e6) * prices.sqs.requests_million,
    },
    {
      ...{ group: "watching", what: "alarms", quantity: WATCHED.alarms, unit: "alarms" },
      cost: Math.max(0, WATCHED.alarms - prices.cloudwatch.free_alarms) * prices.cloudwatch.alarm_month,
    },
    {
      ...{ group: "watching", what: "metrics, logs", quantity: nights * WATCHED.logBytesANight, unit: "bytes" },
      cost:
        metrics * prices.cloudwatch.metric_month + ((nights * WATCHED.logBytesANight) / GB) * prices.cloudwatch.log_gb,
    },
    gigabytes("transfer", "restored out of AWS", plan.restored, prices.transfer.out_gb, prices.transfer.free_gb * GB),
  ];
  const sum = (group?: BillLine["group"]) =>
    lines.reduce((all, line) => (group === undefined || line.group === group ? all + line.cost : all), 0);
  return { lines, storage: sum("storage"), requests: sum("requests"), total: sum() };
}

function gigabytes(group: BillLine["group"], what: string, bytes: number, price: number, free = 0): BillLine {
  return { group, what, quantity: bytes, unit: "bytes", cost: (Math.max(0, bytes - free) / GB) * price };
}

/** What reading back costs where it has a price of its own. */
function retrieval(name: StorageClass, bytes: number, prices: Prices): BillLine[] {
  const { retrieve_gb: price } = prices.classes[name];
  return price === undefined ? [] : [gigabytes("transfer", `read back from ${name}`, bytes, price)];
}

interface Share {
  readonly name: StorageClass;
  readonly bytes: number;
  /** That come to it within a month. */
  readonly moved: number;
}

/** What lies in which class: the first snapshot is old, and of what each day adds some days are in each. */
function splitByAge(plan: CostPlan, base: number): Share[] {
  const steps = [{ class: "STANDARD" as StorageClass, afterDays: 0 }, ...plan.transitions].filter(
    ({ afterDays }) => afterDays < plan.days || afterDays === 0,
  );
  const daily = plan.nodes * plan.perDay * plan.added;
  return steps.map(({ class: name, afterDays }, at) => {
    const until = Math.min(steps[at + 1]?.afterDays ?? plan.days, plan.days);
    const last = at === steps.length - 1;
    return {
      name,
      bytes: (until - afterDays) * daily + (last ? base : 0),
      moved: afterDays === 0 ? 0 : daily * DAYS,
    };
  });
}
