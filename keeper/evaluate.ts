import {
  type Begin,
  type Card,
  type CardCore,
  type CardOrigin,
  type ClosingCard,
  type IndexEntry,
  isCommitted,
  type NodeJson,
  verifyCardSignature,
  verifyClosingSignature,
  writerOf,
} from "../vault/card/index.ts";
import { messageOf, names, type SnapshotId } from "../vault/names/index.ts";
import type { Lister, ObjectInfo, Reader } from "../vault/store/facets.ts";
import { expiredAt } from "./markers.ts";
import { isPinned, readMark } from "./marks.ts";
import { oddity } from "./order.ts";
import { listRows } from "./pack-lists.ts";
import { firstPackDamage, listPacks } from "./packs-present.ts";
import { countRanges, firstNotCovered, indexesOf, rangesOf } from "./ranges.ts";
import { isMismatch, type NodeScope, readBegin, readCard, readCommitted } from "./read.ts";
import { firstReceipts } from "./receipts.ts";
import { MAX_ADOPTIONS, MAX_BYTES, RUN_WITH_PARENT } from "./rules.ts";

/** What the index needs to judge a snapshot. One for a whole job, since cards never change. */
export interface Judge {
  readonly store: Reader & Lister;
  readonly scope: NodeScope;
  readonly node: NodeJson;
  /** Verdicts on snapshots already indexed; asked for parents. */
  readonly known: (id: SnapshotId, received: number) => Promise<IndexEntry | null>;
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
  const { begun, committed, remark } = await firstReceipts(store, scope, id, here);
  const why =
    begin.found === "it"
      ? await findFault(on, card, begin.value, begun, committed)
      : begin.found === "nothing"
        ? "it has no begin"
        : `its begin cannot be read: ${begin.why}`;
  const odd = oddity({ snapshot: id, received: begun });
  const expired = await expiredAt(store, scope, id);
  const mark = await readMark(store, scope, id);
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
    tags: mark !== null && "tags" in mark ? mark.tags : core.tags,
    bytes: core.bytes,
    ...(core.downtime_ms === undefined ? {} : { downtime_ms: core.downtime_ms }),
    card: { size: info.size, sha256 },
    origins: core.origins.map(({ snapshot }) => snapshot),
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
  return (
    signatureFault(on.node, card) ??
    beginFault(card, begin) ??
    (core.parent === undefined ? null : await parentFault(on, core.parent, card, begun, committed)) ??
    (await usesFault(on, core, begin)) ??
    (await objectsFault(on, core))
  );
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

async function parentFault(
  on: Judge,
  parent: SnapshotId,
  card: Card,
  begun: number,
  committed: number,
): Promise<string | null> {
  const { store, scope, node } = on;
  const took = committed - begun;
  if (took > RUN_WITH_PARENT) return `its run took ${hours(took)} h, with a parent at most ${hours(RUN_WITH_PARENT)}`;
  const began = await store.head(names.begin(scope.node, parent));
  const read = await readCard(store, scope, parent);
  // Collected meanwhile, card first and begin last: then what it vouched for is looked at pack by pack.
  if (read.found === "nothing" && began === null) return null;
  if (read.found === "malformed") return `its parent ${parent} is broken`;
  if (read.found === "nothing" || !isCommitted(read.value)) return `its parent ${parent} never committed`;
  const { seq } = read.value.core;
  // Also keeps two cards that name each other from leading in a circle.
  if (seq >= card.core.seq) return `its parent ${parent} has number ${seq}, its own is ${card.core.seq}`;
  const here = { begun: began?.receivedAt ?? read.info.receivedAt, committed: read.info.receivedAt };
  const received = (await firstReceipts(store, scope, parent, here)).begun;
  const verdict = (await on.known(parent, received)) ?? (await judge(on, parent));
  if (verdict === null || verdict.state === "broken") return `its parent ${parent} is broken`;
  if (verdict.writer !== writerOf(node.key)) return `its parent ${parent} is another host's`;
  const expired = await expiredAt(store, scope, parent);
  if (expired !== null && expired < begun) return `its parent ${parent} had expired when it began`;
  return null;
}

/** Every pack it uses must be its own, taken over from a dead run, or vouched for by its parent. */
async function usesFault(on: Judge, core: CardCore, begin: Begin): Promise<string | null> {
  const adopted = new Set<SnapshotId>();
  for (const run of begin.adopts) if (await isAdopted(on, run, core.snapshot)) adopted.add(run);
  const isNew = (id: SnapshotId) => id === core.snapshot || adopted.has(id);
  const inherited = core.origins.filter(({ snapshot }) => !isNew(snapshot));
  return (
    (await inheritedFault(on, core, inherited)) ??
    (await newPacksFault(
      on,
      core,
      core.origins.filter(({ snapshot }) => isNew(snapshot)),
    ))
  );
}

/**
 * Whether a dead run was taken over by this snapshot: by itself, or by a dead run that was, each closed by a card that
 * the host signed.
 */
async function isAdopted(on: Judge, run: SnapshotId, by: SnapshotId): Promise<boolean> {
  let next = run;
  for (let hops = 0; hops < MAX_ADOPTIONS; hops += 1) {
    const read = await readCard(on.store, on.scope, next);
    if (read.found !== "it" || isCommitted(read.value)) return false;
    if (read.value.by === undefined || !isSigned(on.node, read.value)) return false;
    if (read.value.by === by) return true;
    next = read.value.by;
  }
  return false;
}

function isSigned(node: NodeJson, card: ClosingCard): boolean {
  try {
    verifyClosingSignature(card, node.key);
    return true;
  } catch (error) {
    if (!isMismatch(error)) throw error;
    return false;
  }
}

async function inheritedFault(on: Judge, core: CardCore, inherited: readonly CardOrigin[]): Promise<string | null> {
  const [first] = inherited;
  if (first === undefined) return null;
  if (core.parent === undefined) return `it uses packs of ${first.snapshot} and has no parent`;
  const parent = await readCommitted(on.store, on.scope, core.parent);
  for (const { snapshot, ranges } of inherited) {
    if (parent !== null) {
      const index = firstNotCovered(ranges, rangesOf(parent.core.origins, snapshot));
      if (index !== null) return `it uses ${names.packName(index)} of ${snapshot}, which its parent does not`;
      continue;
    }
    const there = await listPacks(on.store, on.scope, snapshot);
    for (const index of indexesOf(ranges)) {
      if (!there.has(index)) return `${names.pack(on.scope.node, snapshot, index)}: it is not there`;
    }
  }
  return null;
}

async function newPacksFault(on: Judge, core: CardCore, fresh: readonly CardOrigin[]): Promise<string | null> {
  let fault: string | null = null;
  const packs = new Map(fresh.map(({ snapshot }) => [snapshot, new Map<number, number>()]));
  const own = new Map<SnapshotId, number>();
  for await (const row of listRows(on.store, on.scope, core, ({ object, detail }) => {
    fault ??= `${object}: ${detail}`;
  })) {
    const ranges = rangesOf(fresh, row.origin);
    // A pack that was put and is not used any more may be listed; what is used must be.
    if (firstNotCovered([[row.index, row.index]], ranges) !== null) continue;
    const sizes = packs.get(row.origin);
    if (sizes?.has(row.index)) return `${names.packName(row.index)} of ${row.origin} is listed twice`;
    sizes?.set(row.index, row.size);
    own.set(row.origin, (own.get(row.origin) ?? 0) + 1);
  }
  if (fault !== null) return fault;
  for (const { snapshot, ranges } of fresh) {
    if (countRanges(ranges) === (own.get(snapshot) ?? 0)) continue;
    const sizes = packs.get(snapshot);
    for (const index of indexesOf(ranges)) {
      if (!sizes?.has(index)) return `it uses ${names.packName(index)} of ${snapshot}, which no pack list names`;
    }
  }
  const damage = await firstPackDamage(on.store, on.scope, packs);
  return damage === null ? null : `${damage.object}: ${damage.detail}`;
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
