import { type CardCore, hasCore, isCommitted, type PackListRow, parseCard } from "../../vault/card/index.ts";
import { names, type SnapshotId, toHex } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { type ObjectDamage, unlisted } from "../pack-lists.ts";
import { makePackRecords } from "../pack-records.ts";
import { indexesOf } from "../ranges.ts";
import type { NodeScope } from "../read.ts";
import { findUsedPacks } from "../uses.ts";
import type { WantedObject } from "./transfer.ts";

/** Small objects read on the way are kept for the target up to this many bytes; beyond it they are read again. */
const KEEP = 32 << 20;

/** What the target must have before a snapshot's card may be there. */
export interface Needs {
  /** Own and others', in the order of the card. */
  readonly packs: readonly PackListRow[];
  /** Pack lists and closing cards that vouch for them. */
  readonly records: readonly WantedObject[];
  /** Every snapshot whose key opens one of the packs, own first. */
  readonly keys: readonly SnapshotId[];
  readonly damages: readonly ObjectDamage[];
  readonly notes: readonly string[];
}

/**
 * What a snapshot stands on: of older snapshots only the packs in use, the lists that name them, and the keys; never
 * their cards, as those would promise what is not copied.
 */
export async function findNeeds(from: Reader, scope: NodeScope, core: CardCore): Promise<Needs> {
  const records = new Map<string, WantedObject>();
  let kept = 0;
  const keep = (name: string, bytes: Uint8Array) => {
    const body = hashed(bytes);
    kept += bytes.length;
    const known = { name, size: bytes.length, sha256: toHex(body.sha256) };
    records.set(name, kept <= KEEP ? { ...known, body } : known);
  };
  const tracing: Reader = {
    head: (name) => from.head(name),
    getRange: (name, offset, length) => from.getRange(name, offset, length),
    get: async (name, options) => {
      const object = await from.get(name, options);
      if (object === null) return null;
      if (!name.startsWith(names.snapshotsFolder(scope.node))) keep(name, object.bytes);
      else if (isClosing(object.bytes)) keep(name, object.bytes);
      return object;
    },
  };
  const used = await findUsedPacks(makePackRecords(tracing, scope), core);
  const damages = [...used.damages];
  const packs: PackListRow[] = [];
  for (const { snapshot, ranges } of core.origins) {
    for (const index of indexesOf(ranges)) {
      const row = used.find(snapshot, index);
      if (row !== null) packs.push(row);
      else damages.push(unlisted(names.pack(scope.node, snapshot, index)));
    }
  }
  const keys = [...new Set([core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)])];
  return { packs, records: [...records.values()], keys, damages, notes: used.notes };
}

function isClosing(bytes: Uint8Array): boolean {
  // Most are committed, and every snapshot asks for those of all its origins.
  if (hasCore(bytes)) return false;
  try {
    return !isCommitted(parseCard(bytes));
  } catch {
    return false;
  }
}
