import {
  cardIds,
  DAMAGES_TOLD,
  findUsedPacks,
  makePackRecords,
  makeRecent,
  type NodeScope,
  type ObjectDamage,
  type PackRecords,
  packIndex,
  readCommitted,
  readNode,
  type UsedPacks,
  verifySnapshots,
} from "../../keeper/index.ts";
import { isCommitted } from "../../vault/card/index.ts";
import { isSnapshotId, names, type SnapshotId } from "../../vault/names/index.ts";
import { gatherFrames, type SoughtPack } from "./known-frames.ts";
import { olderKeyFile } from "./older-key-file.ts";
import { remakePackList } from "./pack-list.ts";
import { firstVersion, isSum, putBack, type Sum } from "./put-back.ts";
import { remakePack } from "./remake-pack.ts";
import type { RepairedObject, RepairOptions, RepairResult } from "./types.ts";

/** A damaged object, with the snapshots it was found in. */
interface Found {
  readonly damage: ObjectDamage;
  readonly snapshots: SnapshotId[];
}
type Damaged = ReadonlyMap<string, Found>;
type Made = { readonly bytes: Uint8Array | null; readonly how: string; readonly files?: readonly string[] };

/**
 * Puts back what is damaged or missing in a vault, as the very bytes that were put first: from the version of them that the
 * store kept, else sealed again from what still opens and the node's own files. Lists of packs go first, as they tell what
 * packs are to be. Nothing is put whose SHA-256 is not the one recorded.
 * @throws ColdkeepError as keyless verification, and `key` where the node's key is another.
 */
export async function runRepair(o: RepairOptions): Promise<RepairResult> {
  const { vault, node } = await readNode(o.store, o.node, o.vault);
  const scope = { vault, node };
  const done: RepairedObject[] = [];
  const first = await look(o, o.readData);
  const suspects = new Set(first.damaged.keys());
  const again = () => look(o, (pack) => suspects.has(pack));
  let now = first;
  if (await mendEach(o, scope, now.damaged, (name) => partOf(scope, name)?.kind !== "pack", done)) now = await again();
  for (const name of now.damaged.keys()) suspects.add(name);
  if (await mendEach(o, scope, now.damaged, (name) => partOf(scope, name)?.kind === "pack", done)) now = await again();
  return { looked: [...now.left.keys()], objects: done, left: now.left };
}

async function look(o: RepairOptions, readData: RepairOptions["readData"]) {
  const damaged = new Map<string, Found>();
  const left = new Map<SnapshotId, readonly ObjectDamage[]>();
  const { store, node, vault, ids, progress, signal } = o;
  const job = { store, node, readData, progress, signal, ...(vault ? { vault } : {}), ...(ids ? { ids } : {}) };
  for await (const { snapshot, damages } of verifySnapshots(job)) {
    left.set(snapshot, damages.slice(0, DAMAGES_TOLD));
    for (const damage of damages) {
      const found = damaged.get(damage.object);
      if (found === undefined) damaged.set(damage.object, { damage, snapshots: [snapshot] });
      else if (found.snapshots.at(-1) !== snapshot) found.snapshots.push(snapshot);
    }
  }
  return { damaged: damaged as Damaged, left };
}

/** @returns whether anything was put */
async function mendEach(
  o: RepairOptions,
  scope: NodeScope,
  damaged: Damaged,
  wants: (name: string) => boolean,
  done: RepairedObject[],
): Promise<boolean> {
  let put = false;
  const wanted = new Map([...damaged].filter(([name]) => wants(name)));
  const remakers = await prepare(o, scope, wanted);
  for (const [name, { damage, snapshots }] of wanted) {
    o.signal.throwIfAborted();
    o.progress.stage(`repair ${name}`);
    const made = await remakers(name, snapshots);
    const failed = made.bytes === null || o.dryRun ? null : await putBack(o.store, name, made.bytes);
    const outcome = made.bytes === null || failed !== null ? "lost" : o.dryRun ? "possible" : "repaired";
    put ||= outcome === "repaired";
    done.push({ ...damage, outcome, how: failed ?? made.how, snapshots, files: made.files ?? [] });
  }
  return put;
}

type Remake = (name: string, snapshots: readonly SnapshotId[]) => Promise<Made>;

/** What is known of all packs is gathered in one walk; they are made one by one, as each takes its size in memory. */
async function prepare(o: RepairOptions, scope: NodeScope, wanted: Damaged): Promise<Remake> {
  const { store } = o;
  const opening = (snapshot: SnapshotId) => ({ ...o, snapshot });
  const sought: SoughtPack[] = [];
  for (const object of wanted.keys()) {
    const part = partOf(scope, object);
    if (part?.kind === "pack") sought.push({ object, origin: part.id, index: part.index });
  }
  // Newest first: their files are likeliest to be the node's still.
  const users = sought.length === 0 ? [] : (await cardIds(store, scope.node)).reverse();
  const rows = rowsOf(makePackRecords(store, scope));
  const known = await gatherFrames(sought, users, opening, o.signal);

  return async (name, snapshots) => {
    const part = partOf(scope, name);
    const sum = part === null ? null : await sumOf(o, scope, part, snapshots, rows);
    const keyed = keyFileOf(scope, name);
    const older = keyed === null ? null : await olderKeyFile(o, scope, keyed);
    if (older !== null) {
      const when = new Date(older.received).toISOString();
      return {
        bytes: older.bytes,
        how: `the store keeps the version of ${when}, which opens; see \`coldkeep key list\``,
      };
    }
    if (part === null)
      return { bytes: null, how: "it can be made by nobody again; another copy of the vault may have it" };
    if (sum === null) return { bytes: null, how: "nothing tells what it has to be" };
    const kept = await firstVersion(store, name, sum);
    if (kept.found === "it") return { bytes: kept.bytes, how: "the store keeps the version that was put first" };
    if (kept.found === "other") {
      const how = `the first version under this name, ${kept.version}, is damaged, and is what a restore reads`;
      return { bytes: null, how: `${how}: once whoever may delete versions has deleted it, run this again` };
    }
    if (part.kind === "manifest") return { bytes: null, how: "a snapshot's manifest is in the vault alone" };
    if (part.kind === "list") {
      const bytes = await remakePackList(store, scope, opening(part.id), part.index);
      if (bytes !== null && isSum(bytes, sum)) return { bytes, how: "made again from the manifest and the packs" };
      return { bytes: null, how: "it cannot be made again: the manifest or a pack that it names is damaged, too" };
    }
    const pack = known.get(name);
    if (pack === undefined) return { bytes: null, how: "no snapshot that uses it can be opened" };
    const rest = await store.get(name, { maxBytes: sum.size }).catch(() => null);
    return remakePack(pack, rest?.bytes ?? null, sum.sha256, o.roots);
  };
}

type Part = { readonly kind: "pack" | "list" | "manifest"; readonly id: SnapshotId; readonly index: number };

/** The snapshot whose data folder an object lies in, and its name there; null where it lies in none. */
function dataNameOf({ node }: NodeScope, name: string): { readonly id: SnapshotId; readonly short: string } | null {
  const prefix = names.dataRoot(node);
  const [id = "", short = ""] = name.startsWith(prefix) ? name.slice(prefix.length).split("/") : [];
  return isSnapshotId(id) ? { id, short } : null;
}

function keyFileOf(scope: NodeScope, name: string): SnapshotId | null {
  const id = dataNameOf(scope, name)?.id;
  return id !== undefined && name === names.keyJson(scope.node, id) ? id : null;
}

/** Objects whose bytes are recorded elsewhere; of others null. */
function partOf(scope: NodeScope, name: string): Part | null {
  const found = dataNameOf(scope, name);
  if (found === null) return null;
  const { id, short } = found;
  const index = packIndex(short);
  if (index !== null) return { kind: "pack", id, index };
  if (short === names.MANIFEST_NAME) return { kind: "manifest", id, index: 0 };
  const list = /^packs-(\d{4})\.json$/.exec(short)?.[1];
  return list === undefined ? null : { kind: "list", id, index: Number(list) };
}

/** Snapshots of which it is remembered what their lists tell: thousands of packs of the same ones may be damaged. */
const MOST_USERS = 256;

type RowsOf = (user: SnapshotId) => Promise<Pick<UsedPacks, "find"> | null>;

function rowsOf(records: PackRecords): RowsOf {
  const known = makeRecent<SnapshotId, UsedPacks | null>(MOST_USERS);
  return async (id) => {
    const there = known.get(id);
    if (there !== undefined) return there;
    const read = await records.card(id);
    const isThere = read.found === "it" && isCommitted(read.value);
    const used = isThere ? await findUsedPacks(records, read.value.core) : null;
    known.set(id, used, 1);
    return used;
  };
}

/** Size and SHA-256 that an object must have; null where nothing that can be read tells. */
async function sumOf(
  o: RepairOptions,
  scope: NodeScope,
  part: Part,
  users: readonly SnapshotId[],
  rows: RowsOf,
): Promise<Sum | null> {
  if (part.kind !== "pack") {
    const core = (await readCommitted(o.store, scope, part.id))?.core;
    return (part.kind === "manifest" ? core?.manifest : core?.pack_lists[part.index]) ?? null;
  }
  for (const id of users) {
    const row = (await rows(id))?.find(part.id, part.index);
    if (row) return row;
  }
  return null;
}
