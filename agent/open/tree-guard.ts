import { ColdkeepError } from "../../vault/names/index.ts";
import type { Manifest, ManifestEntry } from "../../vault/sealed/types.ts";

/**
 * Looks at each entry of a snapshot before anything is done with it, across segments; the rules of one entry and the
 * order of paths are vault/sealed's. Here: roots that the manifest names, every parent a directory that came before,
 * and no more entries and bytes than the manifest's totals. FORMAT.md ruling 20.
 */
export interface TreeGuard {
  /** @throws ColdkeepError `integrity` naming the path. */
  check(entry: ManifestEntry): void;
  /** After the last entry. @throws ColdkeepError `integrity` where entries are missing. */
  finish(): void;
}

export function makeTreeGuard(manifest: Pick<Manifest, "roots" | "totals">): TreeGuard {
  const roots = new Set(manifest.roots.map(({ name }) => name));
  const { totals } = manifest;
  /** Directories on the way to here, as latin1, outermost first. */
  const way: string[] = [];
  let entries = 0;
  let bytes = 0;

  return {
    check: (entry) => {
      // A further part of the file before.
      if (entry.from !== undefined) return;
      const path = latin1(entry.path);
      const slash = path.lastIndexOf("/");
      const parent = slash < 0 ? "" : path.slice(0, slash);
      while (way.length > 0 && way.at(-1) !== parent) way.pop();
      if (slash < 0) {
        if (!roots.has(path)) throw hostile(entry.path, "it lies in no root of the snapshot");
        if (entry.type !== "directory") throw hostile(entry.path, "a root must be a directory");
      } else if (way.length === 0) throw hostile(entry.path, "what it lies in is not a directory of the snapshot");
      if (entry.type === "directory") way.push(path);
      entries += 1;
      bytes += entry.size;
      if (entries > totals.entries) throw hostile(entry.path, `the manifest promises ${totals.entries} entries`);
      if (bytes > totals.bytes) throw hostile(entry.path, `the manifest promises ${totals.bytes} bytes in all`);
    },
    finish: () => {
      if (entries === totals.entries && bytes === totals.bytes) return;
      const found = `${entries} entries and ${bytes} bytes were found`;
      throw hostile(null, `${found}, the manifest promises ${totals.entries} and ${totals.bytes}`);
    },
  };
}

function latin1(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString("latin1");
}

function hostile(path: Uint8Array | null, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the snapshot's list of files cannot be trusted",
    ...(path === null ? {} : { on: JSON.stringify(Buffer.from(path).toString("utf8")) }),
    why,
    todo: "it was sealed by a faulty or hostile host: nothing of it was put in place; use another snapshot",
  });
}
