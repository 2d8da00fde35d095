import { comparePaths } from "../../vault/sealed/index.ts";
import type { EntryPiece, ManifestEntry } from "../../vault/sealed/types.ts";
import type { Tree } from "./tree.ts";
import type { Difference } from "./types.ts";

/**
 * Whether the chunk ids of two snapshots may be compared. They are keyed by the node: another node's, and those of
 * another suite, tell nothing, and content is then taken for the same where size and mtime are.
 */
export function canCompareContent(a: Tree, b: Tree): boolean {
  const [x, y] = [a.opened.manifest, b.opened.manifest];
  return x.suite === y.suite && x.chunk_key === y.chunk_key;
}

/**
 * What differs between two snapshots, in the order of the tree. Content is compared by chunk ids, nothing of it is
 * fetched. Memory does not grow with the snapshots.
 * @throws as `EntrySource`.
 */
export async function* diffTrees(a: Tree, b: Tree): AsyncGenerator<Difference> {
  const byId = canCompareContent(a, b);
  const before = cursorOf(a);
  const after = cursorOf(b);
  try {
    await Promise.all([before.step(), after.step()]);
    for (;;) {
      const [x, y] = [before.at, after.at];
      if (x === null && y === null) return;
      const compared = x === null ? 1 : y === null ? -1 : comparePaths(x.path, y.path);
      if (compared < 0 && x !== null) {
        yield { kind: "removed", before: x, after: null, bytes: x.size, fields: [] };
        await before.skip(x);
      } else if (compared > 0 && y !== null) {
        yield { kind: "added", before: null, after: y, bytes: y.size, fields: [] };
        await after.skip(y);
      } else if (x !== null && y !== null) {
        const bytes = await changedBytes(before, after, x, y, byId);
        const found = differenceOf(x, y, bytes);
        if (found !== null) yield found;
      }
    }
  } finally {
    await Promise.all([before.close(), after.close()]);
  }
}

/** The entries of one snapshot, one after the other. */
interface Cursor {
  readonly at: ManifestEntry | null;
  step(): Promise<void>;
  /** Goes past all parts of a file. */
  skip(entry: ManifestEntry): Promise<void>;
  close(): Promise<void>;
}

function cursorOf({ source }: Tree): Cursor {
  const lists = source.segments();
  let list: readonly ManifestEntry[] = [];
  let next = 0;
  let at: ManifestEntry | null = null;
  const step = async () => {
    while (next >= list.length) {
      const { done, value } = await lists.next();
      if (done === true) {
        at = null;
        return;
      }
      list = value;
      next = 0;
    }
    at = list[next] ?? null;
    next += 1;
  };
  return {
    get at() {
      return at;
    },
    step,
    skip: async ({ path }) => {
      await step();
      while (at?.from !== undefined && comparePaths(at.path, path) === 0) await step();
    },
    close: async () => void (await lists.return(undefined)),
  };
}

/** The pieces of the file that a cursor stands at, over all its parts; the cursor then stands at what follows. */
async function* piecesOf(cursor: Cursor, head: ManifestEntry): AsyncGenerator<EntryPiece> {
  let part: ManifestEntry | null = head;
  while (part !== null) {
    yield* part.pieces;
    await cursor.step();
    const { at } = cursor;
    part = at?.from !== undefined && comparePaths(at.path, head.path) === 0 ? at : null;
  }
}

/** Bytes that the second file has and the first has not at the same place; null where the content is the same. */
async function changedBytes(
  before: Cursor,
  after: Cursor,
  x: ManifestEntry,
  y: ManifestEntry,
  byId: boolean,
): Promise<number | null> {
  if (x.type !== "file" || y.type !== "file" || !byId) {
    await Promise.all([before.skip(x), after.skip(y)]);
    if (x.type !== y.type) return y.size;
    return x.size === y.size && sameTime(x, y) ? null : y.size;
  }
  const [old, fresh] = [piecesOf(before, x), piecesOf(after, y)];
  let [p, q] = [await old.next(), await fresh.next()];
  let [atOld, atFresh, changed] = [0, 0, 0];
  while (q.done !== true) {
    // What lies before has its fresh counterpart behind it.
    while (p.done !== true && atOld < atFresh) {
      atOld += lengthOf(p.value);
      p = await old.next();
    }
    if (p.done === true || atOld !== atFresh || !samePiece(p.value, q.value)) changed += lengthOf(q.value);
    atFresh += lengthOf(q.value);
    q = await fresh.next();
  }
  while (p.done !== true) p = await old.next();
  return changed > 0 || x.size !== y.size ? changed : null;
}

function lengthOf(piece: EntryPiece): number {
  return "hole" in piece ? piece.hole : piece.plain;
}

function samePiece(a: EntryPiece, b: EntryPiece): boolean {
  if ("hole" in a || "hole" in b) return "hole" in a && "hole" in b && a.hole === b.hole;
  return a.plain === b.plain && Buffer.compare(a.id, b.id) === 0;
}

function differenceOf(x: ManifestEntry, y: ManifestEntry, bytes: number | null): Difference | null {
  const fields = fieldsThatDiffer(x, y);
  const of = { before: x, after: y, fields };
  if (x.type !== y.type) return { kind: "type", ...of, bytes: y.size };
  if (x.type === "file" && bytes !== null) return { kind: "content", ...of, bytes };
  return fields.length > 0 ? { kind: "metadata", ...of, bytes: 0 } : null;
}

function fieldsThatDiffer(x: ManifestEntry, y: ManifestEntry): string[] {
  const fields: string[] = [];
  if (x.mode !== y.mode) fields.push("mode");
  if (x.uid !== y.uid || x.gid !== y.gid) fields.push("owner");
  if (!sameTime(x, y)) fields.push("mtime");
  if (!sameBytes(x.target, y.target)) fields.push("target");
  if (!sameXattrs(x.xattrs, y.xattrs)) fields.push("attributes");
  if (x.secret !== y.secret) fields.push("secret");
  return fields;
}

function sameTime(x: ManifestEntry, y: ManifestEntry): boolean {
  return x.mtime.seconds === y.mtime.seconds && x.mtime.nanoseconds === y.mtime.nanoseconds;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}

function sameXattrs(a: ManifestEntry["xattrs"] = [], b: ManifestEntry["xattrs"] = []): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ name, value }, n) => name === b[n]?.name && sameBytes(value, b[n]?.value));
}
