import {
  type Begin,
  type CardCore,
  type CardOrigin,
  type ClosingCard,
  isCommitted,
  type NodeJson,
  verifyClosingSignature,
} from "../vault/card/index.ts";
import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Judge } from "./evaluate.ts";
import { listRows } from "./pack-lists.ts";
import { countPacks, PacksLeft, slicePacks } from "./packs-left.ts";
import { firstPackDamage, listPacks, type PackSaid } from "./packs-present.ts";
import { countRanges, firstNotCovered, indexesOf, rangesOf } from "./ranges.ts";
import { isMismatch, readCard } from "./read.ts";
import { MAX_ADOPTIONS } from "./rules.ts";

/**
 * Every pack it uses must be its own, taken over from a dead run, or vouched for by its parent.
 * @param parent null where it has none, or one that is gone
 */
export async function usesFault(
  on: Judge,
  core: CardCore,
  begin: Begin,
  parent: CardCore | null,
): Promise<string | null> {
  const adopted = new Set<SnapshotId>();
  for (const run of begin.adopts) if (await isAdopted(on, run, core.snapshot)) adopted.add(run);
  const isNew = (id: SnapshotId) => id === core.snapshot || adopted.has(id);
  const inherited = core.origins.filter(({ snapshot }) => !isNew(snapshot));
  return (
    (await inheritedFault(on, core, inherited, parent)) ??
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

async function inheritedFault(
  on: Judge,
  core: CardCore,
  inherited: readonly CardOrigin[],
  parent: CardCore | null,
): Promise<string | null> {
  const [first] = inherited;
  if (first === undefined) return null;
  if (core.parent === undefined) return `it uses packs of ${first.snapshot} and has no parent`;
  for (const { snapshot, ranges } of inherited) {
    if (parent !== null) {
      const index = firstNotCovered(ranges, rangesOf(parent.origins, snapshot));
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
  const packs = new Map(fresh.map(({ snapshot }) => [snapshot, new Map<number, PackSaid>()]));
  const own = new Map<SnapshotId, number>();
  for await (const row of listRows(on.store, on.scope, core, ({ object, detail }) => {
    fault ??= `${object}: ${detail}`;
  })) {
    const ranges = rangesOf(fresh, row.origin);
    // A pack that was put and is not used any more may be listed; what is used must be.
    if (firstNotCovered([[row.index, row.index]], ranges) !== null) continue;
    const said = packs.get(row.origin);
    if (said?.has(row.index)) return `${names.packName(row.index)} of ${row.origin} is listed twice`;
    said?.set(row.index, { size: row.size, sha256: row.sha256 });
    own.set(row.origin, (own.get(row.origin) ?? 0) + 1);
  }
  if (fault !== null) return fault;
  for (const { snapshot, ranges } of fresh) {
    if (countRanges(ranges) === (own.get(snapshot) ?? 0)) continue;
    const said = packs.get(snapshot);
    for (const index of indexesOf(ranges)) {
      if (!said?.has(index)) return `it uses ${names.packName(index)} of ${snapshot}, which no pack list names`;
    }
  }
  const { most = Number.POSITIVE_INFINITY, looked } = on.slices ?? {};
  const before = looked?.get(core.snapshot) ?? 0;
  const some = before === 0 && countPacks(packs) <= most ? packs : slicePacks(packs, before, most);
  const damage = await firstPackDamage(on.store, on.scope, some);
  if (damage !== null) return `${damage.object}: ${damage.detail}`;
  if (countPacks(packs) > before + most) throw new PacksLeft(core.snapshot, before + most);
  return null;
}
