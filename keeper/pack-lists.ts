import { type CardCore, type PackList, type PackListRow, parsePackList } from "../vault/card/index.ts";
import { names } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { type NodeScope, readObject } from "./read.ts";
import { MAX_BYTES } from "./rules.ts";

/** What is wrong with an object that a card names, in words that need no context but the object's name. */
export interface ObjectDamage {
  readonly object: string;
  readonly problem: "missing" | "truncated" | "changed" | "swapped" | "unlisted" | "malformed" | "forged";
  readonly detail: string;
}

/** One damage in a line. */
export function damageWords({ object, problem, detail }: ObjectDamage): string {
  return `${object}: ${problem}: ${detail}`;
}

export type ListRead = { readonly list: PackList } | { readonly damage: ObjectDamage };

/** Reads one pack list of a card and holds it against the card's size and digest. Lists are read one at a time. */
export async function readPackList(store: Reader, scope: NodeScope, core: CardCore, at: number): Promise<ListRead> {
  const object = names.packList(scope.node, core.snapshot, at);
  const ref = core.pack_lists[at];
  if (ref === undefined || ref.name !== names.packListName(at)) {
    return { damage: { object, problem: "unlisted", detail: `the card names ${ref?.name ?? "nothing"} in its place` } };
  }
  if (ref.size > MAX_BYTES.packList) {
    const detail = `${ref.size} bytes, at most ${MAX_BYTES.packList} are allowed`;
    return { damage: { object, problem: "malformed", detail } };
  }
  const expected = { vault: scope.vault, node: scope.node, snapshot: core.snapshot };
  const read = await readObject(store, object, ref.size, (bytes) => parsePackList(bytes, expected, object));
  if (read.found === "nothing") return { damage: missing(object) };
  // Where it is larger than it should be nothing was read, and only a look tells how large.
  const size = (read.info ?? (await store.head(object)))?.size;
  const damage = size === undefined ? missing(object) : sizeDamage(object, size, ref.size);
  if (damage !== null) return { damage };
  if (read.found === "malformed") return { damage: { object, problem: "malformed", detail: read.why } };
  if (read.sha256 !== ref.sha256) return { damage: changed(object, read.sha256, ref.sha256) };
  return { list: read.value };
}

/** The rows of all lists of a card, list by list. Ends at the first damaged list, which `onDamage` is told. */
export async function* listRows(
  store: Reader,
  scope: NodeScope,
  core: CardCore,
  onDamage: (damage: ObjectDamage) => void,
): AsyncGenerator<PackListRow> {
  for (let at = 0; at < core.pack_lists.length; at += 1) {
    const read = await readPackList(store, scope, core, at);
    if ("damage" in read) onDamage(read.damage);
    else yield* read.list.rows;
  }
}

export function missing(object: string): ObjectDamage {
  return { object, problem: "missing", detail: "it is not there" };
}

/** A pack that a card uses and no list tells of. */
export function unlisted(object: string): ObjectDamage {
  return { object, problem: "unlisted", detail: "no pack list names it, so nothing tells its content" };
}

export function changed(object: string, found: string, expected: string): ObjectDamage {
  return { object, problem: "changed", detail: `its SHA-256 is ${found}, expected is ${expected}` };
}

/** Compares sizes; null where they agree. */
export function sizeDamage(object: string, found: number, expected: number): ObjectDamage | null {
  if (found === expected) return null;
  const problem = found < expected ? "truncated" : "changed";
  return { object, problem, detail: `it has ${found} bytes, expected are ${expected}` };
}
