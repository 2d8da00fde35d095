import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fdatasync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fsyncFolder } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { fromBase64url, isSnapshotId, names, type SnapshotId, toBase64url } from "../../vault/names/index.ts";
import { parseKeyFile } from "../../vault/sealed/index.ts";
import type { RekeyOptions } from "./types.ts";

const sync = promisify(fdatasync);

/** The old key files of one run, kept on this host while the new ones are put and read back: wrapped keys only. */
export interface KeptFiles {
  readonly path: string;
  /** Returns once the bytes would survive a power cut. Many at once cost one flush of the disk. */
  add(snapshot: SnapshotId, bytes: Uint8Array): Promise<void>;
  /** The vault was seen to hold a sound file in its place: the one kept is needed no more. */
  done(snapshot: SnapshotId): void;
  /** Ends the run. What was kept goes where all of it is done; else the next run looks at it. */
  close(): void;
}

/** Begins to keep. @throws ColdkeepError `no-space`, `permission`, else `internal`; so does `add`. */
export function keepOld(folder: string): KeptFiles {
  const path = join(folder, `${process.pid}-${randomBytes(6).toString("hex")}.jsonl`);
  const failed = (error: unknown) =>
    fromSystemError(error, { what: "cannot keep the old key files", on: path, otherwise: "internal" });
  let fd: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_APPEND, 0o600);
    fsyncFolder(folder);
  } catch (error) {
    throw failed(error);
  }
  let flushing: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  const pending = new Set<SnapshotId>();
  return {
    path,
    add: async (snapshot, bytes) => {
      try {
        pending.add(snapshot);
        writeFileSync(fd, `${JSON.stringify({ snapshot, bytes: toBase64url(bytes) })}\n`);
        // One flush under way may have begun before this line: the one after it has it for certain, and others' lines.
        next ??= flushing.then(async () => {
          next = null;
          flushing = sync(fd);
          await flushing;
        });
        await next;
      } catch (error) {
        throw failed(error);
      }
    },
    done: (snapshot) => void pending.delete(snapshot),
    close: () => {
      closeSync(fd);
      if (pending.size === 0) rmSync(path, { force: true });
    },
  };
}

/**
 * Ends what a run that was cut off had begun: where the vault's key file can be read, old or new, it stands, and what was
 * kept goes; where it cannot, the kept one is put back.
 * @returns the snapshots whose key file was put back.
 */
export async function settleKept(o: Pick<RekeyOptions, "store" | "node" | "keepFolder">): Promise<SnapshotId[]> {
  const back: SnapshotId[] = [];
  for (const path of keptPaths(o.keepFolder)) {
    for (const { snapshot, bytes } of keptIn(path)) {
      const name = names.keyJson(o.node, snapshot);
      const there = await o.store.get(name, { maxBytes: 64 << 10 });
      // Nobody who rewrites a key file takes it away: without it and its card the snapshot is gone by rights.
      if (there === null && (await o.store.head(names.card(o.node, snapshot))) === null) continue;
      if (there === null || !isReadable(there.bytes, name)) {
        await o.store.replace(name, bytes, there?.info.etag ?? null);
        back.push(snapshot);
      }
    }
    rmSync(path, { force: true });
  }
  return back;
}

function keptPaths(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((file) => (file.endsWith(".jsonl") ? [join(folder, file)] : []));
  } catch {
    return [];
  }
}

/** A line that a power cut left unfinished is of a key file that nobody had begun to replace. */
function keptIn(path: string): { readonly snapshot: SnapshotId; readonly bytes: Uint8Array }[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const { snapshot, bytes } = JSON.parse(line) as Readonly<Record<string, unknown>>;
        const found = typeof bytes === "string" ? fromBase64url(bytes) : null;
        return typeof snapshot === "string" && isSnapshotId(snapshot) && found !== null
          ? [{ snapshot, bytes: found }]
          : [];
      } catch {
        return [];
      }
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
