import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import fc from "fast-check";

/** One object of a made-up tree. Names are latin1 text, so that any byte but `/` and NUL may be in them. */
export type Plan =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly mtime: number;
      readonly content: readonly Part[];
      readonly immutable: boolean;
      readonly secret: boolean;
    }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "hardlink"; readonly path: string; readonly target: string };

/** A stretch of a file: bytes made from a seed, or a hole. Lengths in bytes. */
export interface Part {
  readonly seed: number | null;
  readonly length: number;
}

/** The bytes of a part: the same seed gives the same bytes; every third seed compresses well. */
export function partBytes({ seed, length }: Part): Buffer {
  const bytes = Buffer.alloc(length);
  if (seed === null) return bytes;
  let block = createHash("sha256").update(`part ${seed}`).digest();
  for (let at = 0; at < length; at += 32) {
    if (seed % 3 !== 0) block = createHash("sha256").update(block).digest();
    block.copy(bytes, at);
  }
  return bytes;
}

export function contentOf(content: readonly Part[]): Buffer {
  return Buffer.concat(content.map(partBytes));
}

/** Makes the tree below `root`, which exists. Directories come before what they contain. */
export function growTree(root: string, plans: readonly Plan[]): void {
  const at = (path: string) => Buffer.from(`${root}/${path}`, "latin1");
  for (const plan of plans) {
    if (plan.kind === "directory") mkdirSync(at(plan.path), { mode: plan.mode });
    else if (plan.kind === "symlink") symlinkSync(Buffer.from(plan.target, "latin1"), at(plan.path));
    else if (plan.kind === "hardlink") linkSync(at(plan.target), at(plan.path));
    else {
      const fd = openSync(at(plan.path), "wx");
      let offset = 0;
      for (const part of plan.content) {
        if (part.seed !== null) writeSync(fd, partBytes(part), 0, part.length, offset);
        offset += part.length;
      }
      ftruncateSync(fd, offset);
      closeSync(fd);
      chmodSync(at(plan.path), plan.mode);
      lutimesSync(at(plan.path), plan.mtime, plan.mtime);
    }
  }
}

const anyByte = Array.from({ length: 255 }, (_, n) => String.fromCharCode(n + 1)).filter((c) => c !== "/");
const name = fc
  .oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b", "c", "a.", "a-", "CURRENT", "000001.ldb", 'é\n"\\', "\xff\xfe") },
    {
      weight: 1,
      arbitrary: fc.array(fc.constantFrom(...anyByte), { minLength: 1, maxLength: 12 }).map((c) => c.join("")),
    },
  )
  .filter((text) => text !== "." && text !== "..");
const MIB = 1 << 20;
const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3000 }) },
  { weight: 1, arbitrary: fc.constantFrom(MIB - 1, MIB, MIB + 1, 2 * MIB + 5) },
);
const part: fc.Arbitrary<Part> = fc.record({
  // Few seeds, so that equal contents turn up in several places.
  seed: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null, freq: 4 }),
  length,
});
const file = fc.record({
  content: fc.array(part, { maxLength: 3 }),
  mode: fc.constantFrom(0o600, 0o644, 0o400, 0o4755, 0o000),
  mtime: fc.integer({ min: 0, max: 2_000_000_000 }),
  immutable: fc.boolean(),
  secret: fc.boolean(),
});
const leaf = fc.oneof(
  { weight: 6, arbitrary: file.map((f) => ({ kind: "file" as const, ...f })) },
  { weight: 2, arbitrary: fc.constantFrom(0o700, 0o755, 0o1777).map((mode) => ({ kind: "directory" as const, mode })) },
  { weight: 1, arbitrary: name.map((target) => ({ kind: "symlink" as const, target })) },
  { weight: 1, arbitrary: fc.nat().map((pick) => ({ kind: "hardlink" as const, pick })) },
);

/** Random trees: nested directories, empty files, duplicates, holes, links, odd names, secret files. */
export const anyTree: fc.Arbitrary<Plan[]> = fc
  .array(fc.tuple(fc.nat(), name, leaf), { maxLength: 14 })
  .map((items) => {
    const plans: Plan[] = [];
    const folders = [""];
    const files: string[] = [];
    const taken = new Set<string>();
    for (const [pick, base, item] of items) {
      const folder = folders[pick % folders.length] ?? "";
      const path = folder === "" ? base : `${folder}/${base}`;
      if (taken.has(path)) continue;
      if (item.kind === "hardlink") {
        const target = files[item.pick % Math.max(1, files.length)];
        if (target === undefined) continue;
        plans.push({ kind: "hardlink", path, target });
      } else {
        plans.push({ ...item, path });
        if (item.kind === "directory") folders.push(path);
        if (item.kind === "file") files.push(path);
      }
      taken.add(path);
    }
    return plans;
  });
