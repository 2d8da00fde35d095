import type { Card } from "../vault/card/index.ts";
import { ColdkeepError, type SnapshotId } from "../vault/names/index.ts";
import type { Archive, ArchiveSpeed, ArchiveSum } from "../vault/store/archive.ts";
import type { Reader } from "../vault/store/facets.ts";
import { packIndex } from "./packs-present.ts";
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
  /** Looks at each object where this user may not list. Default: where a speed is given. */
  readonly eachOne?: boolean;
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
  return bringBack(dataOf(scope, card), o.archive, o.speed, o.eachOne);
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
  eachOne = speed !== null,
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
  const suspects = await suspectsAmong(names, archive, eachOne);
  for (let at = 0; at < suspects.length; at += AT_ONCE) await Promise.all(suspects.slice(at, at + AT_ONCE).map(one));
  return { objects, bytes, coming, classes: [...classes].sort(), ...(speed === null ? {} : { speed }) };
}

/** So many neighbours are listed; fewer are looked at one by one. */
const LIST_FROM = 4;
/** A listing that tells of a thousand is worth so many looks. */
const SPARSE = 100;

/**
 * The names that are to be looked at one by one. Of packs that lie side by side a listing tells the class, so that a
 * snapshot that lies in no archive costs no call a pack. Who may not list looks at them only where somebody means to have
 * them brought back: else a read says it.
 */
async function suspectsAmong(all: readonly string[], archive: Archive, eachOne: boolean): Promise<string[]> {
  const suspects: string[] = [];
  for (const { folder, members } of neighbours(all)) {
    const [first = "", last = ""] = [members[0], members.at(-1)];
    const span = (packIndex(last.slice(folder.length)) ?? 0) - (packIndex(first.slice(folder.length)) ?? 0) + 1;
    const isListed = members.length >= LIST_FROM && members.length * SPARSE >= span;
    const archived = isListed ? await archive.among(folder, first, last) : undefined;
    if (archived === undefined || (archived === null && eachOne)) suspects.push(...members);
    else suspects.push(...members.filter((name) => archived?.has(name)));
  }
  return suspects;
}

/** Packs of one folder that follow each other, in ascending order; whatever else comes stands alone. */
function neighbours(all: readonly string[]): { readonly folder: string; readonly members: string[] }[] {
  const groups: { readonly folder: string; readonly members: string[] }[] = [];
  for (const name of all) {
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    const before = groups.at(-1);
    const follows = before?.folder === folder && name > (before.members.at(-1) ?? "");
    if (follows && packIndex(name.slice(folder.length)) !== null) before.members.push(name);
    else groups.push({ folder, members: [name] });
  }
  return groups;
}
