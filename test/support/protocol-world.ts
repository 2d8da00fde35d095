import { createHash } from "node:crypto";
import { collectGarbage, indexSnapshots, markSnapshot, rebuildIndex, retainSnapshots } from "../../keeper/index.ts";
import {
  type CardCore,
  encodeNodeJson,
  encodePin,
  isCommitted,
  parseCard,
  parseFate,
  publicKeyOf,
} from "../../vault/card/index.ts";
import { makeSnapshotId, makeVaultId, names, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import type { Tiers } from "../../vault/retain/index.ts";
import type { Deleter, Store } from "../../vault/store/facets.ts";
import { START, signingKey } from "./cards.ts";
import { type Gate, gatedStore, Killed, settled } from "./gated-store.ts";
import { memoryStore } from "./memory-store.ts";
import { ProtocolAgent } from "./protocol-agent.ts";

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
const GRACE = 7 * DAY;
const L = 3 * DAY;
const SCOPE = { vault: makeVaultId(Buffer.alloc(16, 7)), node: toNodeName("icon") };
const { node } = SCOPE;
const DATA = /^icon\/data\/([^/]+)\/(.+)$/;

/** A process: it goes on one call of the store at a time, and may be killed at each. */
interface Actor {
  readonly kind: "backup" | "index" | "retain" | "collect" | "rebuild";
  readonly agent: number | null;
  readonly gate: Gate;
  done: boolean;
}

export function tiersOf(last: number): Tiers {
  return { keep: { last }, within: {}, tags: [], timezone: "UTC", floor: 0, grace: GRACE };
}

/**
 * Several hosts and keepers over one store. Each does its job with the real code of the keeper, or the model of the
 * agent; the story decides whose next call comes, who dies at it, which events are lost, and how the time goes. What
 * must hold at every moment is looked at with every change of the store.
 */
export class ProtocolWorld {
  now = START;
  readonly store: Store & Deleter;
  readonly inner = memoryStore(() => this.now);
  readonly agents = [signingKey(1), signingKey(1), signingKey(2)].map((key) => new ProtocolAgent(SCOPE, key));
  readonly actors: Actor[] = [];
  /** Ids of cards that were put, for events that come late, twice or never. */
  readonly events: SnapshotId[] = [];
  readonly violations: string[] = [];
  /** Snapshots that an index has called good. */
  readonly everGood = new Set<SnapshotId>();
  /** Restores that began on an unexpired snapshot: until when their pin holds. */
  readonly restores = new Map<SnapshotId, number>();
  /** How often each thing happened, so that stories without any are noticed. */
  readonly tally = new Map<string, number>();
  /** Digests of all that ever lay under a name. */
  readonly #digests = new Map<string, string>();
  #count = 0;

  constructor() {
    const key = publicKeyOf(signingKey(1));
    const bytes = encodeNodeJson({ format: 1, ...SCOPE, profile: "leveldb", key, created: START });
    this.inner.plant(names.nodeJson(node), bytes);
    this.store = this.#watched();
  }

  start(kind: Actor["kind"], agent: number | null, job: (store: Store & Deleter) => Promise<unknown>): void {
    const gate = gatedStore(this.store);
    const actor: Actor = { kind, agent, gate, done: false };
    this.actors.push(actor);
    job(gate.store).then(
      () => {
        actor.done = true;
      },
      (error: unknown) => {
        actor.done = true;
        // A job may refuse to go on, but only for a reason that it can tell.
        if (error instanceof Killed || isTold(error)) return;
        this.violations.push(`${kind} ended with ${error instanceof Error ? error.stack : String(error)}`);
      },
    );
  }

  /** With `listed`, the host also takes the snapshot into the index, as the command line does after a backup. */
  backup(agent: number, full: boolean, packs: number, reuse: number, listed = false): void {
    if (this.actors.some((actor) => actor.agent === agent && !actor.done)) return;
    const id = this.#nextId();
    this.start("backup", agent, async (store) => {
      const host = this.agents[agent];
      const done = await host?.backup({ store, id, full, packs, reuse, monotonic: () => this.now });
      if (!listed || done === null || done === undefined) return;
      if (agent !== 2) this.#happened("listed");
      await this.#takeIn(store, [done]);
    });
  }

  index(ids: readonly SnapshotId[]): void {
    this.start("index", null, (store) => this.#takeIn(store, ids));
  }

  async #takeIn(store: Store, ids: readonly SnapshotId[]): Promise<void> {
    const { index } = await indexSnapshots({ store, node, ids });
    for (const { snapshot, state } of index.snapshots) if (state === "good") this.everGood.add(snapshot);
  }

  rebuild(): void {
    this.start("rebuild", null, (store) => rebuildIndex({ store, node }));
  }

  retain(last: number, skew: number): void {
    const despite = new Set(["share", "anomaly", "clock"] as const);
    const now = this.now + skew;
    this.start("retain", null, (store) =>
      retainSnapshots({ store, ...SCOPE, tiers: tiersOf(last), apply: true, now, despite }),
    );
  }

  collect(strays: boolean, skew: number): void {
    const despite = new Set(["clock"] as const);
    const now = this.now + skew;
    this.start("collect", null, (store) =>
      collectGarbage({ store, ...SCOPE, grace: GRACE, apply: true, now, despite, strays }),
    );
  }

  pin(snapshot: SnapshotId, pinned: boolean): void {
    this.start("index", null, (store) =>
      markSnapshot({ store, node, snapshot, change: (mark) => ({ ...mark, pinned }) }),
    );
  }

  /** PROTOCOL "RESTORE": the pin first, then a look whether the snapshot is expired. */
  async restore(snapshot: SnapshotId, days: number): Promise<void> {
    const until = this.now + days * DAY;
    this.#count += 1;
    const pin = encodePin({ format: 1, ...SCOPE, snapshot, until });
    this.inner.plant(names.pin(node, snapshot, String(this.#count)), pin, this.now);
    if (this.#expiredRound(snapshot) === 0)
      this.restores.set(snapshot, Math.max(until, this.restores.get(snapshot) ?? 0));
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
  *cores(): Generator<CardCore> {
    for (const [name, { bytes }] of this.inner.objects) {
      if (!name.endsWith(names.CARD_SUFFIX)) continue;
      const card = parseCard(bytes, SCOPE);
      if (isCommitted(card) && this.fateOf(card.core.snapshot) !== "collect") yield card.core;
    }
  }

  cardIds(): SnapshotId[] {
    return [...this.cores()].map(({ snapshot }) => snapshot);
  }

  fateOf(id: SnapshotId): string | null {
    const round = this.#expiredRound(id, true);
    const fate = this.inner.objects.get(names.fate(node, id, round));
    return fate === undefined ? null : parseFate(fate.bytes).fate;
  }

  /** Whether all that a snapshot needs is there, byte for byte. */
  missingOf(core: CardCore): string[] {
    const wanted = [names.manifest(node, core.snapshot)];
    for (const { snapshot, ranges } of core.origins) {
      wanted.push(names.keyJson(node, snapshot));
      for (const [first, last] of ranges) {
        for (let index = first; index <= last; index += 1) wanted.push(names.pack(node, snapshot, index));
      }
    }
    return wanted.filter((name) => !this.inner.objects.has(name));
  }

  /** I1, I9: what was ever good and is not being collected is whole. */
  check(): void {
    for (const core of this.cores()) {
      if (!this.everGood.has(core.snapshot)) continue;
      const missing = this.missingOf(core);
      if (missing.length > 0) this.violations.push(`I1: ${core.snapshot} lacks ${missing[0]}`);
    }
    for (const [id, until] of this.restores) {
      if (until > this.now && !this.inner.objects.has(names.card(node, id))) {
        this.violations.push(`I9: ${id} went while a restore had it pinned`);
      }
    }
  }

  #watched(): Store & Deleter {
    const { inner } = this;
    const put = (name: string, bytes: Uint8Array) => {
      const digest = createHash("sha256").update(bytes).digest("hex");
      const before = this.#digests.get(name);
      const isCard = name.endsWith(names.CARD_SUFFIX);
      // What was collected may be closed once more by a host that never heard of it, but never commits.
      const once = DATA.test(name) || (isCard && isCommitted(parseCard(bytes, SCOPE)));
      if (once && before !== undefined && before !== digest) this.violations.push(`I3, I4: ${name} held two things`);
      this.#digests.set(name, digest);
    };
    return {
      ...inner,
      create: async (name, body) => {
        const outcome = await inner.create(name, body);
        if (!outcome.created) return outcome;
        put(name, body.bytes);
        if (name.endsWith(names.CARD_SUFFIX)) this.#cardPut(body.bytes);
        if (/\.fate\.\d+\.json$/.test(name)) this.#fatePut(name, body.bytes);
        return outcome;
      },
      delete: async function* (this: ProtocolWorld, plan: Parameters<Deleter["delete"]>[0]) {
        for (const object of plan.objects) {
          this.#aboutToDelete(object.name);
          yield* inner.delete({ ...plan, objects: [object] });
        }
      }.bind(this),
    };
  }

  #cardPut(bytes: Uint8Array): void {
    const card = parseCard(bytes, SCOPE);
    if (isCommitted(card)) this.events.push(card.core.snapshot);
    if (isCommitted(card) && card.core.origins.some((one) => one.snapshot !== card.core.snapshot))
      this.#happened("shared");
    this.#happened(isCommitted(card) ? "committed" : card.state);
  }

  #happened(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  /** I8: from the marker to the word that it goes takes a grace at least, by the store's clock. */
  #fatePut(name: string, bytes: Uint8Array): void {
    const { fate, snapshot, round } = parseFate(bytes);
    this.#happened(fate);
    const since = this.inner.objects.get(names.expired(node, snapshot, round))?.info.receivedAt;
    if (fate === "collect" && (since === undefined || this.now - since < GRACE))
      this.violations.push(`I8: ${name} comes too early`);
  }

  /** I2: whatever goes is used by no card that stays, and by no running restore. */
  #aboutToDelete(name: string): void {
    const [, id = "", short = ""] = DATA.exec(name) ?? [];
    this.#happened(short === "" ? "record deleted" : "data deleted");
    const index = /^(\d{5})\.pack$/.exec(short)?.[1];
    for (const core of this.cores()) {
      const used = core.origins.find(({ snapshot }) => snapshot === id);
      const own = core.snapshot === id && (short === names.MANIFEST_NAME || short === names.KEY_NAME);
      const isKey = short === names.KEY_NAME && used !== undefined;
      const isPack =
        index !== undefined && used?.ranges.some(([from, to]) => from <= Number(index) && Number(index) <= to);
      if (own || isKey || isPack) this.violations.push(`I2: ${name} is deleted, ${core.snapshot} uses it`);
    }
    if (
      id !== "" &&
      this.inner.objects.has(names.begin(node, id as SnapshotId)) &&
      !this.inner.objects.has(names.card(node, id as SnapshotId))
    ) {
      // A run that is open, unless its fate was decided: then its card went before.
      if (this.fateOf(id as SnapshotId) !== "collect") this.violations.push(`I2: ${name} of an open run is deleted`);
    }
  }

  #expiredRound(id: SnapshotId, all = false): number {
    let round = 0;
    while (
      this.inner.objects.has(names.expired(node, id, round + 1)) ||
      this.inner.objects.has(names.fate(node, id, round + 1))
    )
      round += 1;
    if (all || round === 0) return round;
    return this.fateOf(id) === "rescued" ? 0 : round;
  }

  #nextId(): SnapshotId {
    this.#count += 1;
    const random = Buffer.alloc(8);
    random.writeUInt32BE(this.#count, 4);
    return makeSnapshotId(this.now, random);
  }

  /** Whether a run took longer than one with a parent may. */
  tookTooLong(core: CardCore): boolean {
    const begin = this.inner.objects.get(names.begin(node, core.snapshot))?.info.receivedAt ?? 0;
    const card = this.inner.objects.get(names.card(node, core.snapshot))?.info.receivedAt ?? 0;
    return core.parent !== undefined && card - begin > L;
  }
}

function isTold(error: unknown): boolean {
  return error instanceof Error && error.name === "ColdkeepError" && "kind" in error && error.kind !== "internal";
}
