import { createHash } from "node:crypto";
import { keyFileDamage } from "../../keeper/key-outside.ts";
import { type ObjectDamage, readPackList } from "../../keeper/pack-lists.ts";
import { type NodeScope, readCard } from "../../keeper/read.ts";
import type { KeylessVerdict } from "../../keeper/verify.ts";
import {
  type Card,
  type CardCore,
  isCommitted,
  type PackListRow,
  parsePackList,
  publicKeyOf,
  verifyCardSignature,
} from "../../vault/card/index.ts";
import { isSnapshotId, names, type SnapshotId } from "../../vault/names/index.ts";
import type { CardWorld } from "./cards.ts";

export type NaiveVerdict = Pick<KeylessVerdict, "snapshot" | "ok" | "damages" | "notes" | "packs">;

interface Told {
  readonly by: SnapshotId;
  readonly rows: readonly PackListRow[];
  readonly damages: readonly ObjectDamage[];
  readonly note?: string;
}

/**
 * Keyless verification as it is easiest to see through: each snapshot by itself, each record read anew wherever it is asked
 * for, nothing remembered.
 */
export async function verifyNaively(world: CardWorld, byDigest: (pack: string) => boolean): Promise<NaiveVerdict[]> {
  const { store, node } = world;
  const scope: NodeScope = { vault: world.vault, node };
  const verdicts: NaiveVerdict[] = [];
  for (const id of idsOf(world)) {
    const read = await readCard(store, scope, id);
    const object = names.card(node, id);
    if (read.found === "malformed") {
      const problem = read.why.includes("belongs to another") ? ("swapped" as const) : ("malformed" as const);
      verdicts.push({ snapshot: id, ok: false, damages: [{ object, problem, detail: read.why }], notes: [], packs: 0 });
    } else if (read.found === "it" && isCommitted(read.value)) {
      verdicts.push(await verdictOf(world, scope, read.value, byDigest));
    }
  }
  return verdicts;
}

function idsOf({ store, node }: CardWorld): SnapshotId[] {
  const ids = [...store.objects.keys()].map((name) => /\/snapshots\/(.+)\.card\.json$/.exec(name)?.[1] ?? "");
  return ids
    .filter(isSnapshotId)
    .filter((id) => store.objects.has(names.card(node, id)))
    .sort();
}

async function verdictOf(
  world: CardWorld,
  scope: NodeScope,
  card: Card,
  byDigest: (pack: string) => boolean,
): Promise<NaiveVerdict> {
  const { store, node } = world;
  const { core } = card;
  const damages: ObjectDamage[] = [];
  const notes: string[] = [];
  const own = names.card(node, core.snapshot);
  try {
    verifyCardSignature(card, publicKeyOf(world.key));
  } catch (error) {
    damages.push({ object: own, problem: "forged", detail: (error as Error).message });
  }
  const begin = names.begin(node, core.snapshot);
  if (!store.objects.has(begin)) damages.push({ object: begin, problem: "missing", detail: "it is not there" });
  const origins = core.origins.map(({ snapshot }) => snapshot);
  for (const id of new Set([core.snapshot, ...origins])) {
    const of = await readCard(store, scope, id);
    const known = of.found === "it" && isCommitted(of.value) ? of.value.core : null;
    const damage = await keyFileDamage(store, scope, id, known);
    if (damage !== null) damages.push(damage);
  }
  const told = new Map<SnapshotId, Told>();
  for (const origin of [core.snapshot, ...origins]) {
    const one = await toldOf(world, scope, origin);
    if (typeof one === "string") notes.push(one);
    else told.set(one.by, one);
  }
  for (const { note } of told.values()) if (note !== undefined) notes.push(note);
  const manifest = await objectDamage(
    world,
    scope,
    { name: names.manifest(node, core.snapshot), ...core.manifest },
    true,
  );
  damages.push(...manifest, ...[...told.values()].flatMap((one) => one.damages));
  let packs = 0;
  for (const { snapshot, ranges } of core.origins) {
    for (const [first, last] of ranges) {
      for (let index = first; index <= last; index += 1) {
        packs += 1;
        const name = names.pack(node, snapshot, index);
        const row = rowsIn(told).find((one) => one.origin === snapshot && one.index === index);
        if (row !== undefined) damages.push(...(await objectDamage(world, scope, { name, ...row }, byDigest(name))));
        else
          damages.push({
            object: name,
            problem: "unlisted",
            detail: "no pack list names it, so nothing tells its content",
          });
      }
    }
  }
  const isKnown = (name: string) =>
    [names.keyJson(node, core.snapshot), names.manifest(node, core.snapshot)].includes(name) ||
    core.pack_lists.some((list) => name.endsWith(`/${list.name}`)) ||
    rowsIn(told).some((row) => names.pack(node, row.origin, row.index) === name && uses(core, row));
  for (const name of [...store.objects.keys()].sort()) {
    if (!name.startsWith(names.dataFolder(node, core.snapshot)) || isKnown(name)) continue;
    notes.push(`${name}: nothing of this snapshot names it`);
  }
  return { snapshot: core.snapshot, ok: damages.length === 0, damages, notes, packs };
}

function rowsIn(told: ReadonlyMap<SnapshotId, Told>): readonly PackListRow[] {
  return [...told.values()].flatMap(({ rows }) => rows);
}

function uses({ origins }: CardCore, { origin, index }: PackListRow): boolean {
  const ranges = origins.find(({ snapshot }) => snapshot === origin)?.ranges ?? [];
  return ranges.some(([first, last]) => first <= index && index <= last);
}

async function toldOf({ store, node }: CardWorld, scope: NodeScope, origin: SnapshotId): Promise<Told | string> {
  let id = origin;
  for (;;) {
    const name = names.card(node, id);
    const read = await readCard(store, scope, id);
    if (read.found === "malformed") return `${name}: ${read.why}`;
    if (read.found === "nothing") {
      const rows: PackListRow[] = [];
      for (let at = 0; ; at += 1) {
        const list = store.objects.get(names.packList(node, id, at));
        const those = list === undefined ? null : rowsOrNull(list.bytes, { ...scope, snapshot: id });
        if (those === null) break;
        rows.push(...those);
      }
      return { by: id, rows, damages: [], note: `${name}: it is not there, so nothing vouches for its pack lists` };
    }
    if (isCommitted(read.value)) {
      const rows: PackListRow[] = [];
      const damages: ObjectDamage[] = [];
      for (const at of read.value.core.pack_lists.keys()) {
        const list = await readPackList(store, scope, read.value.core, at);
        if ("damage" in list) damages.push(list.damage);
        else rows.push(...list.list.rows);
      }
      return { by: id, rows, damages };
    }
    if (read.value.by === undefined) return `${name}: it closes a run that nobody took over`;
    id = read.value.by;
  }
}

function rowsOrNull(bytes: Uint8Array, expected: NodeScope & { snapshot: SnapshotId }): readonly PackListRow[] | null {
  try {
    return parsePackList(bytes, expected).rows;
  } catch {
    return null;
  }
}

async function objectDamage(
  world: CardWorld,
  scope: NodeScope,
  { name, size, sha256 }: { readonly name: string; readonly size: number; readonly sha256: string },
  byDigest: boolean,
): Promise<ObjectDamage[]> {
  const there = world.store.objects.get(name);
  if (there === undefined) return [{ object: name, problem: "missing", detail: "it is not there" }];
  const found = createHash("sha256").update(there.bytes).digest("hex");
  const has = there.bytes.length;
  if (has === size && (found === sha256 || !byDigest)) return [];
  const other = await nameOf(world, scope, found);
  if (other !== undefined) return [{ object: name, problem: "swapped", detail: `it holds the bytes of ${other}` }];
  if (has === size) {
    return [{ object: name, problem: "changed", detail: `its SHA-256 is ${found}, expected is ${sha256}` }];
  }
  const problem = has < size ? "truncated" : "changed";
  return [{ object: name, problem, detail: `it has ${has} bytes, expected are ${size}` }];
}

/** What is recorded under a digest by any card, and any list that counts. */
async function nameOf(world: CardWorld, scope: NodeScope, sha256: string): Promise<string | undefined> {
  const { node } = world;
  for (const id of idsOf(world)) {
    const read = await readCard(world.store, scope, id);
    if (read.found !== "it" || !isCommitted(read.value)) continue;
    const { core } = read.value;
    if (core.manifest.sha256 === sha256) return names.manifest(node, id);
    const list = core.pack_lists.findIndex((one) => one.sha256 === sha256);
    if (list >= 0) return names.packList(node, id, list);
    for (const origin of [id, ...core.origins.map(({ snapshot }) => snapshot)]) {
      const told = await toldOf(world, scope, origin);
      const row = typeof told === "string" ? undefined : told.rows.find((one) => one.sha256 === sha256);
      if (row !== undefined) return names.pack(node, row.origin, row.index);
    }
  }
  return undefined;
}
