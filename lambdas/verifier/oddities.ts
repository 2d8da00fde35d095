import type { IndexEntry } from "../../vault/card/index.ts";
import { anomalies, formatPeriod } from "../../vault/retain/index.ts";
import type { NodeSettings } from "../common/settings.ts";
import type { Finding } from "./tell-people.ts";

/** Whether the newest good snapshot is older than it should be. @param entries newest first. */
export function staleness(entries: readonly IndexEntry[], node: NodeSettings, now: number): readonly Finding[] {
  const newest = entries.find(({ state }) => state === "good");
  if (newest === undefined) return [{ kind: "stale", on: node.name, words: "it has no good snapshot" }];
  const age = now - newest.received;
  if (age <= node.staleAfter) return [];
  const [old, allowed] = [formatPeriod(Math.floor(age / 3_600_000) * 3_600_000), formatPeriod(node.staleAfter)];
  const words = `its newest good snapshot is ${old} old, allowed are ${allowed}`;
  return [{ kind: "stale", on: newest.snapshot, words }];
}

/** Snapshots that do not look like this node's: sizes, numbers, heights. @param entries newest first. */
export function findOddities(entries: readonly IndexEntry[], node: NodeSettings): readonly Finding[] {
  const good = entries.filter(({ state }) => state === "good");
  const found: Finding[] = anomalies(good, node.tiers, null).map(({ why }) => ({
    kind: "odd",
    on: node.name,
    words: why,
  }));
  const stalled = stalledHeight(good);
  if (stalled !== null) found.push({ kind: "odd", on: node.name, words: stalled });
  const jump = sizeJump(good);
  if (jump !== null) found.push({ kind: "odd", on: node.name, words: jump });
  return found;
}

/** A node that makes no blocks between two backups stands still, or was backed up while it did not run. */
function stalledHeight([newest, before]: readonly IndexEntry[]): string | null {
  for (const [channel, height] of Object.entries(newest?.heights ?? {})) {
    if (before?.heights?.[channel] !== height) continue;
    const where = channel === "" ? "" : ` in channel ${channel}`;
    return `the height${where} is ${height} in ${newest?.snapshot}, as in ${before?.snapshot} before it`;
  }
  return null;
}

const JUMP = 2;

function sizeJump([newest, before]: readonly IndexEntry[]): string | null {
  if (newest === undefined || before === undefined) return null;
  const [now, was] = [newest.bytes.total, before.bytes.total];
  if (was === 0 || now < was * JUMP) return null;
  return `${newest.snapshot} holds ${now} bytes, ${before.snapshot} before it ${was}`;
}
