import { hash } from "node:crypto";
import { canonicalBytes, checkRecord, MAX_ORIGINS, parseCanonical } from "../card/index.ts";
import { ColdkeepError, type SnapshotId } from "../names/index.ts";
import { checkEntry, entryOf, entryToLine, lengthOf, MAX_PIECES } from "./entry.ts";
import { FileLines } from "./file-lines.ts";
import { comparePaths, showPath } from "./paths.ts";
import { segmentHead } from "./schemas.ts";
import type { ManifestEntry } from "./types.ts";

/** A segment ends at a path that the path itself chooses, so that an insertion changes one segment and not all after. */
const CUT_AFTER_ENTRIES = 256;
const CUT_MASK = 0x0f;
const MAX_ENTRIES = 4096;
const CUT_AT_BYTES = 2 * 1024 * 1024;
const NEWLINE = 0x0a;

/** What most segments are smaller than. Bytes. */
const LINES_LEAST = 256 * 1024;

/**
 * Writes segments, one after the other into the same memory: a line with its origins, then one entry a line, all canonical
 * JSON.
 */
export class SegmentWriter {
  #lines: Buffer = Buffer.alloc(LINES_LEAST);
  #origins: SnapshotId[] = [];
  #numbers = new Map<SnapshotId, number>();
  #order = new EntryOrder("segment");
  #entries = 0;
  #size = 0;
  #ends = false;

  /** @throws ColdkeepError `integrity` where the entry breaks a rule of the format or the order. */
  add(entry: ManifestEntry): void {
    this.#order.next(entry);
    const line = entryToLine(entry, this.#numberOf);
    // A character takes at most three bytes.
    this.#makeRoom(this.#size + 3 * line.length + 1);
    this.#size += this.#lines.write(line, this.#size, "utf8");
    this.#lines[this.#size++] = NEWLINE;
    this.#entries += 1;
    this.#ends = this.#shouldEndAfter(entry.path);
  }

  /** Bytes of the entries so far. */
  get size(): number {
    return this.#size;
  }

  get entries(): number {
    return this.#entries;
  }

  /** True where the segment ends with the entry added last. */
  get ends(): boolean {
    return this.#ends;
  }

  /**
   * Ends the segment; what is added next begins another.
   * @param room Memory of so many bytes for it, where it is not to be new.
   */
  finish(room: (length: number) => Uint8Array = (length) => new Uint8Array(length)): Uint8Array {
    const head = canonicalBytes({ origins: this.#origins });
    const bytes = room(head.length + 1 + this.#size);
    bytes.set(head);
    bytes[head.length] = NEWLINE;
    bytes.set(this.#lines.subarray(0, this.#size), head.length + 1);
    this.#origins = [];
    this.#numbers = new Map();
    this.#order = new EntryOrder("segment");
    this.#entries = 0;
    this.#size = 0;
    this.#ends = false;
    return bytes;
  }

  #makeRoom(length: number): void {
    if (length <= this.#lines.length) return;
    const larger = Buffer.alloc(Math.max(length, 2 * this.#lines.length));
    this.#lines.copy(larger, 0, 0, this.#size);
    this.#lines = larger;
  }

  #shouldEndAfter(path: Uint8Array): boolean {
    if (this.#entries >= MAX_ENTRIES || this.#size >= CUT_AT_BYTES) return true;
    if (this.#entries < CUT_AFTER_ENTRIES) return false;
    return ((hash("sha256", path, "buffer")[0] ?? 0) & CUT_MASK) === 0;
  }

  readonly #numberOf = (origin: SnapshotId): number => {
    const known = this.#numbers.get(origin);
    if (known !== undefined) return known;
    if (this.#origins.length >= MAX_ORIGINS) throw refuse(`more than ${MAX_ORIGINS} origins`);
    this.#numbers.set(origin, this.#origins.length);
    return this.#origins.push(origin) - 1;
  };
}

/**
 * The entries of one segment, in order.
 * @param order Carries the order from one segment to the next; each segment by itself where it is left out.
 * @throws ColdkeepError `integrity` where a line is not canonical, breaks a rule, or is out of order.
 */
export function* parseSegment(
  bytes: Uint8Array,
  order: EntryOrder = new EntryOrder("segment"),
): Generator<ManifestEntry> {
  const { origins, files, end: head } = headOf(bytes);
  let entries = 0;
  for (let start = head + 1; start < bytes.length; ) {
    const end = endOfLine(bytes, start);
    if (++entries > MAX_ENTRIES) throw refuse(`more than ${MAX_ENTRIES} entries`);
    const entry =
      files.read(start, end) ??
      entryOf(parseCanonical(bytes.subarray(start, end), `line ${entries + 1} of a segment`), origins);
    checkEntry(entry);
    order.next(entry);
    yield entry;
    start = end + 1;
  }
}

/**
 * The entries of the very bytes that `parseSegment` has been through in this process: that they are in order, canonical and
 * within all bounds is known, and takes as long to find out as to read them.
 */
export function* parseSegmentAgain(bytes: Uint8Array): Generator<ManifestEntry> {
  const { origins, files, end: head } = headOf(bytes);
  for (let start = head + 1; start < bytes.length; ) {
    const end = endOfLine(bytes, start);
    yield files.read(start, end) ?? entryOf(JSON.parse(textOf(bytes.subarray(start, end))), origins);
    start = end + 1;
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/**
 * Checks that entries ascend, that no path comes twice, and that a file of several entries is complete and in one run.
 * One instance follows a whole snapshot; `end` after the last entry.
 */
export class EntryOrder {
  #last: ManifestEntry | null = null;
  /** Where the next part of the last file must begin; null where it is complete. */
  #next: number | null = null;
  readonly #of: "snapshot" | "segment";

  /** @param of A segment by itself may begin in the middle of a file; a snapshot may not. */
  constructor(of: "snapshot" | "segment" = "snapshot") {
    this.#of = of;
  }

  /** @throws ColdkeepError `integrity`. */
  next(entry: ManifestEntry): void {
    const last = this.#last;
    const compared = last === null ? -1 : comparePaths(last.path, entry.path);
    const continues = compared === 0 && this.#next !== null && entry.from === this.#next;
    if (continues && last !== null) this.#assertSameFile(last, entry);
    else {
      this.end();
      if (compared >= 0) throw refuse(`${showPath(entry.path)} is there twice or out of order`);
      if (entry.from !== undefined && (last !== null || this.#of === "snapshot"))
        throw refuse(`the beginning of ${showPath(entry.path)} is missing`);
    }
    this.#last = entry;
    const end = (entry.from ?? 0) + lengthOf(entry.pieces);
    this.#next = end === entry.size ? null : end;
  }

  /** @throws ColdkeepError `integrity` where the last file is not complete. */
  end(): void {
    if (this.#last !== null && this.#next !== null) throw refuse(`the end of ${showPath(this.#last.path)} is missing`);
  }

  #assertSameFile(a: ManifestEntry, b: ManifestEntry): void {
    const same =
      b.type === "file" &&
      a.size === b.size &&
      a.mode === b.mode &&
      a.uid === b.uid &&
      a.gid === b.gid &&
      a.mtime.seconds === b.mtime.seconds &&
      a.mtime.nanoseconds === b.mtime.nanoseconds &&
      a.secret === b.secret &&
      // Attributes stand in the first part only.
      b.xattrs === undefined;
    if (!same) throw refuse(`the parts of ${showPath(b.path)} contradict each other`);
  }
}

/** A file's entry in parts of at most 65,536 pieces: the form in which segments take it. */
export function* splitEntry(entry: ManifestEntry): Generator<ManifestEntry> {
  if (entry.pieces.length <= MAX_PIECES) {
    yield entry;
    return;
  }
  const { xattrs, ...bare } = entry;
  let from = entry.from ?? 0;
  for (let i = 0; i < entry.pieces.length; i += MAX_PIECES) {
    const pieces = entry.pieces.slice(i, i + MAX_PIECES);
    const first = i === 0;
    yield {
      ...bare,
      pieces,
      ...(from === 0 ? {} : { from }),
      ...(first && xattrs !== undefined ? { xattrs } : {}),
    };
    from += lengthOf(pieces);
  }
}

/** The first line of a segment, what reads those of files, and where that line ends. */
function headOf(bytes: Uint8Array) {
  if (bytes.length === 0) throw refuse("it is empty");
  const end = endOfLine(bytes, 0);
  const { origins } = checkRecord(segmentHead, parseCanonical(bytes.subarray(0, end), "segment"), "segment");
  return { origins, files: new FileLines(bytes, origins), end };
}

function endOfLine(bytes: Uint8Array, start: number): number {
  const end = bytes.indexOf(NEWLINE, start);
  if (end < 0) throw refuse("its last line has no end");
  return end;
}

function refuse(why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "cannot read a segment of the manifest", why });
}
