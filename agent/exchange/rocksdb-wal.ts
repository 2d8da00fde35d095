import { closeSync, openSync, readSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { crc32c } from "./crc32c.ts";

/** A write of RocksDB: the number of its first change, and how many there are. */
export interface WalWrite {
  readonly sequence: bigint;
  readonly count: number;
}

/** Of a log's format (db/log_format.h). */
const BLOCK = 32_768;
const HEADER = 7;
/** Of records in a log that may be used again, which say of which log they are. */
const RECYCLABLE_HEADER = 11;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];
const COMPRESSED = 9;
const TIMESTAMP_SIZES = [10, 11];
/** A write begins with its sequence number, 8 bytes, and its count, 4 (db/write_batch.cc). */
const WRITE_HEADER = 12;

/**
 * The writes of a WAL file in their order, each fragment's checksum compared. Returns whether it ends where a log may end;
 * a log of a process that was killed may be cut off in a record.
 * @param number what it is called by: what an earlier use of the file left behind it bears another
 * @throws ColdkeepError `refused` for a log that is compressed, or of a kind that is not known.
 */
export function* walWrites(path: string, number: bigint): Generator<WalWrite, "whole" | "cut off"> {
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(BLOCK);
    let head: Buffer | null = null;
    for (let offset = 0; ; offset += BLOCK) {
      const block = buffer.subarray(0, readSync(fd, buffer, 0, BLOCK, offset));
      for (let at = 0; block.length - at >= HEADER; ) {
        const [length, type] = [block.readUInt16LE(at + 4), block.readUInt8(at + 6)];
        // The rest was made in advance.
        if (type === 0 && length === 0) return head === null ? "whole" : "cut off";
        const recyclable = (type >= FULL + 4 && type <= LAST + 4) || type === TIMESTAMP_SIZES[1];
        const header = recyclable ? RECYCLABLE_HEADER : HEADER;
        const end = at + header + length;
        if (end > block.length) return "cut off";
        if (recyclable && block.readUInt32LE(at + HEADER) !== Number(number & 0xffff_ffffn)) {
          return head === null ? "whole" : "cut off";
        }
        if (masked(crc32c(block.subarray(at + 6, end))) !== block.readUInt32LE(at)) return "cut off";
        const payload = block.subarray(at + header, end);
        at = end;
        if (TIMESTAMP_SIZES.includes(type)) continue;
        const part = recyclable ? type - 4 : type;
        if (part < FULL || part > LAST) throw unknown(path, type);
        if ((part === FULL || part === FIRST) !== (head === null)) return "cut off";
        // Copied, as the block is read over.
        head = Buffer.concat([head ?? Buffer.alloc(0), payload.subarray(0, WRITE_HEADER)]);
        if (part === FIRST || part === MIDDLE) continue;
        if (head.length < WRITE_HEADER) return "cut off";
        yield { sequence: head.readBigUInt64LE(0), count: head.readUInt32LE(8) };
        head = null;
      }
      if (block.length < BLOCK) return head === null ? "whole" : "cut off";
    }
  } finally {
    closeSync(fd);
  }
}

/** Checksums of data that may hold checksums itself are kept like this (util/crc32c.h). */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function unknown(path: string, type: number): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "a log cannot be kept",
    on: path,
    why: type === COMPRESSED ? "it is compressed (wal_compression)" : `it has records of an unknown kind, ${type}`,
    todo: "restore without --keep-logs: the snapshot has a log of its own",
  });
}
