import { createHash, type KeyObject } from "node:crypto";
import {
  type CardCore,
  type CardOrigin,
  encodeBegin,
  encodeCard,
  encodePackList,
  type PackListRow,
  parseHead,
  publicKeyOf,
  signCard,
  signClosingCard,
  sumOf,
  writerOf,
} from "../../vault/card/index.ts";
import {
  type NodeName,
  names,
  parseSnapshotId,
  type SnapshotId,
  toBase64url,
  type VaultId,
} from "../../vault/names/index.ts";
import type { Creator, Reader } from "../../vault/store/facets.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { keyJson, START } from "./cards.ts";

/** What a host remembers of a run on its own disk. */
interface LocalRun {
  readonly id: SnapshotId;
  readonly adopts: readonly SnapshotId[];
  readonly rows: PackListRow[];
  origins: readonly CardOrigin[] | null;
}

export interface RunOptions {
  readonly store: Reader & Creator;
  readonly id: SnapshotId;
  readonly full: boolean;
  readonly packs: number;
  /** Which of the packs that could be used again are. */
  readonly reuse: number;
  /** The host's clock, and the one that never goes back; milliseconds. */
  readonly now: () => number;
  readonly monotonic: () => number;
}

const L = 3 * 86_400_000;
const BEGIN_LIMIT = 60_000;
/** Dead runs that are older are not taken over (agent/backup/limits.ts). */
const ADOPT_LIMIT = 5 * 86_400_000;

/**
 * A thin model of the agent: no node, no files, no encryption, but every object of the commit protocol in its order
 * (docs/FORMAT.md, section 9), with the real encoders and signatures, and the memory that survives a crash.
 */
export class ProtocolAgent {
  readonly scope: { readonly vault: VaultId; readonly node: NodeName };
  readonly key: KeyObject;
  /** Oldest first. */
  #runs: LocalRun[] = [];
  #seq = 0;

  constructor(scope: ProtocolAgent["scope"], key: KeyObject) {
    this.scope = scope;
    this.key = key;
  }

  /** Takes over the whole memory of another host, as a machine made of an image of it does. */
  becomeLike(other: ProtocolAgent): void {
    this.#runs = structuredClone(other.#runs);
    this.#seq = other.#seq;
  }

  /** Gives the id where the card was put, null where the run was given up. */
  async backup(o: RunOptions): Promise<SnapshotId | null> {
    const { vault, node } = this.scope;
    const { id, store } = o;
    const began = o.monotonic();
    const parent = o.full ? null : await this.#parent(store);
    const dead = o.full ? [] : this.#dead(parent, o.now());
    this.#seq += 1;
    const seq = this.#seq;
    const run: LocalRun = { id, adopts: dead.map((one) => one.id), rows: [], origins: null };
    this.#runs.push(run);
    const adopted: LocalRun[] = [];
    for (const one of dead) {
      const by = adopted.findLast(({ adopts }) => adopts.includes(one.id))?.id ?? id;
      const closing = encodeCard(signClosingCard({ vault, node, snapshot: one.id, by }, this.key));
      if (await putNew(store, names.card(node, one.id), closing)) adopted.push(one);
    }
    if (o.monotonic() - began > BEGIN_LIMIT) return null;
    const writer = writerOf(publicKeyOf(this.key));
    const said = { format: 1, vault, node, snapshot: id, writer, adopts: adopted.map((one) => one.id) } as const;
    const begin = encodeBegin({ ...said, ...(parent === null ? {} : { parent: parent.id }) });
    if (!(await putNew(store, names.begin(node, id), begin))) return null;

    const commit = toBase64url(createHash("sha256").update(id).digest());
    await putNew(store, names.keyJson(node, id), keyJson(vault, node, id, commit));
    for (let index = 0; index < o.packs; index += 1) {
      const bytes = Buffer.from(`pack ${index} of ${id}`);
      if (!(await putNew(store, names.pack(node, id, index), bytes))) return null;
      run.rows.push({ origin: id, index, ...sumOf(bytes) });
    }
    const inherited = (parent?.origins ?? []).filter((_, at) => ((o.reuse >> (at % 8)) & 1) === 1);
    const taken = adopted.flatMap((one) => one.rows).filter((_, at) => ((o.reuse >> (at % 5)) & 2) === 2);
    const rows = [...run.rows, ...taken];
    const origins = [...inherited, ...originsOf(rows)];
    const list = encodePackList({ format: 1, vault, node, snapshot: id, rows });
    await putNew(store, names.packList(node, id, 0), list);
    const manifest = Buffer.from(`sealed manifest of ${id}`);
    await putNew(store, names.manifest(node, id), manifest);
    if (parent !== null && o.monotonic() - began > L) return null;
    const core: CardCore = {
      format: 1,
      state: "committed",
      vault,
      node,
      snapshot: id,
      suite: "aes-256-gcm",
      commit,
      seq,
      ...(parent === null ? {} : { parent: parent.id }),
      started: START,
      captured: START,
      profile: "leveldb",
      tags: [],
      bytes: { total: 1000, added: 100, stored: 50, files: 3 },
      manifest: sumOf(manifest),
      pack_lists: rows.length === 0 ? [] : [{ name: names.packListName(0), ...sumOf(list) }],
      origins,
    };
    run.origins = origins;
    const card = encodeCard(signCard(core, Buffer.alloc(32, 9), this.key));
    if (!(await putNew(store, names.card(node, id), card))) return null;
    // A host that slept in the middle of that call cannot say that it was in time.
    return parent !== null && o.monotonic() - began > L ? null : id;
  }

  /** Its newest good snapshot by the vault's word, where it knows it itself. */
  async #parent(store: Reader): Promise<{ readonly id: SnapshotId; readonly origins: readonly CardOrigin[] } | null> {
    const object = await store.get(names.headJson(this.scope.node));
    if (object === null) return null;
    const good = parseHead(object.bytes, this.scope).writers[writerOf(publicKeyOf(this.key))]?.good;
    const run = this.#runs.find(({ id }) => id === good);
    return run === undefined || run.origins === null ? null : { id: run.id, origins: run.origins };
  }

  /** Runs after the parent that may have been cut off, newest first. Whether one committed, its card's name tells. */
  #dead(parent: { readonly id: SnapshotId } | null, now: number): LocalRun[] {
    const at = this.#runs.findIndex(({ id }) => id === parent?.id);
    const isYoung = ({ id }: LocalRun) => now - (parseSnapshotId(id)?.time ?? 0) <= ADOPT_LIMIT;
    return this.#runs
      .slice(at + 1)
      .filter(isYoung)
      .reverse();
  }
}

/** True where the object is there and ours. */
async function putNew(store: Creator, name: string, bytes: Uint8Array): Promise<boolean> {
  const outcome = await store.create(name, hashed(bytes));
  return outcome.created || outcome.same;
}

function originsOf(rows: readonly PackListRow[]): CardOrigin[] {
  const indexes = new Map<SnapshotId, number[]>();
  for (const { origin, index } of rows) indexes.set(origin, [...(indexes.get(origin) ?? []), index]);
  return [...indexes].map(([snapshot, found]) => {
    const ranges: [number, number][] = [];
    for (const index of found.sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last !== undefined && last[1] + 1 === index) last[1] = index;
      else ranges.push([index, index]);
    }
    return { snapshot, ranges };
  });
}
