import {
  type Begin,
  type Card,
  type CardCore,
  type IndexEntry,
  isCommitted,
  type NodeJson,
  verifyCardSignature,
  writerOf,
} from "../vault/card/index.ts";
import { messageOf, names, type SnapshotId } from "../vault/names/index.ts";
import type { Lister, ObjectInfo, Reader } from "../vault/store/facets.ts";
import type { RecentCores } from "./index-memory.ts";
import { expiryOf } from "./markers.ts";
import { isPinned, readMark } from "./marks.ts";
import { oddity } from "./order.ts";
import type { PackSlices } from "./packs-left.ts";
import { isMismatch, type NodeScope, readBegin, readCard } from "./read.ts";
import { firstReceipts } from "./receipts.ts";
import { EXPIRED_BEFORE, MAX_BYTES, RUN_WITH_PARENT } from "./rules.ts";
import { usesFault } from "./uses-fault.ts";

/** What is told of a snapshot that was judged before. */
type Told = Pick<IndexEntry, "snapshot" | "state" | "writer" | "seq" | "proven" | "remarks">;

/** What the index needs to judge a snapshot. One for a whole job, since cards never change. */
export interface Judge {
  readonly store: Reader & Lister;
  readonly scope: NodeScope;
  readonly node: NodeJson;
  /** Verdicts on snapshots already indexed; asked for parents. */
  readonly known: (id: SnapshotId, received: number) => Promise<Told | null>;
  /**
   * The same, as far as it can be told without the time: of the newest, which most parents are among. Null where the
   * index is not to be believed.
   */
  readonly newest: ReadonlyMap<SnapshotId, Told> | null;
  /** Snapshots that this job is to judge anew, whatever the index says of them; so it does before their children. */
  readonly asked: ReadonlySet<SnapshotId>;
  /** Cards that were read before. */
  readonly cores: RecentCores;
  /** Whether a card has just come: whoever marks or expires a snapshot tells the index, and the index knows none such yet. */
  readonly justCame: (id: SnapshotId, received: number) => Promise<boolean>;
  /** Where one call is not to look at all new packs of a snapshot. */
  readonly slices?: PackSlices;
  /** What verdicts name is kept once: `makeSameIds`, one for this job. */
  readonly same: (id: SnapshotId) => SnapshotId;
  /** Verdicts of this job. */
  readonly memo: Map<SnapshotId, IndexEntry | null>;
}

/**
 * The index entry of a snapshot as its objects have it now, or null where it is none: no card, or a closing one. What
 * the host claims and the vault does not bear out makes it `broken`, with the reason as its remark.
 * @throws what the store throws: that something could not be read proves nothing.
 */
export async function judge(on: Judge, id: SnapshotId): Promise<IndexEntry | null> {
  const known = on.memo.get(id);
  if (known !== undefined) return known;
  const verdict = await judgeAnew(on, id);
  on.memo.set(id, verdict);
  return verdict;
}

async function judgeAnew(on: Judge, id: SnapshotId): Promise<IndexEntry | null> {
  const { store, scope } = on;
  const read = await readCard(store, scope, id);
  if (read.found === "nothing") return null;
  if (read.found === "it" && !isCommitted(read.value)) return null;
  const begin = await readBegin(store, scope, id);
  const received = begin.found === "nothing" ? null : (begin.info?.receivedAt ?? null);
  if (read.found === "malformed") return strangeCard(on, id, read.why, read.info, received);
  const { info, sha256 } = read;
  const card = read.value as Card;
  const { core } = card;
  const here = { begun: received ?? info.receivedAt, committed: info.receivedAt };
  on.cores.add(core, info.size);
  const { begun, committed, remark } = await firstReceipts(store, scope, id, here);
  const unmarkedYet = await on.justCame(id, begun);
  const expiry = unmarkedYet ? null : await expiryOf(store, scope, id);
  const why =
    // Some of it may be gone by rights: that is no damage to tell of.
    expiry?.collecting === true
      ? signatureFault(on.node, card)
      : begin.found === "it"
        ? await findFault(on, card, begin.value, begun, committed)
        : begin.found === "nothing"
          ? "it has no begin"
          : `its begin cannot be read: ${begin.why}`;
  const odd = oddity({ snapshot: id, received: begun });
  const expired = expiry?.since ?? null;
  const mark = unmarkedYet ? null : await readMark(store, scope, id);
  const unmarked =
    mark !== null && "unreadable" in mark ? `pinned, as its mark cannot be read: ${mark.unreadable}` : null;
  return {
    snapshot: id,
    state: why !== null ? "broken" : expired !== null ? "expired" : "good",
    remarks: [why, remark, odd, unmarked].filter((text) => text !== null).map(short),
    writer: writerOf(card.sig.key),
    seq: core.seq,
    ...(core.parent === undefined ? {} : { parent: core.parent }),
    received: begun,
    committed,
    profile: core.profile,
    ...(core.heights === undefined ? {} : { heights: core.heights }),
    ...(core.group === undefined ? {} : { group: core.group }),
    tags: mark !== null && "tags" in mark ? mark.tags : core.tags,
    bytes: core.bytes,
    ...(core.downtime_ms === undefined ? {} : { downtime_ms: core.downtime_ms }),
    card: { size: info.size, sha256 },
    origins: core.origins.map(({ snapshot }) => on.same(snapshot)),
    ...(expired === null ? {} : { expired }),
    ...(isPinned(mark) ? { pinned: true } : {}),
  };
}

/** A card that is none is listed as broken, so that it is seen and its data folder is left alone. */
async function strangeCard(
  on: Judge,
  id: SnapshotId,
  why: string,
  read: ObjectInfo | null,
  received: number | null,
): Promise<IndexEntry | null> {
  const info = read ?? (await on.store.head(names.card(on.scope.node, id)));
  if (info === null) return null;
  return {
    snapshot: id,
    state: "broken",
    remarks: [short(`its card cannot be read: ${why}`)],
    writer: writerOf(on.node.key),
    seq: 1,
    received: received ?? info.receivedAt,
    committed: info.receivedAt,
    profile: on.node.profile,
    tags: [],
    bytes: { total: 0, added: 0, stored: 0, files: 0 },
    card: { size: info.size, sha256: "0".repeat(64) },
    origins: [id],
  };
}

/** The first thing that is wrong, in words, or null. */
async function findFault(
  on: Judge,
  card: Card,
  begin: Begin,
  begun: number,
  committed: number,
): Promise<string | null> {
  const { core } = card;
  const own = signatureFault(on.node, card) ?? beginFault(card, begin);
  if (own !== null) return own;
  const parent = core.parent === undefined ? null : await lookAtParent(on, core.parent, card, begun, committed);
  if (parent !== null && "fault" in parent) return parent.fault;
  return (await usesFault(on, core, begin, parent?.vouching ?? null)) ?? (await objectsFault(on, core));
}

function signatureFault(node: NodeJson, card: Card): string | null {
  try {
    verifyCardSignature(card, node.key);
    return null;
  } catch (error) {
    if (!isMismatch(error)) throw error;
    return `its card is not from this node: ${messageOf(error)}`;
  }
}

function beginFault({ core, sig }: Card, begin: Begin): string | null {
  if (begin.writer !== writerOf(sig.key)) return "its begin was written by another host than its card";
  if (begin.parent !== core.parent) {
    return `its card has parent ${core.parent ?? "none"}, its begin ${begin.parent ?? "none"}`;
  }
  return null;
}

/** What is wrong with a parent; else its card, or null where it is gone or going and vouches for nothing any more. */
type ParentLook = { readonly fault: string } | { readonly vouching: CardCore | null };

async function lookAtParent(
  on: Judge,
  parent: SnapshotId,
  card: Card,
  begun: number,
  committed: number,
): Promise<ParentLook> {
  const { store, scope, node } = on;
  const fault = (text: string) => ({ fault: text });
  const took = committed - begun;
  if (took > RUN_WITH_PARENT)
    return fault(`its run took ${hours(took)} h, with a parent at most ${hours(RUN_WITH_PARENT)}`);
  const indexed = !on.asked.has(parent);
  const told = on.memo.get(parent) ?? (indexed ? on.newest?.get(parent) : undefined);
  const vouching = told?.state === "good" ? await coreOf(on, parent) : null;
  // What this job or the index found good is not looked at again.
  if (told?.state === "good" && vouching !== null) return lookAtGood(on, told, vouching, card);
  const began = await store.head(names.begin(scope.node, parent));
  const read = await readCard(store, scope, parent);
  // Collected meanwhile, card first and begin last: then what it vouched for is looked at pack by pack.
  if (read.found === "nothing" && began === null) return { vouching: null };
  const expiry = await expiryOf(store, scope, parent);
  // The same, by a collector that died between the two.
  if (read.found === "nothing" && expiry?.collecting) return { vouching: null };
  if (read.found === "malformed") return fault(`its parent ${parent} is broken`);
  if (read.found === "nothing" || !isCommitted(read.value)) return fault(`its parent ${parent} never committed`);
  const { core } = read.value;
  // Also keeps two cards that name each other from leading in a circle.
  if (core.seq >= card.core.seq)
    return fault(`its parent ${parent} has number ${core.seq}, its own is ${card.core.seq}`);
  const here = { begun: began?.receivedAt ?? read.info.receivedAt, committed: read.info.receivedAt };
  const received = (await firstReceipts(store, scope, parent, here)).begun;
  if (expiry !== null && expiry.since < begun - EXPIRED_BEFORE) {
    return fault(`its parent ${parent} had expired long before it began`);
  }
  // As one that is gone: the card may stay for a while, where the vault has locked it, and its data not.
  if (expiry?.collecting) return { vouching: null };
  // A verdict of this job before one of the index: what was damaged then may have been put back.
  const before = on.memo.get(parent) ?? (indexed ? await on.known(parent, received) : null);
  const verdict = before ?? (await judge(on, parent));
  if (verdict === null || verdict.state === "broken") return fault(`its parent ${parent} is broken`);
  if (verdict.writer !== writerOf(node.key)) return fault(`its parent ${parent} is another host's`);
  return { vouching: core };
}

/** A parent that is known to be good: there, unexpired, its packs looked at. */
function lookAtGood({ node }: Judge, told: Told, core: CardCore, card: Card): ParentLook {
  const { snapshot, seq, writer } = told;
  if (seq >= card.core.seq) return { fault: `its parent ${snapshot} has number ${seq}, its own is ${card.core.seq}` };
  if (writer !== writerOf(node.key)) return { fault: `its parent ${snapshot} is another host's` };
  return { vouching: core };
}

async function coreOf({ store, scope, cores }: Judge, id: SnapshotId): Promise<CardCore | null> {
  const recent = cores.get(scope.node, id);
  if (recent !== null) return recent;
  const read = await readCard(store, scope, id);
  if (read.found !== "it" || !isCommitted(read.value)) return null;
  cores.add(read.value.core, read.info.size);
  return read.value.core;
}

async function objectsFault(on: Judge, core: CardCore): Promise<string | null> {
  const { node } = on.scope;
  const manifest = names.manifest(node, core.snapshot);
  const sealed = await on.store.head(manifest);
  if (sealed === null) return `${manifest}: it is not there`;
  if (sealed.size !== core.manifest.size) {
    return `${manifest}: it has ${sealed.size} bytes, expected are ${core.manifest.size}`;
  }
  const keyFile = names.keyJson(node, core.snapshot);
  const key = await on.store.head(keyFile);
  if (key === null) return `${keyFile}: it is not there`;
  return key.size > MAX_BYTES.key ? `${keyFile}: it has ${key.size} bytes, at most ${MAX_BYTES.key} are allowed` : null;
}

/** The index bounds its remarks. */
function short(remark: string): string {
  return remark.length <= 1000 ? remark : `${remark.slice(0, 999)}…`;
}

function hours(ms: number): string {
  return (ms / 3_600_000).toFixed(1);
}
