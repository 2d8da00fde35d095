import { createHash } from "node:crypto";
import {
  type CardCore,
  type Index,
  isCommitted,
  parseCard,
  parseFate,
  parseOriginRecord,
  parsePackList,
  writerOf,
} from "../../vault/card/index.ts";
import { isSnapshotId, type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import type { MemoryStore } from "./memory-store.ts";

const DAY = 86_400_000;
export const GRACE = 7 * DAY;
export const FLOOR = 7 * DAY;
const L = 3 * DAY;
/** Three times a day's snapshots: what a guarded vault takes for a flood. */
const FLOOD = 3;

/** A committed card as its host put it, whatever became of the object since. */
export interface Seen {
  readonly core: CardCore;
  readonly writer: string;
  /** Receipts of begin and card. */
  readonly begun: number;
  readonly committed: number;
  /** All that a reader needs of other objects, with the digest recorded of it; null where none is. */
  readonly wanted: ReadonlyMap<string, string | null>;
}

interface Leaving {
  readonly round: number;
  readonly since: number;
  readonly fate: "collect" | "rescued" | null;
}

/**
 * Sees every change of the store as it happens, and forgets nothing: what must hold is asked of this memory, never of
 * objects that the code under test reads itself. Each violation begins with the invariant's number (docs/ARCHITECTURE.md).
 */
export class ProtocolObserver {
  readonly violations: string[];
  /** How often each thing happened, so that stories without any are noticed. */
  readonly tally = new Map<string, number>();
  readonly cards = new Map<SnapshotId, Seen>();
  /** Snapshots that an index has called good. */
  readonly good = new Set<SnapshotId>();
  /** Snapshots of which a host has reported success. */
  readonly reported = new Set<SnapshotId>();
  /** Restores that were told that they may go on: until when. */
  readonly restores = new Map<SnapshotId, number>();
  /** Snapshots of which an operator was told that they are kept. */
  readonly pinned = new Set<SnapshotId>();
  /** Runs that were closed, and who went on with them. */
  readonly adopted = new Map<SnapshotId, SnapshotId>();
  /** Cards that lay damaged once: who could not be read for a month is expired by rights, and comes back. */
  readonly damaged = new Set<SnapshotId>();
  readonly begins = new Map<SnapshotId, number>();
  /** Committed on top of what had expired more than a day before they began: the index must never call them good. */
  readonly late = new Set<SnapshotId>();
  readonly #leaving = new Map<SnapshotId, Leaving>();
  readonly #outcomes = new Map<SnapshotId, string>();
  /** Whose card was deleted by rights: a host that slept in the middle of a call for a whole grace may close it then. */
  readonly #gone = new Set<SnapshotId>();
  /** Digest of what ever lay under a name that is written once. */
  readonly #digests = new Map<string, string>();
  /** By pack: its recorded digest, and the list that records it. */
  readonly #rows = new Map<string, { readonly sha256: string; readonly list: string }>();
  readonly #planned = new Set<string>();
  /** By snapshots that no index has called good yet: slots that rotations have given them. */
  readonly #owed = new Map<SnapshotId, readonly string[]>();
  readonly #generations = new Map<string, number>();
  /** In a copy: when each run began where it was made. */
  readonly #origins = new Map<SnapshotId, number>();
  readonly #node: NodeName;
  readonly #vault: VaultId;
  readonly #inner: MemoryStore;
  readonly #now: () => number;
  readonly #guardedSince: () => number | null;

  /** @param guardedSince since when retention runs with all its brakes on; null where they are off. */
  constructor(
    scope: { readonly vault: VaultId; readonly node: NodeName },
    inner: MemoryStore,
    now: () => number,
    guardedSince: () => number | null,
    violations: string[] = [],
  ) {
    this.violations = violations;
    this.#node = scope.node;
    this.#vault = scope.vault;
    this.#inner = inner;
    this.#now = now;
    this.#guardedSince = guardedSince;
  }

  happened(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  /** Cards that are there by rights and not on their way out, or that a pin holds back. */
  *staying(): Generator<Seen> {
    for (const seen of this.cards.values()) {
      const { snapshot } = seen.core;
      if (this.fateOf(snapshot) !== "collect" || this.isPromised(snapshot)) yield seen;
    }
  }

  fateOf(id: SnapshotId): Leaving["fate"] {
    return this.#leaving.get(id)?.fate ?? null;
  }

  isExpired(id: SnapshotId): boolean {
    const leaving = this.#leaving.get(id);
    return leaving !== undefined && leaving.fate !== "rescued";
  }

  isPromised(id: SnapshotId): boolean {
    return this.pinned.has(id) || (this.restores.get(id) ?? 0) > this.#now();
  }

  created(name: string, bytes: Uint8Array): void {
    const rest = name.slice(this.#node.length + 1);
    const [folder = "", file = "", short = ""] = rest.split("/");
    if (folder === "begins") {
      const id = file.slice(0, -".json".length) as SnapshotId;
      this.begins.set(id, this.#origins.get(id) ?? this.#now());
    }
    if (folder === "data" && short !== names.KEY_NAME) this.#once(name, bytes);
    if (short === names.KEY_NAME) this.#keyPut(name, bytes);
    if (folder === "data" && short.startsWith("packs-")) this.#listPut(name, bytes);
    if (folder === "plans") this.#planPut(bytes);
    if (folder !== "snapshots") return;
    const [, id = "", kind, round] = /^(.+)\.(card|expired|fate|origin)\.(?:(\d+)\.)?json$/.exec(file) ?? [];
    if (kind === "origin" && isSnapshotId(id)) this.#origins.set(id, parseOriginRecord(bytes).begun);
    if (kind === "card" && isSnapshotId(id)) this.#cardPut(id, bytes, name);
    if (kind === "expired" && isSnapshotId(id)) this.#markerPut(id, Number(round));
    if (kind === "fate") this.#fatePut(bytes, name);
  }

  /** I7: a cache never goes back; I14: nor does a key file. */
  replaced(name: string, bytes: Uint8Array): void {
    if (name.endsWith(`/${names.KEY_NAME}`)) this.#keyPut(name, bytes);
    if (!name.endsWith("/index.json") && !name.endsWith("/head.json")) return;
    const { generation } = JSON.parse(Buffer.from(bytes).toString()) as { generation: number };
    const before = this.#generations.get(name) ?? 0;
    if (generation < before || (generation === before && name.endsWith("/index.json")))
      this.#violated(`I7: ${name} went from generation ${before} to ${generation}`);
    this.#generations.set(name, generation);
  }

  /** A hand deleted a cache: where nothing else tells how far it was, it begins anew. */
  lost(name: string): void {
    this.#generations.delete(name);
  }

  /** I2, I8, I13: whatever goes is used by no card that stays, and every other user's grace is over. */
  aboutToDelete(name: string): void {
    const [, folder, id = "", short] = name.split("/");
    this.happened(folder === "data" ? "data deleted" : "record deleted");
    for (const seen of this.staying()) {
      if (seen.wanted.has(name)) this.#violated(`I2: ${name} is deleted, ${seen.core.snapshot} uses it`);
    }
    for (const { core, wanted } of this.cards.values()) {
      const since = this.#leaving.get(core.snapshot)?.since ?? this.#now();
      if (wanted.has(name) && this.#now() - since < GRACE)
        this.#violated(`I8: ${name} is deleted in the grace of ${core.snapshot}`);
    }
    const ofSnapshot = folder === "snapshots" ? id.slice(0, -names.CARD_SUFFIX.length) : "";
    if (this.cards.has(ofSnapshot as SnapshotId) && this.fateOf(ofSnapshot as SnapshotId) !== "collect")
      this.#violated(`I2: ${name} is deleted, and nobody said that it goes`);
    if (short !== undefined && this.begins.has(id as SnapshotId) && !this.#outcomes.has(id as SnapshotId))
      this.#violated(`I2: ${name} of an open run is deleted`);
  }

  deleted(name: string): void {
    const [, folder, file = ""] = name.split("/");
    if (folder !== "snapshots" || !file.endsWith(names.CARD_SUFFIX)) return;
    const id = file.slice(0, -names.CARD_SUFFIX.length) as SnapshotId;
    this.cards.delete(id);
    this.#gone.add(id);
  }

  /** An index was written that says this. */
  indexed({ snapshots }: Pick<Index, "snapshots">): void {
    for (const { snapshot, state } of snapshots) if (state === "good") this.#becameGood(snapshot);
  }

  /** I1, I5, I9: what was ever good and stays is whole; the newest of a writer is not expired. */
  check(): void {
    const newest = new Map<string, Seen>();
    for (const seen of this.staying()) {
      const { snapshot } = seen.core;
      const before = newest.get(seen.writer);
      if (before === undefined || isNewer(seen, before)) newest.set(seen.writer, seen);
      if (!this.good.has(snapshot)) continue;
      const missing = [...seen.wanted.keys()].find((name) => !this.#inner.objects.has(name));
      if (missing !== undefined) this.#violated(`I1: ${snapshot} lacks ${missing}`);
    }
    for (const { core } of newest.values()) {
      const { snapshot } = core;
      if (this.good.has(snapshot) && !this.damaged.has(snapshot) && this.isExpired(snapshot))
        this.#violated(`I5: ${snapshot} is its writer's newest good one, and expired`);
    }
    for (const [id, until] of this.restores) {
      if (until > this.#now() && !this.cards.has(id)) this.#violated(`I9: ${id} went while a restore had it pinned`);
    }
    for (const id of this.pinned)
      if (!this.cards.has(id)) this.#violated(`I2: ${id} went while an operator had it pinned`);
  }

  #violated(what: string): void {
    this.violations.push(what);
  }

  /** I3 */
  #once(name: string, bytes: Uint8Array): void {
    const digest = createHash("sha256").update(bytes).digest("hex");
    const before = this.#digests.get(name);
    if (before !== undefined && before !== digest) this.#violated(`I3: ${name} held two things`);
    this.#digests.set(name, digest);
  }

  /** I14. One that a collector deleted may be brought again by a copy, which is then of the same age or younger. */
  #keyPut(name: string, bytes: Uint8Array): void {
    const { generation } = JSON.parse(Buffer.from(bytes).toString()) as { generation: number };
    const before = this.#generations.get(name) ?? 0;
    if (generation < before) this.#violated(`I14: ${name} went from generation ${before} to ${generation}`);
    this.#generations.set(name, generation);
  }

  /**
   * I14: what lay there when a rotation began that says it did all has the new slot, whose packs it uses included, as long as
   * it stays: what is good, and what becomes so later.
   */
  rotated(kid: string, meant: Iterable<SnapshotId>): void {
    this.happened("rotated");
    for (const id of meant) {
      if (this.good.has(id)) this.#assertSlot(id, kid);
      else this.#owed.set(id, [...(this.#owed.get(id) ?? []), kid]);
    }
  }

  #assertSlot(id: SnapshotId, kid: string): void {
    const seen = this.cards.get(id);
    if (seen === undefined || this.fateOf(id) === "collect" || this.damaged.has(id)) return;
    for (const of of new Set([id, ...seen.core.origins.map(({ snapshot }) => snapshot)])) {
      const name = names.keyJson(this.#node, of);
      const bytes = this.#inner.objects.get(name)?.bytes;
      const { slots } = JSON.parse(Buffer.from(bytes ?? "{}").toString()) as { slots?: { kid: string }[] };
      if (slots?.some((slot) => slot.kid === kid) !== true)
        this.#violated(`I14: ${name}, which ${id} needs, has no slot ${kid} after the rotation`);
    }
  }

  /** I15: of what a copy says it brought all is there. */
  copied(id: SnapshotId): void {
    this.happened("copied");
    const seen = this.cards.get(id);
    if (seen === undefined || this.fateOf(id) === "collect") return;
    for (const name of seen.wanted.keys())
      if (!this.#inner.objects.has(name)) this.#violated(`I15: ${id} was copied, and lacks ${name}`);
  }

  #listPut(name: string, bytes: Uint8Array): void {
    for (const { origin, index, sha256 } of parsePackList(bytes).rows) {
      const pack = names.pack(this.#node, origin, index);
      if (!this.#rows.has(pack)) this.#rows.set(pack, { sha256, list: name });
    }
  }

  /** I2: nothing planned is in use. What is planned is remembered, as nothing good may ever come to need it. */
  #planPut(bytes: Uint8Array): void {
    const { objects } = JSON.parse(Buffer.from(bytes).toString()) as { objects: { name: string; etag: string }[] };
    for (const { name, etag } of objects) {
      this.#planned.add(`${name} ${etag}`);
      for (const { core, wanted } of this.staying())
        if (wanted.has(name)) this.#violated(`I2: ${name} is planned to go, ${core.snapshot} uses it`);
    }
  }

  /** I4: one outcome a run, for ever. */
  #cardPut(id: SnapshotId, bytes: Uint8Array, name: string): void {
    const card = parseCard(bytes, { vault: this.#vault, node: this.#node });
    const outcome = isCommitted(card) ? `committed ${digestOf(bytes)}` : `${card.state} ${card.by ?? ""}`;
    const before = this.#outcomes.get(id);
    const closesLate = this.#gone.has(id) && !isCommitted(card);
    if (before !== undefined && before !== outcome && !closesLate)
      this.#violated(`I4: ${name} was ${before}, and then ${outcome}`);
    this.#outcomes.set(id, outcome);
    if (!isCommitted(card)) {
      if (card.by !== undefined) this.adopted.set(id, card.by);
      this.happened(card.state);
      return;
    }
    const { core, sig } = card;
    if (core.origins.some(({ snapshot }) => snapshot !== core.snapshot)) this.happened("shared");
    this.happened("committed");
    const begun = this.begins.get(id) ?? this.#now();
    const writer = writerOf(sig.key);
    const parent = core.parent === undefined ? undefined : this.#leaving.get(core.parent);
    if (parent !== undefined && parent.fate !== "rescued" && parent.since < begun - DAY) {
      this.late.add(id);
      return;
    }
    this.cards.set(id, { core, writer, begun, committed: this.#now(), wanted: this.#wantedBy(core) });
  }

  #wantedBy(core: CardCore): Map<string, string | null> {
    const node = this.#node;
    const wanted = new Map<string, string | null>([
      [names.manifest(node, core.snapshot), core.manifest.sha256],
      [names.keyJson(node, core.snapshot), null],
    ]);
    for (const { snapshot, ranges } of core.origins) {
      wanted.set(names.keyJson(node, snapshot), null);
      for (const [first, last] of ranges) {
        for (let index = first; index <= last; index += 1) {
          const pack = names.pack(node, snapshot, index);
          const row = this.#rows.get(pack);
          wanted.set(pack, row?.sha256 ?? null);
          if (row !== undefined) wanted.set(row.list, null);
        }
      }
    }
    return wanted;
  }

  /** I5, I10 */
  #markerPut(id: SnapshotId, round: number): void {
    this.happened("expired");
    this.#leaving.set(id, { round, since: this.#now(), fate: null });
    const seen = this.cards.get(id);
    if (seen === undefined) return;
    const ofWriter = [...this.cards.values()].filter(({ writer }) => writer === seen.writer);
    if (this.good.has(id) && !this.damaged.has(id) && !ofWriter.some((other) => isNewer(other, seen)))
      this.#violated(`I5: ${id} is expired, and its writer has no newer one`);
    const guarded = this.#guardedSince();
    if (guarded === null || !this.good.has(id)) return;
    const times = ofWriter.map(({ begun }) => begun).sort((a, b) => a - b);
    if ((times.at(-1) ?? 0) - seen.begun < FLOOR) this.#violated(`I10: ${id} is expired, and younger than the floor`);
    const flood = ofWriter
      .filter(
        ({ core, committed }) => committed < guarded && this.good.has(core.snapshot) && !this.isExpired(core.snapshot),
      )
      .map(({ begun }) => begun)
      .sort((a, b) => a - b);
    if (flood.some((time, at) => time - (flood[at - FLOOD] ?? Number.NEGATIVE_INFINITY) < DAY))
      this.#violated(`I10: ${id} is expired after a flood of new ones, and no operator was asked`);
  }

  /** I8: from the marker to the word that it goes takes a grace at least, by the store's clock. */
  #fatePut(bytes: Uint8Array, name: string): void {
    const { fate, snapshot, round } = parseFate(bytes);
    this.happened(fate);
    // Of a job that slept till all was gone, fates of earlier rounds included: it goes by itself.
    if (!this.cards.has(snapshot)) return;
    const before = this.#leaving.get(snapshot);
    const since = before?.round === round ? before.since : this.#now();
    if (fate === "collect" && this.#now() - since < GRACE) this.#violated(`I8: ${name} comes too early`);
    this.#leaving.set(snapshot, { round, since, fate });
  }

  /** I1, I2: from now on it may be built on, so all of it is there, as recorded, and nothing of it was ever given up. */
  #becameGood(id: SnapshotId): void {
    if (this.late.has(id)) this.#violated(`I2: ${id} is good, and its parent had expired long before it began`);
    const seen = this.cards.get(id);
    if (seen === undefined || this.good.has(id)) return;
    this.good.add(id);
    for (const kid of this.#owed.get(id) ?? []) this.#assertSlot(id, kid);
    for (const [name, digest] of seen.wanted) {
      if (digest !== null && this.#digests.get(name) !== digest) this.#violated(`I1: ${id} is good, ${name} is not`);
      const etag = this.#inner.objects.get(name)?.info.etag;
      if (this.#planned.has(`${name} ${etag}`)) this.#violated(`I2: ${id} is good, ${name} was planned to go`);
    }
  }

  /** Whether a run took longer than one with a parent may. */
  tookTooLong({ core, begun, committed }: Seen): boolean {
    return core.parent !== undefined && committed - begun > L;
  }
}

function isNewer(a: Seen, b: Seen): boolean {
  return a.begun > b.begun || (a.begun === b.begun && a.core.snapshot > b.core.snapshot);
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
