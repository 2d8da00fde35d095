import { closeSync, constants, openSync, readSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { systemCode } from "../../vault/names/index.ts";
import { changed } from "./read-file.ts";
import type { CopyJob } from "./seal-messages.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** What is read by one call; no copy that lies beside others is larger than half of it. Bytes. */
const BLOCK = 512 * 1024;

/**
 * Reads copies of small files that lie end to end in one file of the frozen tree: many by one call, as opening and reading
 * each would take longer than sealing it. The file stays open for the next job.
 */
export interface CopyReader {
  /**
   * The bytes of one of a job's copies: a view that the next call may overwrite.
   * @throws ColdkeepError `integrity`, `permission`, else `internal`.
   */
  read(job: CopyJob, n: number): Uint8Array;
  close(): void;
}

export function makeCopyReader(): CopyReader {
  let open: { readonly source: string; readonly fd: number } | null = null;
  let block: Uint8Array = new Uint8Array(0);
  /** The stretch of the file that lies in `block`. */
  let held = { from: 0, to: 0 };

  function close(): void {
    if (open !== null) closeSync(open.fd);
    open = null;
    held = { from: 0, to: 0 };
  }

  function fdOf(job: CopyJob, n: number): number {
    if (open?.source === job.source) return open.fd;
    close();
    const fd = openCopies(job, n);
    open = { source: job.source, fd };
    return fd;
  }

  /** Reads from copy `n` on as much as there is room for. */
  function fill(job: CopyJob, n: number): void {
    const fd = fdOf(job, n);
    const from = job.offsets[n] ?? 0;
    const [end, room] = [endOf(job, n), Math.max(BLOCK, job.sizes[n] ?? 0)];
    if (block.length < room) block = new Uint8Array(room);
    let to = from;
    for (let m = n; m < job.offsets.length && endOf(job, m) <= from + room; m += 1) to = Math.max(to, endOf(job, m));
    let at = from;
    try {
      while (at < to) {
        const got = readSync(fd, block, at - from, to - at, at);
        if (got === 0) break;
        at += got;
      }
    } catch (error) {
      throw fromSystemError(error, { what: "cannot read a frozen file", on: shownOf(job, n), otherwise: "integrity" });
    }
    held = { from, to: at };
    if (at < end) throw changed(shownOf(job, n), `it ends at byte ${at - from}, ${end - from} bytes were captured`);
  }

  return {
    read(job, n) {
      const from = job.offsets[n] ?? 0;
      if (open?.source !== job.source || from < held.from || endOf(job, n) > held.to) fill(job, n);
      return block.subarray(from - held.from, endOf(job, n) - held.from);
    },
    close,
  };
}

function endOf({ offsets, sizes }: CopyJob, n: number): number {
  return (offsets[n] ?? 0) + (sizes[n] ?? 0);
}

/** Path in the snapshot, for messages. */
function shownOf({ paths }: CopyJob, n: number): string {
  return Buffer.from(paths.split("\0")[n] ?? "", "latin1").toString("utf8");
}

function openCopies(job: CopyJob, n: number): number {
  try {
    return openSync(Buffer.from(job.source, "latin1"), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const on = shownOf(job, n);
    if (systemCode(error) === "ENOENT") throw changed(on, "it is gone");
    throw fromSystemError(error, { what: "cannot read a frozen file", on, otherwise: "internal" });
  }
}
