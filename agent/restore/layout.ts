import { accessSync, constants, lstatSync, readdirSync, realpathSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { hasPower } from "../../posix/powers.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { type BytePath, below, fromBytes, fromText, nameOf, parentOf, toBytes, toText } from "./byte-path.ts";
import { isBelow, mountPoints } from "./mounts.ts";
import type { RestoreTargets } from "./types.ts";

/**
 * How a root gets into place. `fresh`: a folder in a new place; `beside`: the whole folder is exchanged by renames
 * beside it; `inside`: the target is a mount point and cannot be renamed, so its children are exchanged.
 */
export type RootShape = "fresh" | "beside" | "inside";

export interface RootLayout {
  readonly name: string;
  readonly target: BytePath;
  readonly shape: RootShape;
  readonly replaces: "nothing" | "empty" | "data";
  /** The folder, not there yet, in which this root is staged under its name; on the target's own file system. */
  readonly staging: BytePath;
  /** Where its old data goes. */
  readonly old: BytePath;
}

export interface Layout {
  readonly roots: readonly RootLayout[];
  /** The fresh folder, where it must be made first. */
  readonly make: BytePath | null;
}

/** Ours, or the file system's own: neither old data nor in the way. */
export function staysInPlace(name: string): boolean {
  return name === "lost+found" || name.startsWith(".coldkeep-");
}

/**
 * Decides where each root is staged and how it gets into place; looks at the disk, changes nothing.
 * @param run distinguishes this restore's folders from all others'.
 * @param stale staging folders of an unfinished restore: they are gone on with or removed, and in nobody's way.
 * @throws ColdkeepError `refused` or `permission` for a target that cannot be restored to, with the way out.
 */
export function layOut(
  targets: RestoreTargets,
  rootNames: readonly string[],
  run: string,
  stale: readonly BytePath[] = [],
): Layout {
  return "to" in targets
    ? layOutFresh(targets.to, rootNames, run, stale)
    : layOutInPlace(targets, rootNames, run, stale);
}

function layOutFresh(to: string, rootNames: readonly string[], run: string, stale: readonly BytePath[]): Layout {
  const target = realTarget(to);
  const found = look(target, stale);
  if (found === "data") {
    throw refused(toText(target), "the folder is not empty", "name a folder that is empty or not there yet");
  }
  assertWritable(found === "nothing" ? parentOf(target) : target);
  const staging = below(target, `.coldkeep-restore-${run}`);
  const old = below(target, `.coldkeep-old-${run}`);
  return {
    make: found === "nothing" ? target : null,
    roots: rootNames.map((name) => ({
      name,
      target: below(target, fromText(name)),
      shape: "fresh",
      replaces: "nothing",
      staging,
      old,
    })),
  };
}

function layOutInPlace(
  targets: ReadonlyMap<string, string>,
  rootNames: readonly string[],
  run: string,
  stale: readonly BytePath[],
): Layout {
  const mounts = mountPoints();
  const roots = rootNames.map((name) => {
    const path = targets.get(name);
    if (path === undefined) {
      const known = [...targets.keys()].join(", ") || "none";
      throw refused(name, `the snapshot holds this root, the config places only: ${known}`, "add it, or use --to");
    }
    return layOutRoot(name, realTarget(path), mounts, run, stale);
  });
  for (const a of roots) {
    for (const b of roots) {
      if (a === b || !(a.target === b.target || isBelow(b.target, a.target))) continue;
      throw refused(toText(b.target), `root ${b.name} lies in root ${a.name}`, "give each root a place of its own");
    }
  }
  return { roots, make: null };
}

function layOutRoot(
  name: string,
  target: BytePath,
  mounts: readonly BytePath[],
  run: string,
  stale: readonly BytePath[],
): RootLayout {
  if (target === "/") throw refused("/", "the root of the file system cannot be exchanged", "name a folder below it");
  const inner = mounts.find((point) => isBelow(point, target));
  if (inner !== undefined) {
    throw refused(
      toText(target),
      `another file system is mounted inside it, at ${toText(inner)}, and would be moved away with the old data`,
      "unmount it first, or restore to a fresh folder with --to",
    );
  }
  const replaces = look(target, stale);
  const inside = mounts.includes(target);
  const parent = inside ? target : parentOf(target);
  assertWritable(parent);
  return {
    name,
    target,
    shape: inside ? "inside" : "beside",
    replaces,
    staging: below(parent, `.coldkeep-restore-${run}`),
    old: inside ? below(target, `.coldkeep-old-${run}`) : below(parent, `${nameOf(target)}.coldkeep-old-${run}`),
  };
}

/** The path with all symlinks resolved; its last component may be absent. */
function realTarget(path: string): BytePath {
  if (!isAbsolute(path) || path.includes("\0")) throw refused(path, "it is not an absolute path", "write it from /");
  const clean = fromText(resolve(path));
  try {
    return real(clean);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw asRefused(error, clean);
  }
  try {
    if (isThere(clean)) throw refused(path, "it is a symlink that leads nowhere", "remove it or name another folder");
    return below(real(parentOf(clean)), nameOf(clean));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw asRefused(error, clean);
    throw refused(path, `the folder above it, ${toText(parentOf(clean))}, is not there`, "make it first");
  }
}

function real(path: BytePath): BytePath {
  return fromBytes(realpathSync.native(toBytes(path), { encoding: "buffer" }));
}

function isThere(path: BytePath): boolean {
  return lstatSync(toBytes(path), { throwIfNoEntry: false }) !== undefined;
}

function look(target: BytePath, stale: readonly BytePath[]): "nothing" | "empty" | "data" {
  try {
    const info = lstatSync(toBytes(target), { throwIfNoEntry: false });
    if (info === undefined) return "nothing";
    if (!info.isDirectory()) throw refused(toText(target), "it is not a folder", "remove it or name another place");
    const names = readdirSync(toBytes(target), { encoding: "latin1" });
    return names.every((name) => name === "lost+found" || stale.includes(below(target, name))) ? "empty" : "data";
  } catch (error) {
    throw asRefused(error, target);
  }
}

function assertWritable(folder: BytePath): void {
  try {
    accessSync(toBytes(folder), constants.W_OK | constants.X_OK);
  } catch (error) {
    if (systemCode(error) === "EACCES" && hasPower("DAC_OVERRIDE")) return;
    throw fromSystemError(error, {
      what: "cannot write to the target's folder",
      on: toText(folder),
      otherwise: "refused",
    });
  }
}

function asRefused(error: unknown, path: BytePath): ColdkeepError {
  return fromSystemError(error, { what: "cannot restore to this place", on: toText(path), otherwise: "refused" });
}

function refused(on: string, why: string, todo: string): ColdkeepError {
  return new ColdkeepError("refused", { what: "cannot restore to this place", on, why, todo });
}
