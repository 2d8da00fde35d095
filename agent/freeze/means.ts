import { showPath } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type Latin1, toBytes } from "./bytes.ts";
import type { FreezeMeans, FreezeRoot } from "./types.ts";

/** What files can be done with on a file system. */
export interface Abilities {
  readonly link: boolean;
  readonly reflink: boolean;
}

/** How the roots of a node are frozen: they share one word. */
export function meansOf(roots: readonly FreezeRoot[]): FreezeMeans {
  return roots[0]?.means ?? "auto";
}

/**
 * Of what a file system can, what is to be used.
 * @throws ColdkeepError `config` where it cannot what was asked for.
 */
export function usedOf(means: FreezeMeans, can: Abilities, folder: Latin1): Abilities {
  const lacks = (means === "reflink" && !can.reflink) || (means === "hardlink" && !can.link);
  if (lacks) {
    throw new ColdkeepError("config", {
      what: `freeze: ${means}, but the file system has no ${means}s`,
      on: showPath(toBytes(folder)),
      todo: "leave freeze out: what can be used is then found out",
    });
  }
  return {
    link: can.link && (means === "auto" || means === "hardlink"),
    reflink: can.reflink && (means === "auto" || means === "reflink"),
  };
}
