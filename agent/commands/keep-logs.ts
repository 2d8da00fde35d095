import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { walWrites } from "../exchange/index.ts";
import { counted } from "../report/index.ts";
import type { RestoreOptions } from "../restore/index.ts";
import type { Call } from "./define.ts";
import type { RestoreFlags } from "./restore.command.ts";

/**
 * `restore --keep-logs`, as BackupEngine's keep_log_files: the node's own WAL goes on top of the snapshot, so that the
 * database comes back as it is now, and not as it was. Only where the logs prove that nothing is missing between the two:
 * they hold the snapshot's own, and each write follows on the one before. Those that RocksDB has moved to `archive` count.
 * They are copied into what was staged, before any of it is in place.
 * @throws ColdkeepError `usage` where it means nothing.
 */
export function keepingLogs(
  node: NodeSettings,
  { flags, progress }: Call<RestoreFlags>,
): Pick<RestoreOptions, "adapt" | "adapted"> {
  if (flags.keepLogs !== true) return {};
  if (node.profile !== "rocksdb" || flags.to !== undefined) {
    throw new ColdkeepError("usage", {
      what: "--keep-logs keeps the logs that a RocksDB has in place",
      on: node.name,
      why: flags.to !== undefined ? "there are none in a fresh folder" : `its profile is ${node.profile}`,
      todo: "leave it out",
    });
  }
  const live = new Map(node.roots.map(({ name, path }) => [name, path]));
  return {
    adapted: "keep-logs",
    async adapt(roots) {
      progress.stage("keep logs");
      const places = roots.flatMap(({ name, path }) =>
        foldersWithLogs(path).map((inside) => ({
          staged: join(path, inside),
          there: join(live.get(name) ?? "", inside),
        })),
      );
      if (places.length === 0) throw refusal(node.name, "the snapshot has no log that others could follow on");
      // All are looked at before one is touched.
      const found = places.map((place) => ({ ...place, logs: provenLogs(place.staged, place.there) }));
      for (const { staged, logs } of found) for (const log of logs.values()) keep(log, staged);
      const kept = found.reduce((sum, { logs }) => sum + logs.size, 0);
      progress.warn(`${counted(kept, "log")} of the node's own kept, as --keep-logs asks: it comes back as it is now`);
    },
  };
}

const LOG = /^(\d{1,19})\.log$/;
const ARCHIVE = "archive";

function foldersWithLogs(root: string): string[] {
  const folders = ["", ...readdirSync(root, { recursive: true, encoding: "utf8" })];
  return folders.filter(
    (inside) =>
      basename(inside) !== ARCHIVE &&
      lstatSync(join(root, inside)).isDirectory() &&
      logsIn(join(root, inside)).size > 0,
  );
}

/** By number, the lowest first. */
function logsIn(folder: string): Map<bigint, string> {
  const names = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
  const logs = names.flatMap((name) => {
    const number = LOG.exec(name)?.[1];
    return number === undefined ? [] : [[BigInt(number), join(folder, name)] as const];
  });
  return new Map(logs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The node's logs from the snapshot's first on. @throws ColdkeepError `refused` where something is missing in them. */
function provenLogs(staged: string, there: string): Map<bigint, string> {
  const own = logsIn(staged);
  const lowest = own.keys().next().value ?? 0n;
  const all = [...logsIn(join(there, ARCHIVE)), ...logsIn(there)].filter(([number]) => number >= lowest);
  const logs = new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const [number, path] of own) {
    const now = logs.get(number);
    if (now === undefined)
      throw refusal(there, `${basename(path)}, which the snapshot ends with, is not there any more`);
    if (!goesOn(path, now)) throw refusal(now, "it does not begin as the snapshot has it");
  }
  assertUnbroken(logs, there);
  return logs;
}

/** Each write has to follow on the one before, over all logs; only the last one may be cut off in a write. */
function assertUnbroken(logs: ReadonlyMap<bigint, string>, there: string): void {
  let next: bigint | null = null;
  let cutOff: string | null = null;
  for (const [number, path] of logs) {
    if (cutOff !== null) throw refusal(cutOff, "it is cut off in a write, and others follow");
    const writes = walWrites(path, number);
    let step = writes.next();
    for (; step.done !== true; step = writes.next()) {
      const { sequence, count } = step.value;
      if (next !== null && sequence !== next) throw refusal(path, `writes ${next} to ${sequence - 1n} are in no log`);
      next = sequence + BigInt(count);
    }
    if (step.value === "cut off") cutOff = path;
  }
  if (next === null) throw refusal(there, "there is no write in its logs, so nothing shows that none is missing");
}

/** Whether `now` begins with all that `then` holds; what was made in advance at its end is nothing yet. */
function goesOn(then: string, now: string): boolean {
  const [a, b] = [openSync(then, "r"), openSync(now, "r")];
  try {
    const [x, y] = [Buffer.alloc(1 << 16), Buffer.alloc(1 << 16)];
    const size = fstatSync(a).size;
    for (let at = 0; at < size; at += x.length) {
      const left = x.subarray(0, readSync(a, x, 0, x.length, at));
      const right = y.subarray(0, readSync(b, y, 0, left.length, at));
      if (left.equals(right)) continue;
      // Zeros to the end, which the node has written over, or cut away when it closed the log.
      const differs = left.findIndex((byte, i) => byte !== right[i]);
      return left.subarray(differs).every((byte) => byte === 0) && isZero(a, at + left.length, x);
    }
    return true;
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

function isZero(fd: number, from: number, buffer: Buffer): boolean {
  for (let at = from; ; ) {
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) return true;
    if (!buffer.subarray(0, read).every((byte) => byte === 0)) return false;
    at += read;
  }
}

/** A copy: with --keep-old both go on to exist, and the node writes to one of them. */
function keep(log: string, folder: string): void {
  const to = join(folder, basename(log));
  try {
    const { mode, uid, gid, atime, mtime } = lstatSync(log);
    rmSync(to, { force: true });
    copyFileSync(log, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    chmodSync(to, mode & 0o777);
    if (process.getuid?.() === 0) chownSync(to, uid, gid);
    utimesSync(to, atime, mtime);
  } catch (error) {
    throw fromSystemError(error, { what: "a log cannot be kept", on: log, otherwise: "refused" });
  }
}

function refusal(on: string, why: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the node's logs cannot be kept",
    on,
    why,
    todo: "restore without --keep-logs: the snapshot has a log of its own; RocksDB keeps logs with WAL_ttl_seconds",
  });
}
