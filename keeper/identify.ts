import { type CardCore, isCommitted, MAX_PACK_LISTS, MAX_PACKS } from "../vault/card/index.ts";
import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Lister, Reader } from "../vault/store/facets.ts";
import { makePackRecords, type ToldPacks } from "./pack-records.ts";
import type { NodeScope } from "./read.ts";
import { cardIds } from "./scan-names.ts";

/** Which object of the node has this digest (SHA-256, hex), by what cards and lists record; null where none does. */
export type Identify = (sha256: string) => Promise<string | null>;

/**
 * Asked only where something is damaged. Then all cards and lists there are, are read once a job: where one object is
 * not what it should be, many may be.
 */
export function makeIdentify(store: Reader & Lister, scope: NodeScope, signal?: AbortSignal): Identify {
  let recorded: Promise<RecordedDigests> | null = null;
  return async (sha256) => {
    recorded ??= readAll(store, scope, signal);
    return (await recorded).find(sha256);
  };
}

async function readAll(store: Reader & Lister, scope: NodeScope, signal?: AbortSignal): Promise<RecordedDigests> {
  // Its own, so that the job forgets nothing of what it is at; none comes twice.
  const records = makePackRecords(store, scope, 0);
  const recorded = new RecordedDigests(scope);
  const seen = new Set<SnapshotId>();
  for (const id of await cardIds(store, scope.node)) {
    signal?.throwIfAborted();
    const read = await records.card(id);
    if (read.found !== "it" || !isCommitted(read.value)) continue;
    const { core } = read.value;
    recorded.addCard(core);
    recorded.addTold(await records.toldBy(core));
    seen.add(core.snapshot);
    for (const { snapshot } of core.origins) {
      if (seen.has(snapshot)) continue;
      seen.add(snapshot);
      const told = await records.toldOf(snapshot);
      // Others are told of with their own card.
      if (typeof told !== "string" && told.note !== null) recorded.addTold(told);
    }
  }
  return recorded;
}

/** What a number stands for that is too large for a pack's. */
const MANIFEST = MAX_PACKS;
const FIRST_LIST = MANIFEST + 1;
const NUMBERS = FIRST_LIST + MAX_PACK_LISTS;

/** By digest as a text of its bytes, which takes half of what hex does: a history may have a million packs. */
class RecordedDigests {
  readonly #scope: NodeScope;
  readonly #owners: SnapshotId[] = [];
  readonly #places = new Map<string, number>();

  constructor(scope: NodeScope) {
    this.#scope = scope;
  }

  addCard({ snapshot, manifest, pack_lists }: CardCore): void {
    const owner = this.#ownerOf(snapshot);
    this.#add(owner, MANIFEST, manifest.sha256);
    for (const [at, { sha256 }] of pack_lists.entries()) this.#add(owner, FIRST_LIST + at, sha256);
  }

  addTold({ rows }: ToldPacks): void {
    for (const one of rows) {
      const owner = this.#ownerOf(one.origin);
      for (let slot = 0; slot < one.length; slot += 1) {
        const { index, sha256 } = one.rowAt(slot);
        this.#add(owner, index, sha256);
      }
    }
  }

  find(sha256: string): string | null {
    const place = this.#places.get(bytesOf(sha256));
    if (place === undefined) return null;
    const owner = this.#owners[Math.floor(place / NUMBERS)] as SnapshotId;
    const number = place % NUMBERS;
    const { node } = this.#scope;
    if (number === MANIFEST) return names.manifest(node, owner);
    return number < MANIFEST ? names.pack(node, owner, number) : names.packList(node, owner, number - FIRST_LIST);
  }

  #ownerOf(id: SnapshotId): number {
    if (this.#owners.at(-1) !== id) this.#owners.push(id);
    return this.#owners.length - 1;
  }

  /** The first that has a digest counts. */
  #add(owner: number, number: number, sha256: string): void {
    const bytes = bytesOf(sha256);
    if (!this.#places.has(bytes)) this.#places.set(bytes, owner * NUMBERS + number);
  }
}

function bytesOf(hex: string): string {
  return Buffer.from(hex, "hex").toString("latin1");
}
