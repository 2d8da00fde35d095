import type { IndexEntry, NodeJson } from "../../vault/card/index.ts";
import { makeSameIds, type SnapshotId } from "../../vault/names/index.ts";
import type { Candidate } from "../../vault/retain/index.ts";
import type { Lister, Reader } from "../../vault/store/facets.ts";
import { judge } from "../evaluate.ts";
import { readIndex } from "../index-files.ts";
import { makeCoresOfJob } from "../index-memory.ts";
import { isForgotten, isPinned, readMarkOf } from "../marks.ts";
import { oddity } from "../order.ts";
import type { NodeScope } from "../read.ts";
import { indexEntries } from "../select.ts";
import { type Grace, graceOf } from "./grace.ts";
import type { Scan } from "./scan.ts";

/** What the index says of a snapshot, but for what it uses: of many snapshots that is nearly all of it. */
type Verdict = Omit<IndexEntry, "origins">;

export interface Known {
  readonly entry: Verdict;
  readonly grace: Grace;
}

export interface Candidates {
  /** Those that are good, broken or expired; what is being collected is out of reach. */
  readonly candidates: readonly Candidate[];
  readonly known: ReadonlyMap<SnapshotId, Known>;
  /** Snapshots of which the index says nothing, something that is gone, or what their markers do not say. */
  readonly behind: readonly SnapshotId[];
}

/**
 * What retention has to decide about. Verdicts come from the index, or, where it lacks them, from the snapshot's own
 * objects; that a card exists, and since when it is expired, from the listing alone.
 */
export async function findCandidates(store: Reader & Lister, node: NodeJson, scan: Scan): Promise<Candidates> {
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const { index } = await readIndex(store, scope);
  const indexed = new Map<SnapshotId, Verdict>();
  if (index !== null) {
    for await (const { origins: _, ...verdict } of indexEntries(store, scope, index)) {
      indexed.set(verdict.snapshot, verdict);
    }
  }
  const on = {
    ...{ store, scope, node, newest: null, asked: new Set<SnapshotId>(), cores: makeCoresOfJob(), memo: new Map() },
    same: makeSameIds(),
    known: async (id: SnapshotId) => indexed.get(id) ?? null,
    justCame: async () => false,
  };
  const candidates: Candidate[] = [];
  const known = new Map<SnapshotId, Known>();
  const behind: SnapshotId[] = [];
  for (const [id, files] of scan.snapshots) {
    if (files.card === null) continue;
    const there = indexed.get(id);
    const entry = there ?? (await judge(on, id));
    if (entry === null) continue;
    if (there === undefined) behind.push(id);
    const grace = await graceOf(store, scope, id, files);
    known.set(id, { entry, grace });
    const isLive = grace.state === "live";
    // A marker that was put by somebody who died before he told the index.
    if (there !== undefined && isLive !== (there.expired === undefined)) behind.push(id);
    if (grace.state === "collecting") continue;
    const marked = Math.max(0, ...files.marks.keys());
    const mark = marked === 0 ? null : await readMarkOf(store, scope, id, marked);
    if (there !== undefined && isPinned(mark) !== (there.pinned ?? false)) behind.push(id);
    candidates.push({
      snapshot: id,
      writer: entry.writer,
      good: entry.state === "good" || entry.state === "expired",
      odd: oddity(entry) !== null,
      received: entry.received,
      tags: mark !== null && "tags" in mark ? mark.tags : entry.tags,
      ...(entry.heights === undefined ? {} : { heights: entry.heights }),
      bytes: entry.bytes,
      pinned: isPinned(mark),
      ...(isForgotten(mark) ? { forgotten: true } : {}),
      expired: grace.state === "expired" ? grace.since : null,
    });
  }
  for (const id of indexed.keys()) if ((scan.snapshots.get(id)?.card ?? null) === null) behind.push(id);
  return { candidates, known, behind };
}
