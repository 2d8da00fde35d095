import { describeNode } from "../../keeper/page/describe.ts";
import type { PageInput, PageNode } from "../../keeper/page/types.ts";
import type { IndexEntry } from "../../vault/card/types.ts";
import { makeSnapshotId } from "../../vault/names/index.ts";
import { tiersOf } from "../../vault/retain/index.ts";
import { judge } from "../../vault/watch/index.ts";
import { seededRandom } from "./random.ts";

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 10, 28, 18, 30);
const PROFILES = ["goloop", "fabric-peer", "rocksdb", "ovn", "chainmaker"];

/** Nightly snapshots of a node that grows, newest first: at times, and of sizes, as they come in life. */
export function nightly(count: number, seed: string, change: Partial<IndexEntry> = {}, age = 0): IndexEntry[] {
  const random = seededRandom(seed);
  const uniform = () => Buffer.from(random(4)).readUInt32BE() / 2 ** 32;
  const normal = () => Array.from({ length: 6 }, uniform).reduce((a, b) => a + b, -3) * Math.SQRT2;
  const profile = PROFILES[Math.floor(uniform() * PROFILES.length)] ?? "files";
  const hour = 3 + Math.floor(uniform() * 3);
  const midnight = Math.floor((NOW - age) / DAY) * DAY;
  const grown = 0.4e9 * (0.5 + uniform());
  let total = grown * count * (1 + uniform());
  let height = Math.floor(43_200 * count * (2 + uniform()));
  const entries: IndexEntry[] = [];
  for (let at = 0; at < count; at += 1) {
    const received = Math.round(midnight - at * DAY + (hour + uniform() / 2) * 3_600_000);
    total -= grown * (1 + 0.1 * normal());
    height -= Math.floor(43_200 + 300 * normal());
    entries.push({
      snapshot: makeSnapshotId(received, random(8), height),
      state: "good",
      remarks: [],
      writer: "w",
      seq: count - at,
      received,
      committed: received + 60_000,
      profile,
      heights: { "": height },
      tags: [],
      bytes: {
        total: Math.round(total),
        added: 0,
        stored: Math.round(0.6 * grown * (1 + 0.15 * normal())),
        files: 5000 - at,
      },
      downtime_ms: Math.round(900 * (1 + 0.12 * normal())),
      card: { size: 1, sha256: "" },
      origins: [],
      ...(at % 7 === 3 ? { proven: received + DAY } : {}),
      ...change,
    });
  }
  return entries;
}

const TIERS = tiersOf({
  keep_daily: 30,
  keep_weekly: 26,
  keep_monthly: "unlimited",
  keep_within: "3d",
  timezone: "UTC",
});

/** A node as the page is told of it. */
export function pageInput(
  node: string,
  entries: readonly IndexEntry[],
  change: Partial<PageInput> = {},
  limits: Parameters<typeof judge>[1] = { maxAgeMs: 26 * 3_600_000, maxUnprovenMs: 14 * DAY },
): PageInput {
  const isGood = ({ state }: IndexEntry) => state === "good";
  return {
    node,
    vault: "",
    standing: judge({ entries, isGood, now: NOW }, limits),
    entries,
    more: false,
    next: Date.UTC(2026, 10, 29, 3),
    paused: null,
    tiers: TIERS,
    isOdd: () => false,
    now: NOW,
    ...change,
  };
}

/** A page's nodes that look like a fleet: `count` nodes of so many snapshots, a few of them amiss. */
export function fleet(count: number, snapshots: number): PageNode[] {
  return Array.from({ length: count }, (_, at) => {
    const entries = nightly(snapshots, `node ${at}`, {}, at % 41 === 7 ? 3 * DAY : 0);
    const damaged = at % 53 === 11 ? entries[4] : undefined;
    if (damaged !== undefined) {
      entries[4] = {
        ...damaged,
        state: "damaged",
        remarks: ["damaged: 00003.pack: missing: it is not there"],
      };
    }
    return describeNode(pageInput(`validator-${String(at + 1).padStart(3, "0")}`, entries));
  });
}
