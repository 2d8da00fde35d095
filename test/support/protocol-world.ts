import { findKeyFiles } from "../../agent/rekey/key-files.ts";
import {
  askStanding,
  collectGarbage,
  copySnapshots,
  indexSnapshots,
  listSnapshots,
  makeIndexMemory,
  markSnapshot,
  pinForRestore,
  rebuildIndex,
  retainSnapshots,
} from "../../keeper/index.ts";
import { canonicalBytes, encodeNodeJson, encodeVaultJson, publicKeyOf, writerOf } from "../../vault/card/index.ts";
import { makeSnapshotId, makeVaultId, names, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import type { Tiers } from "../../vault/retain/index.ts";
import type { Deleter, Store } from "../../vault/store/facets.ts";
import { START, signingKey } from "./cards.ts";
import { type Gate, gatedStore, Killed, settled } from "./gated-store.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";
import { ProtocolAgent } from "./protocol-agent.ts";
import { FLOOR, GRACE, ProtocolObserver } from "./protocol-observer.ts";

export const DAY = 86_400_000;
const SCOPE = { vault: makeVaultId(Buffer.alloc(16, 7)), node: toNodeName("icon") };
const { node } = SCOPE;

/** A process: it goes on one call of the store at a time, and may be killed at each. */
export interface Actor {
  readonly kind: "backup" | "index" | "retain" | "collect" | "rebuild" | "pin" | "restore" | "rotate" | "copy";
  readonly agent: number | null;
  readonly gate: Gate;
  readonly since: number;
  done: boolean;
}

export interface WorldSetting {
  /** All brakes and a floor hold, as an operator has them; without, more expires, and that is what most stories are about. */
  readonly guarded: boolean;
  /** For how long the store lets nobody delete what it received. Milliseconds. */
  readonly lock: number;
}

export function tiersOf(last: number, guarded = false): Tiers {
  const kept = guarded ? { floor: FLOOR, interval: DAY } : { floor: 0 };
  return { keep: { last }, within: {}, tags: [], timezone: "UTC", grace: GRACE, ...kept };
}

/** Hosts by number: two with one key, a stranger, and whoever stole that key and only puts. */
export const STRANGER = 2;
export const THIEF = 3;

/**
 * Several hosts and keepers over one store. Each does its job with the real code of the keeper, or the model of the
 * agent; the story decides whose next call comes, who dies at it, which events are lost, and how the time goes. What
 * must hold at every moment is looked at with every change of the store.
 */
export class ProtocolWorld {
  now = START;
  readonly store: Store & Deleter;
  readonly inner = memoryStore(() => this.now);
  readonly agents = [1, 1, 2, 1].map((seed) => new ProtocolAgent(SCOPE, signingKey(seed)));
  readonly actors: Actor[] = [];
  /** Which host began each run. */
  readonly hosts = new Map<SnapshotId, number>();
  /** Ids of cards that were put, for events that come late, twice or never. */
  readonly events: SnapshotId[] = [];
  /** Ends where an operator overrides all brakes for good. */
  guarded: boolean;
  readonly writer: string;
  readonly seen: ProtocolObserver;
  /** A second vault, which copies go to, with keepers of its own. */
  readonly copy = memoryStore(() => this.now);
  readonly copyStore: Store & Deleter;
  readonly copySeen: ProtocolObserver;
  readonly #lock: number;
  readonly #memory = makeIndexMemory({ monotonic: () => this.now });
  #count = 0;
  #unpins = 0;
  #rotations = 0;
  /** Cards that lie damaged: what they were. */
  readonly #hurt = new Map<SnapshotId, { readonly bytes: Uint8Array; readonly receivedAt: number }>();

  constructor(setting: WorldSetting = { guarded: false, lock: 0 }) {
    this.guarded = setting.guarded;
    this.#lock = setting.lock;
    const key = publicKeyOf(signingKey(1));
    this.writer = writerOf(key);
    const bytes = encodeNodeJson({ format: 1, ...SCOPE, profile: "leveldb", key, created: START });
    this.inner.plant(names.nodeJson(node), bytes);
    this.seen = new ProtocolObserver(
      SCOPE,
      this.inner,
      () => this.now,
      () => this.#guardedSince(),
    );
    this.store = this.#watched(this.inner, this.seen);
    const vaultJson = encodeVaultJson({ format: 1, created: START, min_agent: "0.1.0", min_keeper: "0.1.0" });
    this.inner.plant(names.VAULT_JSON, vaultJson);
    this.copySeen = new ProtocolObserver(
      SCOPE,
      this.copy,
      () => this.now,
      () => null,
      this.seen.violations,
    );
    this.copyStore = this.#watched(this.copy, this.copySeen);
  }

  start(
    kind: Actor["kind"],
    agent: number | null,
    job: (store: Store & Deleter, copy: Store & Deleter) => Promise<unknown>,
  ): Actor {
    const gate = gatedStore(this.store, this.copyStore);
    const actor: Actor = { kind, agent, gate, since: this.now, done: false };
    this.actors.push(actor);
    job(gate.store, gate.other).then(
      () => {
        actor.done = true;
      },
      (error: unknown) => {
        actor.done = true;
        // A job may refuse to go on, but only for a reason that it can tell.
        if (error instanceof Killed || isTold(error)) return;
        this.seen.violations.push(`${kind} ended with ${error instanceof Error ? error.stack : String(error)}`);
      },
    );
    return actor;
  }

  /** With `listed`, the host also takes the snapshot into the index, as the command line does after a backup. */
  backup(agent: number, full: boolean, packs: number, reuse: number, listed = false): Actor | undefined {
    if (this.isBusy(agent)) return undefined;
    const id = this.#nextId();
    this.hosts.set(id, agent);
    return this.start("backup", agent, async (store) => {
      const clock = { now: () => this.now, monotonic: () => this.now };
      const done = await this.agents[agent]?.backup({ store, id, full, packs, reuse, ...clock });
      if (done === null || done === undefined) return;
      const entries = listed ? await this.#takeIn(store, [done]) : [];
      if (listed && agent < STRANGER) this.seen.happened("listed");
      // The command line says so where the vault does not bear out what was put.
      if (entries.every(({ state }) => state === "good")) this.seen.reported.add(done);
    });
  }

  isBusy(agent: number): boolean {
    return this.actors.some((actor) => actor.agent === agent && !actor.done);
  }

  /** The second host wakes up as an image of the first: same key, same memory. */
  clone(): void {
    const [first, second] = this.agents;
    if (this.isBusy(0) || this.isBusy(1) || first === undefined) return;
    second?.becomeLike(first);
    this.seen.happened("cloned");
  }

  /** An event told of these cards: taken in by a function that stays warm, and believes that they have just come. */
  index(ids: readonly SnapshotId[]): Actor {
    // An operator finds what he marks in the index; a story may pin what no index tells of.
    const justCame = !ids.some((id) => this.inner.objects.has(names.mark(node, id, 1)));
    const warm = { justCame, memory: this.#memory };
    return this.start("index", null, (store) => this.#takeIn(store, ids, warm));
  }

  async #takeIn(store: Store, ids: readonly SnapshotId[], warm: Partial<Parameters<typeof indexSnapshots>[0]> = {}) {
    const { index, entries } = await indexSnapshots({ store, node, ids, ...warm });
    this.seen.indexed(index);
    return entries;
  }

  rebuild(): Actor {
    return this.start("rebuild", null, (store) => rebuildIndex({ store, node }));
  }

  retain(last: number, skew: number): Actor {
    const despite = new Set(this.guarded ? [] : (["share", "anomaly", "clock"] as const));
    const now = this.now + skew;
    const tiers = tiersOf(last, this.guarded);
    return this.start("retain", null, (store) =>
      retainSnapshots({ store, ...SCOPE, tiers, apply: true, now, despite }),
    );
  }

  collect(strays: boolean, skew: number): Actor {
    const despite = new Set(this.guarded ? [] : (["clock"] as const));
    const now = this.now + skew;
    return this.start("collect", null, (store) =>
      collectGarbage({ store, ...SCOPE, grace: GRACE, apply: true, now, despite, strays }),
    );
  }

  /** An operator's pin holds from the moment he is told so until he takes it away. */
  pin(snapshot: SnapshotId, pinned: boolean): Actor {
    if (!pinned) this.seen.pinned.delete(snapshot);
    if (!pinned) this.#unpins += 1;
    const before = this.#unpins;
    return this.start("pin", null, async (store) => {
      await markSnapshot({ store, node, snapshot, change: (mark) => ({ ...mark, pinned }) });
      // Of two words at once the later mark holds; nobody was promised which that is.
      if (!pinned) this.seen.pinned.delete(snapshot);
      else if (before === this.#unpins) this.seen.pinned.add(snapshot);
    });
  }

  /** PROTOCOL "RESTORE": the pin, then where the snapshot stands; from then on it must be whole. */
  restore(snapshot: SnapshotId): Actor {
    this.#count += 1;
    const random = String(this.#count);
    return this.start("restore", null, async (store) => {
      const until = await pinForRestore({ store, node, snapshot, now: this.now, random });
      const { expired, going } = await askStanding({ store, node, snapshot });
      if (going) return;
      this.seen.happened(expired === null ? "restored" : "restored expired");
      this.seen.restores.set(snapshot, Math.max(until, this.seen.restores.get(snapshot) ?? 0));
    });
  }

  /**
   * A key rotation: which key files there are is asked by its real code; each is written anew where nobody else did it
   * meanwhile (agent/rekey/rekey-one.ts), with one slot more in place of real keys.
   * @param without the recipient that loses its slots, as with `--remove`.
   */
  rotate(without: string | null = null): Actor {
    this.#rotations += 1;
    const kid = `r${this.#rotations}`;
    return this.start("rotate", null, async (store) => {
      const meant = this.cardIds().filter((id) => !this.seen.damaged.has(id));
      let whole = true;
      for (const id of await findKeyFiles({ ...SCOPE, store }))
        whole = (await changeSlots(store, id, kid, without)) && whole;
      if (whole) this.seen.rotated(kid, meant);
    });
  }

  /** Copies all good snapshots into the second vault, oldest first. */
  copyAll(): Actor {
    return this.start("copy", null, async (from, to) => {
      const good: SnapshotId[] = [];
      for await (const { snapshot, state } of listSnapshots({ store: from, node }))
        if (state === "good") good.unshift(snapshot);
      for await (const { snapshot, outcome } of copySnapshots({ from, to, ...SCOPE, ids: good }))
        if (outcome !== "damaged") this.copySeen.copied(snapshot);
    });
  }

  /** The second vault's own keepers. */
  keepCopy(job: "index" | "retain" | "collect", last: number): Actor {
    const despite = new Set(["share", "anomaly", "clock"] as const);
    return this.start(job, null, async (_, store) => {
      if ((await store.head(names.nodeJson(node))) === null) return;
      const of = { store, ...SCOPE, apply: true, now: this.now } as const;
      if (job === "retain") await retainSnapshots({ ...of, tiers: tiersOf(last), despite });
      else if (job === "collect")
        await collectGarbage({ ...of, grace: GRACE, despite: new Set(["clock"] as const), strays: last % 2 === 0 });
      else this.copySeen.indexed((await rebuildIndex({ store, node })).index);
    });
  }

  /** A hand deletes what can be made anew. */
  loseCaches(all: boolean): void {
    const more = all ? [names.headJson(node), names.backupList(node)] : [];
    for (const name of [names.indexJson(node), ...more]) {
      this.inner.objects.delete(name);
      this.seen.lost(name);
    }
  }

  /** A card becomes unreadable, or says that it is of a newer format; its bytes are put back some time. */
  hurt(id: SnapshotId, newer: boolean): void {
    const name = names.card(node, id);
    const object = this.inner.objects.get(name);
    if (object === undefined || this.#hurt.has(id)) return;
    this.#hurt.set(id, { bytes: object.bytes, receivedAt: object.info.receivedAt });
    this.seen.damaged.add(id);
    this.inner.plant(name, Buffer.from(newer ? '{"core":{"format":2}}' : "rubbish"));
  }

  heal(): void {
    for (const [id, { bytes, receivedAt }] of this.#hurt) {
      if (this.inner.objects.has(names.card(node, id))) this.inner.plant(names.card(node, id), bytes, receivedAt);
      this.events.push(id);
    }
    this.#hurt.clear();
  }

  get isHurt(): boolean {
    return this.#hurt.size > 0;
  }

  /** Lets a process make so many calls. */
  async step(actor: Actor | undefined, calls: number): Promise<void> {
    for (let call = 0; call < calls && actor !== undefined && !actor.done; call += 1) {
      if (actor.gate.waiting === 0) await settled();
      else await actor.gate.step();
    }
  }

  /** Lets every process come to its end. */
  async drain(): Promise<void> {
    for (let calls = 0; calls < 100_000; calls += 1) {
      const actor = this.actors.find(({ done }) => !done);
      if (actor === undefined) return;
      if (actor.gate.waiting === 0) await settled();
      else await actor.gate.step();
    }
    throw new Error("the processes do not come to an end");
  }

  living(): Actor[] {
    return this.actors.filter(({ done }) => !done);
  }

  /** Committed cards that are not on their way out. */
  cardIds(): SnapshotId[] {
    return [...this.seen.staying()].map(({ core }) => core.snapshot);
  }

  /** Whom each key file there is opens to, whether or not a card is beside it. */
  slots(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const [name, { bytes }] of this.inner.objects) {
      if (!name.endsWith(`/${names.KEY_NAME}`)) continue;
      const { snapshot, slots } = JSON.parse(Buffer.from(bytes).toString()) as {
        snapshot: string;
        slots: { kid: string }[];
      };
      found.set(
        snapshot,
        slots.map(({ kid }) => kid),
      );
    }
    return found;
  }

  /** Since when the oldest retention that is under way looks at a guarded vault. */
  #guardedSince(): number | null {
    if (!this.guarded) return null;
    return this.living().reduce(
      (since, { kind, since: at }) => (kind === "retain" ? Math.min(since, at) : since),
      this.now,
    );
  }

  #watched(inner: MemoryStore, seen: ProtocolObserver): Store & Deleter {
    return {
      ...inner,
      create: async (name, body) => {
        const outcome = await inner.create(name, body);
        if (!outcome.created) return outcome;
        seen.created(name, body.bytes);
        const id = name.slice(names.snapshotsFolder(node).length, -names.CARD_SUFFIX.length) as SnapshotId;
        if (seen === this.seen && name.endsWith(names.CARD_SUFFIX) && seen.cards.has(id)) this.events.push(id);
        return outcome;
      },
      replace: async (name, bytes, expected) => {
        const outcome = await inner.replace(name, bytes, expected);
        if (outcome.replaced) seen.replaced(name, bytes);
        return outcome;
      },
      delete: async function* (this: ProtocolWorld, plan: Parameters<Deleter["delete"]>[0]) {
        for (const object of plan.objects) {
          const { name, etag } = object;
          const info = inner.objects.get(name)?.info;
          if (info?.etag !== etag) yield { name, outcome: "gone" as const };
          else if (info.receivedAt + this.#lock > this.now) yield { name, outcome: "locked" as const };
          else {
            seen.aboutToDelete(name);
            yield* inner.delete({ ...plan, objects: [object] });
            seen.deleted(name);
          }
        }
      }.bind(this),
    };
  }

  #nextId(): SnapshotId {
    this.#count += 1;
    const random = Buffer.alloc(8);
    random.writeUInt32BE(this.#count, 4);
    return makeSnapshotId(this.now, random);
  }
}

const TRIES = 5;

/** False where the key file is not there: its snapshot went, or the rotation cannot say that it did all. */
async function changeSlots(store: Store, id: SnapshotId, kid: string, without: string | null): Promise<boolean> {
  const name = names.keyJson(node, id);
  for (let turn = 0; turn < TRIES; turn += 1) {
    const found = await store.get(name);
    if (found === null) return false;
    const file = JSON.parse(Buffer.from(found.bytes).toString()) as {
      generation: number;
      slots: { kid: string }[];
    };
    const slots = [...file.slots.filter((slot) => slot.kid !== without), { id: kid, type: "key", kid, added: START }];
    const next = canonicalBytes({ ...file, generation: file.generation + 1, slots });
    if ((await store.replace(name, next, found.info.etag)).replaced) return true;
  }
  return false;
}

function isTold(error: unknown): boolean {
  return error instanceof Error && error.name === "ColdkeepError" && "kind" in error && error.kind !== "internal";
}
