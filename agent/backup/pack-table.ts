import { ColdkeepError } from "../../vault/names/index.ts";
import type { ManifestOrigin } from "../../vault/sealed/types.ts";
import type { LocalPack } from "./run-files.ts";

/** A pack this run may refer to. */
export interface KnownPack extends LocalPack {
  /** Lower-case hex where no earlier card vouches for it: it goes into this run's pack lists. Else null. */
  readonly sha256: string | null;
}

/** Origins and packs of a run, numbered as its chunk table names them. Main thread only. */
export interface PackTable {
  readonly origins: readonly ManifestOrigin[];
  /** The number of a new origin. */
  addOrigin(origin: ManifestOrigin): number;
  add(pack: KnownPack): void;
  /** @throws ColdkeepError `internal` where a chunk names a pack that was never added. */
  get(origin: number, index: number): KnownPack;
}

export function makePackTable(): PackTable {
  const origins: ManifestOrigin[] = [];
  const packs: Map<number, KnownPack>[] = [];
  return {
    origins,
    addOrigin: (origin) => {
      packs.push(new Map());
      return origins.push(origin) - 1;
    },
    add: (pack) => {
      packs[pack.origin]?.set(pack.index, pack);
    },
    get: (origin, index) => {
      const found = packs[origin]?.get(index);
      if (found !== undefined) return found;
      throw new ColdkeepError("internal", {
        what: "a chunk lies in a pack nobody knows",
        on: `origin ${origin}, pack ${index}`,
      });
    },
  };
}
