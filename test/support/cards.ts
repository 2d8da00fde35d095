import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import {
  type Card,
  type CardCore,
  type CardOrigin,
  canonicalBytes,
  encodeBegin,
  encodeCard,
  encodeNodeJson,
  encodePackList,
  type Heights,
  type PackListRow,
  publicKeyOf,
  signCard,
  signClosingCard,
  sumOf,
  writerOf,
} from "../../vault/card/index.ts";
import {
  makeSnapshotId,
  makeVaultId,
  type NodeName,
  names,
  type SnapshotId,
  toBase64url,
  toNodeName,
  type VaultId,
} from "../../vault/names/index.ts";
import type { Creator } from "../../vault/store/facets.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";

/** 2026-01-01T00:00:00Z: where these stories begin. */
export const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

/** A host's card-signing key, the same for the same seed. */
export function signingKey(seed: number): KeyObject {
  // PKCS #8 prefix of an Ed25519 key (RFC 8410 section 7), then 32 bytes of seed.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

export interface SnapshotOptions {
  /** When it begins, by the store's clock; default: an hour after the one before. */
  readonly at?: number;
  /** Time in the id, where the host's clock is another. */
  readonly idTime?: number;
  /** From begin to card. */
  readonly took?: number;
  readonly parent?: SnapshotId;
  readonly begun?: { readonly parent?: SnapshotId };
  readonly adopts?: readonly SnapshotId[];
  /** How many packs it writes itself. Default 2. */
  readonly packs?: number;
  /** Packs of others it uses. */
  readonly inherited?: readonly CardOrigin[];
  /** Rows for packs of adopted runs. */
  readonly adoptedRows?: readonly PackListRow[];
  readonly heights?: Heights;
  readonly key?: KeyObject;
  readonly seq?: number;
  readonly change?: (core: CardCore) => CardCore;
  /** Leaves these out, by short name ("key.json", "00001.pack") or "begin", "card". */
  readonly without?: readonly string[];
}

/** A node in a memory store whose objects are put as a real host would, with packs of plain noise. */
export interface CardWorld {
  readonly store: MemoryStore;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly key: KeyObject;
  /** The store's clock; move it by assigning. */
  now: number;
  snapshot(options?: SnapshotOptions): Promise<Card>;
  /** A run that never committed: begin and packs. Gives its id and the rows of its packs. */
  deadRun(options?: SnapshotOptions): Promise<{ readonly id: SnapshotId; readonly rows: readonly PackListRow[] }>;
  /** Closes a dead run in favour of another. */
  adopt(run: SnapshotId, by: SnapshotId, key?: KeyObject): Promise<void>;
  nextId(time: number): SnapshotId;
}

export async function cardWorld(name = "icon"): Promise<CardWorld> {
  const clock = { now: START };
  const store = memoryStore(() => clock.now);
  const vault = makeVaultId(Buffer.alloc(16, 7));
  const node = toNodeName(name);
  const key = signingKey(1);
  let count = 0;
  let seq = 0;
  let last = START;

  const put = (object: string, bytes: Uint8Array) => putObject(store, object, bytes);
  await put(
    names.nodeJson(node),
    encodeNodeJson({ format: 1, vault, node, profile: "leveldb", key: publicKeyOf(key), created: START }),
  );

  const nextId = (time: number) => {
    count += 1;
    const random = Buffer.alloc(8);
    random.writeUInt32BE(count, 4);
    return makeSnapshotId(time, random);
  };

  async function begin(id: SnapshotId, options: SnapshotOptions) {
    const { parent, adopts = [], without = [], key: signer = key } = options;
    const told = options.begun === undefined ? parent : options.begun.parent;
    const writer = writerOf(publicKeyOf(signer));
    const bytes = encodeBegin({
      format: 1,
      vault,
      node,
      snapshot: id,
      writer,
      ...(told === undefined ? {} : { parent: told }),
      adopts,
    });
    if (!without.includes("begin")) await put(names.begin(node, id), bytes);
  }

  async function packs(id: SnapshotId, options: SnapshotOptions): Promise<PackListRow[]> {
    const { packs: number = 2, without = [] } = options;
    const rows: PackListRow[] = [];
    for (let index = 0; index < number; index += 1) {
      const bytes = Buffer.from(`pack ${index} of ${id} `.repeat(3 + index));
      rows.push({ origin: id, index, ...sumOf(bytes) });
      if (!without.includes(names.packName(index))) await put(names.pack(node, id, index), bytes);
    }
    return rows;
  }

  function start(options: SnapshotOptions): SnapshotId {
    const at = options.at ?? last + HOUR;
    last = at;
    clock.now = at;
    return nextId(options.idTime ?? at);
  }

  const world: CardWorld = {
    store,
    vault,
    node,
    key,
    nextId,
    get now() {
      return clock.now;
    },
    set now(time: number) {
      clock.now = time;
    },
    async deadRun(options = {}) {
      const id = start(options);
      await begin(id, options);
      return { id, rows: await packs(id, options) };
    },
    async adopt(run, by, signer = key) {
      await put(names.card(node, run), encodeCard(signClosingCard({ vault, node, snapshot: run, by }, signer)));
    },
    async snapshot(options = {}) {
      const id = start(options);
      const { without = [], key: signer = key, inherited = [] } = options;
      await begin(id, options);
      const commit = toBase64url(createHash("sha256").update(id).digest());
      const keyFile = keyJson(vault, node, id, commit);
      if (!without.includes("key.json")) await put(names.keyJson(node, id), keyFile);
      const own = await packs(id, options);
      const rows = [...own, ...(options.adoptedRows ?? [])];
      const list = encodePackList({ format: 1, vault, node, snapshot: id, rows });
      const listName = names.packListName(0);
      if (!without.includes(listName)) await put(names.packList(node, id, 0), list);
      const manifest = Buffer.from(`sealed manifest of ${id}`);
      if (!without.includes("manifest")) await put(names.manifest(node, id), manifest);
      seq = options.seq ?? seq + 1;
      const ownOrigin: CardOrigin[] = own.length === 0 ? [] : [{ snapshot: id, ranges: [[0, own.length - 1]] }];
      const core: CardCore = {
        format: 1,
        state: "committed",
        vault,
        node,
        snapshot: id,
        suite: "aes-256-gcm",
        commit,
        seq,
        ...(options.parent === undefined ? {} : { parent: options.parent }),
        started: START,
        captured: START,
        profile: "leveldb",
        ...(options.heights === undefined ? {} : { heights: options.heights }),
        tags: [],
        bytes: { total: 1000, added: 100, stored: 50, files: 3 },
        manifest: sumOf(manifest),
        pack_lists: rows.length === 0 ? [] : [{ name: listName, ...sumOf(list) }],
        origins: [...inherited, ...ownOrigin],
      };
      clock.now += options.took ?? 60_000;
      const card = signCard(options.change?.(core) ?? core, Buffer.alloc(32, 9), signer);
      if (!without.includes("card")) await put(names.card(node, id), encodeCard(card));
      return card;
    },
  };
  return world;
}

/** A key.json as its outside is: what is in its slots is nobody's business here. */
export function keyJson(vault: VaultId, node: NodeName, id: SnapshotId, commit: string): Uint8Array {
  const slot = { id: "s1", type: "key", kid: "k", added: START };
  return canonicalBytes({
    format: 1,
    vault,
    node,
    snapshot: id,
    suite: "aes-256-gcm",
    commit,
    generation: 1,
    slots: [slot],
    mac: toBase64url(Buffer.alloc(32, 3)),
  });
}

export async function putObject(store: Creator, name: string, bytes: Uint8Array): Promise<void> {
  const outcome = await store.create(name, hashed(bytes));
  if (!outcome.created) throw new Error(`${name} is there already`);
}

/** Everything a card's snapshot uses, for a child that goes on from it. */
export function usesOf(card: Card): readonly CardOrigin[] {
  return card.core.origins;
}
