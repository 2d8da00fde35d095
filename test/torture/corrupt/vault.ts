import { createHash } from "node:crypto";
import { indexSnapshots } from "../../../keeper/index.ts";
import {
  encodeBegin,
  encodeIndex,
  encodePackList,
  type PackListRow,
  parseIndex,
  publicKeyOf,
  writerOf,
} from "../../../vault/card/index.ts";
import { names, type SnapshotId, toHex } from "../../../vault/names/index.ts";
import { type Identity, keyIdentity, keyRecipient } from "../../../vault/sealed/index.ts";
import { type Built, buildSnapshot, type Item, makeNode, type Node } from "../../support/build-snapshot.ts";
import { type MemoryStore, memoryStore } from "../../support/memory-store.ts";
import type { Chance } from "../chance.ts";

const STRETCH = { kdf: "scrypt", salt: Buffer.alloc(32, 3).toString("base64url"), n: 2 ** 14, r: 8, p: 1 } as const;
const NOW = Date.UTC(2026, 0, 15);

/** A vault of two nodes: of the first a snapshot, one on top of it, and one by itself. */
export interface SmallVault {
  readonly store: MemoryStore;
  /** The store's clock. */
  readonly clock: { now: number };
  readonly node: Node;
  /** In the order in which they were made. */
  readonly snapshots: readonly Built[];
  /** A node beside it, in the same archive. */
  readonly other: Node;
  readonly others: readonly Built[];
  /** What each file holds, by snapshot and path. */
  readonly contents: ReadonlyMap<SnapshotId, ReadonlyMap<string, Buffer>>;
  readonly identities: readonly Identity[];
}

export async function makeVault(chance: Chance): Promise<SmallVault> {
  const clock = { now: NOW };
  const store = memoryStore(() => clock.now);
  const source = Buffer.from("a password");
  const recipients = [keyRecipient({ source, stretch: STRETCH })];
  const contents = new Map<SnapshotId, ReadonlyMap<string, Buffer>>();
  const noise = chance.bytes(90_000);
  const files = (more: Readonly<Record<string, Buffer>>) => ({
    "data/CURRENT": Buffer.from("MANIFEST-000005\n"),
    "data/words": Buffer.alloc(150_000, `words and words ${chance.whole(0, 1e9)} `),
    "data/noise": noise,
    ...more,
  });
  async function add(of: Node, made: Readonly<Record<string, Buffer>>, seq: number, parent?: Built): Promise<Built> {
    clock.now += 3_600_000;
    const items: Item[] = [
      { path: "data" },
      ...Object.entries(made).map(([path, bytes]) => ({ path, content: [bytes], secret: path.endsWith("key") })),
    ];
    const built = await buildSnapshot({
      store,
      node: of,
      items,
      recipients,
      seq,
      chunkBytes: 30_000,
      packBytes: 100_000,
      ...(parent === undefined ? {} : { parent }),
      edit: {
        // What a backup writes beside the packs: the list that names them, and their digests.
        core: (core) => {
          const rows: PackListRow[] = [];
          for (const [first, last] of core.origins.find(({ snapshot }) => snapshot === core.snapshot)?.ranges ?? []) {
            for (let index = first; index <= last; index += 1) {
              const bytes = store.objects.get(names.pack(of.name, core.snapshot, index))?.bytes ?? new Uint8Array(0);
              rows.push({ origin: core.snapshot, index, ...sumOf(bytes) });
            }
          }
          const { vault, node, snapshot } = core;
          if (parent !== undefined) {
            const writer = writerOf(publicKeyOf(of.signingKey));
            const begin = { format: 1, vault, node, snapshot, writer, parent: parent.snapshot, adopts: [] } as const;
            store.plant(names.begin(node, snapshot), encodeBegin(begin));
          }
          const list = encodePackList({ format: 1, vault, node, snapshot, rows });
          store.plant(names.packList(node, snapshot, 0), list);
          return { ...core, pack_lists: [{ name: names.packListName(0), ...sumOf(list) }] };
        },
      },
    });
    contents.set(built.snapshot, new Map(Object.entries(made)));
    return built;
  }
  const node = makeNode("icon");
  const other = makeNode("other");
  const first = await add(node, files({ "data/key": Buffer.from("a secret") }), 1);
  const second = await add(node, files({ "data/more": chance.bytes(40_000) }), 2, first);
  const third = await add(node, { "data/alone": chance.bytes(70_000) }, 3);
  const foreign = await add(other, files({}), 1);
  const younger = await add(other, { "data/alone": chance.bytes(40_000) }, 2);
  await indexSnapshots({ store, node: node.name, ids: [first, second, third].map(({ snapshot }) => snapshot) });
  await indexSnapshots({ store, node: other.name, ids: [foreign, younger].map(({ snapshot }) => snapshot) });
  await closeMonth(store, node);
  const made = { snapshots: [first, second, third], other, others: [foreign, younger] };
  return { store, clock, node, ...made, contents, identities: [keyIdentity(source)] };
}

/** As where there are more than index.json holds: its oldest entry lies in the file of its month alone. */
async function closeMonth(store: MemoryStore, node: Node): Promise<void> {
  const name = names.indexJson(node.name);
  const index = parseIndex(store.objects.get(name)?.bytes ?? new Uint8Array(0), { node: node.name });
  const month = new Date(NOW).toISOString().slice(0, 7);
  const [oldest, ...others] = index.snapshots.toReversed();
  if (oldest === undefined) throw new Error("the index is empty");
  store.plant(names.indexMonth(node.name, month), encodeIndex({ ...index, snapshots: [oldest], months: [] }));
  store.plant(name, encodeIndex({ ...index, snapshots: others.toReversed(), months: [month] }));
}

function sumOf(bytes: Uint8Array) {
  return { size: bytes.length, sha256: toHex(createHash("sha256").update(bytes).digest()) };
}
