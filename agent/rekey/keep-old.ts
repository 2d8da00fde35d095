import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurable } from "../../posix/durable.ts";
import { isSnapshotId, names, type SnapshotId } from "../../vault/names/index.ts";
import { parseKeyFile } from "../../vault/sealed/index.ts";
import type { RekeyOptions } from "./types.ts";

/** An old key file, kept on this host while the new one is put and read back. It holds wrapped keys only. */
export function keepOld(
  folder: string,
  snapshot: SnapshotId,
  bytes: Uint8Array,
): { readonly path: string; drop(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${snapshot}.key.json`);
  writeFileDurable(path, bytes, 0o600);
  return { path, drop: () => rmSync(path, { force: true }) };
}

/**
 * Ends what a run that was cut off had begun: where the vault's key file can be read, old or new, it stands, and what was
 * kept goes; where it cannot, the kept one is put back.
 * @returns the snapshots whose key file was put back.
 */
export async function settleKept(o: RekeyOptions): Promise<SnapshotId[]> {
  const back: SnapshotId[] = [];
  for (const file of keptFiles(o.keepFolder)) {
    const name = names.keyJson(o.node, file.snapshot);
    const there = await o.store.get(name, { maxBytes: 64 << 10 });
    if (there === null || !isReadable(there.bytes, name)) {
      await o.store.replace(name, readFileSync(file.path), there?.info.etag ?? null);
      back.push(file.snapshot);
    }
    rmSync(file.path, { force: true });
  }
  return back;
}

function keptFiles(folder: string) {
  let found: string[];
  try {
    found = readdirSync(folder);
  } catch {
    return [];
  }
  return found.flatMap((file) => {
    const snapshot = file.replace(/\.key\.json$/, "");
    return file.endsWith(".key.json") && isSnapshotId(snapshot) ? [{ snapshot, path: join(folder, file) }] : [];
  });
}

function isReadable(bytes: Uint8Array, name: string): boolean {
  try {
    parseKeyFile(bytes, name);
    return true;
  } catch {
    return false;
  }
}
