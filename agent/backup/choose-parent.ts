import { parseHead, writerOf } from "../../vault/card/index.ts";
import type { Head } from "../../vault/card/types.ts";
import {
  isColdkeepError,
  type NodeName,
  names,
  parseSnapshotId,
  type SnapshotId,
  type VaultId,
} from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import type { NodeState } from "../state/index.ts";
import { readMissed, readReceived } from "./journal.ts";
import { ADOPT_LIMIT_MS } from "./limits.ts";
import { type RunHead, type RunRecord, readRunHead, readRunRecord } from "./run-files.ts";

/** A run of this host whose local files can be built on. */
export interface LocalRun {
  readonly head: RunHead;
  readonly folder: string;
}

export interface ParentRun extends LocalRun {
  readonly record: RunRecord;
}

/** What a run must share with an older one to name its chunks. */
export interface Lineage {
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly suite: RunHead["suite"];
  readonly chunkKeyCheck: string;
}

/** head.json, or null where there is none or this host may not read it. */
export async function readHead(store: Reader, node: NodeName, vault: VaultId): Promise<Head | null> {
  try {
    const found = await store.get(names.headJson(node), { maxBytes: 4 << 20 });
    return found === null ? null : parseHead(found.bytes, { vault, node });
  } catch (error) {
    if (isColdkeepError(error, "permission")) return null;
    throw error;
  }
}

/** This writer's newest good snapshot, where this host still knows what lies in it; else null, and the run is full. */
export function chooseParent(state: NodeState, head: Head | null, lineage: Lineage): ParentRun | null {
  const good = goodOf(state, head);
  return good === null ? null : finishedRun(state, good, lineage);
}

/** What this host knows of a run of its own that came to its end; null where that is too little to build on. */
export function finishedRun(state: NodeState, id: SnapshotId, lineage: Lineage): ParentRun | null {
  const folder = state.runs.folder(id);
  const local = readRunHead(folder);
  const record = readRunRecord(folder);
  if (local === null || record === null || local.snapshot !== id || !isOfLineage(local, lineage)) return null;
  return { head: local, folder, record };
}

/** The writer's newest good snapshot as head.json tells it. */
export function goodOf(state: NodeState, head: Head | null): SnapshotId | null {
  const key = writerOf(state.publicKey);
  if (head === null || !Object.hasOwn(head.writers, key)) return null;
  return head.writers[key]?.good ?? null;
}

/**
 * Runs after the parent that left something to build on, newest first: packs that were received, or runs they meant to
 * take over. Whether one of them was committed after all is for the vault to say, when its card is put. Packs that one of
 * today's recipients cannot open are no use to a snapshot that all of them are to open.
 */
export function findDeadRuns(
  state: NodeState,
  parent: ParentRun | null,
  lineage: Lineage,
  o: {
    readonly vaults: readonly { readonly name: string }[];
    readonly recipients: readonly string[];
    readonly now: number;
  },
): LocalRun[] {
  const dead: LocalRun[] = [];
  for (const id of state.runs.list()) {
    const folder = state.runs.folder(id);
    const head = readRunHead(folder);
    if (head === null || head.snapshot !== id || !isOfLineage(head, lineage)) continue;
    if (parent !== null && head.seq <= parent.head.seq) continue;
    // Packs that one of the vaults has not got are no use to a run that feeds it.
    const missed = readMissed(folder);
    if (o.now - (parseSnapshotId(id)?.time ?? 0) > ADOPT_LIMIT_MS) continue;
    if (o.vaults.some(({ name }) => missed.has(name) || head.vaults?.includes(name) === false)) continue;
    if (!o.recipients.every((one) => head.recipients?.includes(one))) continue;
    if (head.adopts.length > 0 || readReceived(folder).length > 0) dead.push({ head, folder });
  }
  return dead.sort((a, b) => b.head.seq - a.head.seq);
}

/** The highest sequence number among local runs; 0 where there are none. */
export function highestLocalSequence(state: NodeState): number {
  return Math.max(0, ...state.runs.list().map((id) => readRunHead(state.runs.folder(id))?.seq ?? 0));
}

function isOfLineage(head: RunHead, lineage: Lineage): boolean {
  return (
    head.vault === lineage.vault &&
    head.node === lineage.node &&
    head.suite === lineage.suite &&
    head.chunk_key_check === lineage.chunkKeyCheck
  );
}
