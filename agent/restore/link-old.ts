import { type BigIntStats, closeSync, fstatSync, linkSync, lstatSync, realpathSync, unlinkSync } from "node:fs";
import { dataExtents } from "../../posix/holes.ts";
import { toFileTime } from "../../posix/times.ts";
import { readXattrs } from "../../posix/xattrs.ts";
import { systemCode } from "../../vault/names/index.ts";
import { type BytePath, parentOf, toBytes } from "./byte-path.ts";
import { type Metadata, TAKEN, type TakeFile, type TakenFile } from "./jobs.ts";
import { openOld } from "./open-old.ts";
import { stagedBytes } from "./place-files.ts";
import { type IdKey, isChunk, isZero, readPiece } from "./read-piece.ts";

/** Set by the system for every file it sees; a file that stays keeps its own. */
const SYSTEMS_OWN = "security.selinux";

/**
 * Gives an old file that is in all what the snapshot holds a second name in staging: nothing is copied, and nothing of
 * it written. Null where anything differs, it has other names already, or the file system cannot.
 */
export function linkOld(job: IdKey, file: TakeFile, old: BytePath): TakenFile | null {
  if (!isDirectly(old)) return null;
  const source = openOld(old);
  if (source === null) return null;
  try {
    const info = fstatSync(source.fd, { bigint: true });
    if (info.nlink !== 1n || source.size !== file.size) return null;
    if (!hasMetadata(info, old, file.metadata) || !holds(job, file, source.fd)) return null;
    return linkInode(old, stagedBytes(file), info)
      ? { kind: "linked", states: new Uint8Array(file.pieces.length).fill(TAKEN.proven) }
      : null;
  } catch (error) {
    // The old data may be anything; what it cannot give is fetched. Staging's own troubles are met again on that way.
    if (systemCode(error) === undefined) throw error;
    return null;
  } finally {
    closeSync(source.fd);
  }
}

/** The names of the folder last asked about; files come folder by folder. */
let last = { parent: "", direct: false };

/** Whether no symlink leads to the file: what lies elsewhere stays somebody else's. */
function isDirectly(path: BytePath): boolean {
  const parent = parentOf(path);
  if (last.parent !== parent) {
    last = { parent, direct: false };
    try {
      last.direct = realpathSync.native(toBytes(parent), { encoding: "latin1" }) === parent;
    } catch {
      // Not there.
    }
  }
  return last.direct;
}

function hasMetadata(info: BigIntStats, path: BytePath, { mode, owner, mtime, xattrs }: Metadata): boolean {
  if (Number(info.mode & 0o7777n) !== mode) return false;
  const uid = owner?.uid ?? process.getuid?.();
  const gid = owner?.gid ?? process.getgid?.();
  if (Number(info.uid) !== uid || Number(info.gid) !== gid) return false;
  const time = toFileTime(info.mtimeNs);
  if (time.seconds !== mtime.seconds || time.nanoseconds !== mtime.nanoseconds) return false;
  const found = readXattrs(toBytes(path)).filter(({ name }) => name !== SYSTEMS_OWN);
  const wanted = xattrs.filter(({ name }) => name !== SYSTEMS_OWN);
  return (
    found.length === wanted.length &&
    found.every(({ name, value }, n) => name === wanted[n]?.name && Buffer.compare(value, wanted[n].value) === 0)
  );
}

function holds(job: IdKey, file: TakeFile, fd: number): boolean {
  const extents = dataExtents(fd, file.size);
  return file.pieces.every(({ at, length, id }) => {
    if (id === null) return isZero(fd, at, length, extents).zero;
    const bytes = readPiece(fd, at, length);
    return bytes !== null && isChunk(job, bytes, id, file.secret);
  });
}

function linkInode(old: BytePath, path: Buffer, { dev, ino }: BigIntStats): boolean {
  linkSync(toBytes(old), path);
  const made = lstatSync(path, { bigint: true });
  if (made.dev === dev && made.ino === ino) return true;
  unlinkSync(path);
  return false;
}
