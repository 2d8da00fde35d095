import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type BytePath, below, fromBytes, fromText, toBytes } from "./byte-path.ts";
import type { Layout } from "./layout.ts";
import type { RestoreOptions } from "./types.ts";

/** Where content may be taken from instead of the vault. */
export interface OldData {
  /** A file's counterpart; null where its root has no old data. */
  path(selected: BytePath): BytePath | null;
  /** Whether the old data is what will be replaced, and then removed. */
  readonly goes: boolean;
}

/** No old data to take from. */
const NO_OLD_DATA: OldData = { path: () => null, goes: false };

/** @throws ColdkeepError `usage` where the folder named holds none of the snapshot's. */
export function oldData(layout: Layout, { delta, keepOld }: RestoreOptions): OldData {
  if (delta === undefined) return NO_OLD_DATA;
  const roots = new Map<string, BytePath>();
  for (const { name } of layout.roots) {
    const path = "from" in delta ? join(resolve(delta.from), name) : delta.get(name);
    const real = path === undefined ? null : realOrNull(path);
    if (real !== null) roots.set(fromText(name), real);
  }
  if (roots.size === 0 && "from" in delta) throw nothingIn(delta.from, layout);
  const goes = layout.roots.every(({ name, target, shape }) => shape !== "fresh" && roots.get(name) === target);
  return {
    path: (selected) => {
      const slash = selected.indexOf("/");
      const root = roots.get(slash < 0 ? selected : selected.slice(0, slash));
      return root === undefined || slash < 0 ? null : below(root, selected.slice(slash + 1));
    },
    goes: goes && !keepOld,
  };
}

function realOrNull(path: string): BytePath | null {
  try {
    return fromBytes(realpathSync.native(toBytes(fromText(path)), { encoding: "buffer" }));
  } catch {
    return null;
  }
}

function nothingIn(folder: string, { roots }: Layout): ColdkeepError {
  return new ColdkeepError("usage", {
    what: "there is no old data to take from",
    on: folder,
    why: `it holds none of the snapshot's folders: ${roots.map(({ name }) => name).join(", ")}`,
    todo: "name a folder that an earlier restore --to has filled, or use --delta for the node's own folders",
  });
}
