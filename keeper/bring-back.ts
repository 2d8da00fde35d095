import type { Card } from "../vault/card/index.ts";
import { ColdkeepError, type SnapshotId } from "../vault/names/index.ts";
import type { Archive, ArchiveSpeed, ArchiveSum } from "../vault/store/archive.ts";
import type { Reader } from "../vault/store/facets.ts";
import { restoredObjects } from "./present/plan.ts";
import { type NodeScope, readCommitted, readNode } from "./read.ts";

/** How long copies out of an archive can be read; days. As long as a restore's pin holds. */
export const COPY_DAYS = 7;
const AT_ONCE = 16;

export interface BringBackOptions {
  readonly store: Reader;
  readonly archive: Archive;
  readonly vault?: NodeScope["vault"];
  readonly node: NodeScope["node"];
  readonly snapshot: SnapshotId;
  /** Asks for what is not on its way; null only looks. */
  readonly speed: ArchiveSpeed | null;
}

/**
 * What of a snapshot lies in an archive: of its own objects, and of older ones' packs that it uses. Says so, or has it
 * brought back. To do it again, after whatever happened, changes nothing and tells how far it is.
 * @throws ColdkeepError `not-found` without a card.
 */
export async function bringBackSnapshot(o: BringBackOptions): Promise<ArchiveSum> {
  const { vault, node } = await readNode(o.store, o.node, o.vault);
  const scope = { vault, node };
  const card = await readCommitted(o.store, scope, o.snapshot);
  if (card === null) {
    throw new ColdkeepError("not-found", { what: "there is no such snapshot", on: o.snapshot });
  }
  return bringBack(dataOf(scope, card), o.archive, o.speed);
}

/** What may lie in an archive: lifecycle rules move what is under data/ and large. */
function dataOf(scope: NodeScope, card: Card): string[] {
  return [...restoredObjects(scope, card, undefined)].filter((name) => name.startsWith(`${scope.node}/data/`));
}

/** The same for objects by name. */
export async function bringBack(
  names: readonly string[],
  archive: Archive,
  speed: ArchiveSpeed | null,
): Promise<ArchiveSum> {
  const classes = new Set<string>();
  let objects = 0;
  let bytes = 0;
  let coming = 0;
  const one = async (name: string) => {
    const found = await archive.look(name);
    if (found === null) return;
    classes.add(found.class);
    objects += 1;
    bytes += found.size;
    if (!found.coming && speed !== null) await archive.bringBack(name, { days: COPY_DAYS, speed });
    if (found.coming || speed !== null) coming += 1;
  };
  for (let at = 0; at < names.length; at += AT_ONCE) await Promise.all(names.slice(at, at + AT_ONCE).map(one));
  return { objects, bytes, coming, classes: [...classes].sort(), ...(speed === null ? {} : { speed }) };
}
