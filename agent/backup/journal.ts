import { closeSync, constants, fdatasync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fsyncFolder } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ROW_BYTES } from "./chunk-rows.ts";
import { readLines } from "./local-files.ts";
import { RUN_FILES } from "./run-files.ts";

/** What a run is about to put; durable before the first byte leaves. */
export interface Intent {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  /** For packs: how to read it again, and which rows of `chunks.sent` lie in it. */
  readonly pack?: PackNote;
}

export interface PackNote {
  readonly index: number;
  readonly salt: string;
  readonly commit: string;
  readonly secret: boolean;
  /** First row and number of rows in `chunks.sent`. */
  readonly from: number;
  readonly rows: number;
}

/** A run's journal of what it was about to put and what has arrived (docs/FORMAT.md, section 6). */
export interface Journal {
  /** Kept once the intent is on disk. `rows`: the pack's chunks as `chunks.sent` keeps them, one after the other. */
  intent(intent: Omit<Intent, "pack">, pack?: Omit<PackNote, "from" | "rows">, rows?: Uint8Array): Promise<void>;
  /** On disk with the next intent: a receipt that a crash loses costs the pack's reuse, nothing else. */
  receipt(name: string): void;
  /** The vault of that name has not got what comes from here on. */
  missed(vault: string): void;
  close(): void;
}

const NO_ROWS = new Uint8Array(0);

/** fdatasync(2) puts the new length on disk as well. */
const sync = promisify(fdatasync);
const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW, O_APPEND } = constants;

/** @throws ColdkeepError `no-space`, `permission`, else `internal`. */
export function createJournal(folder: string): Journal {
  const path = join(folder, RUN_FILES.journal);
  const fds: number[] = [];
  const failure = (error: unknown) =>
    fromSystemError(error, { what: "cannot write the run's journal", on: path, otherwise: "internal" });
  const guard = <T>(run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw failure(error);
    }
  };
  const create = (file: string) => {
    const fd = openSync(file, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_NOFOLLOW, 0o600);
    fds.push(fd);
    return fd;
  };
  const [lines, sent] = guard(() => {
    const opened = [create(path), create(join(folder, RUN_FILES.sent))] as const;
    fsyncFolder(folder);
    return opened;
  });
  let count = 0;
  const append = (line: object) => write(lines, Buffer.from(`${JSON.stringify(line)}\n`));
  return {
    intent: async (intent, pack, rows = NO_ROWS) => {
      try {
        if (rows.length > 0) write(sent, rows);
        const added = rows.length / ROW_BYTES;
        append({ intent, ...(pack === undefined ? {} : { pack: { ...pack, from: count, rows: added } }) });
        count += added;
        // The order of the two does not matter: only packs with a receipt count, and those come later.
        await Promise.all([...(rows.length > 0 ? [sync(sent)] : []), sync(lines)]);
      } catch (error) {
        throw failure(error);
      }
    },
    receipt: (name) => guard(() => append({ receipt: name })),
    missed: (vault) => guard(() => append({ missed: vault })),
    close: () => {
      for (const fd of fds.splice(0)) closeSync(fd);
    },
  };
}

/**
 * The packs a dead run surely put: those with a receipt. An intent without one may or may not have arrived; its name is
 * burned, and its chunks are stored anew. A torn last line is as if it had not been written.
 */
export function readReceived(folder: string): (Intent & { readonly pack: PackNote })[] {
  const intents = new Map<string, Intent & { readonly pack: PackNote }>();
  const received: (Intent & { readonly pack: PackNote })[] = [];
  for (const line of readLines(join(folder, RUN_FILES.journal))) {
    const step = parse(line);
    if (step === null) break;
    if (step.intent !== undefined && step.pack !== undefined)
      intents.set(step.intent.name, { ...step.intent, pack: step.pack });
    const found = step.receipt === undefined ? undefined : intents.get(step.receipt);
    if (found !== undefined) received.push(found);
  }
  return received;
}

/** The vaults that were left out of a run before it ended. */
export function readMissed(folder: string): ReadonlySet<string> {
  const missed = new Set<string>();
  for (const line of readLines(join(folder, RUN_FILES.journal))) {
    const step = parse(line);
    if (step === null) break;
    if (step.missed !== undefined) missed.add(step.missed);
  }
  return missed;
}

/** Where a pack's rows begin and end in `chunks.sent`, in bytes. */
export function rowRange(pack: PackNote): readonly [from: number, to: number] {
  return [pack.from * ROW_BYTES, (pack.from + pack.rows) * ROW_BYTES];
}

interface Step {
  readonly intent?: Intent;
  readonly pack?: PackNote;
  readonly receipt?: string;
  readonly missed?: string;
}

function parse(line: string): Step | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Step) : null;
  } catch {
    return null;
  }
}

function write(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
