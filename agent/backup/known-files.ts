import { hash } from "node:crypto";
import { join } from "node:path";
import type { KnownFiles } from "../freeze/types.ts";
import { rowsOf } from "./chunk-rows.ts";
import { lineToEntry } from "./entry-line.ts";
import type { ParentTables } from "./known-chunks.ts";
import { readBlocks, readLines } from "./local-files.ts";
import { RUN_FILES } from "./run-files.ts";

/** How fingerprints of what is copied for a snapshot begin; nothing else is spared by being known before. */
const COPIED = "m:";

/**
 * The parent's files that a snapshot on top of it can take over by their fingerprints: those of which all chunks lie in
 * origins that are not given up. 16 to 32 bytes a file, as there may be a million.
 * @param dropped as `droppedOrigins` tells
 */
export function loadKnownFiles({ run }: ParentTables, dropped: number): KnownFiles {
  const lost = dropped === 0 ? null : lostRows(join(run.folder, RUN_FILES.chunks), run.record.row_limit, dropped);
  const files = makeDigestSet();
  for (const line of readLines(join(run.folder, RUN_FILES.entries))) {
    // Cheaper than taking the line apart: most lines are of other files.
    if (!line.includes(`"${COPIED}`)) continue;
    const { path, fingerprint, pieces } = lineToEntry(line);
    const whole = lost === null || !pieces.some((piece) => piece >= 0 && lost[piece] === 1);
    if (whole && fingerprint.startsWith(COPIED)) files.add(`${path}\0${fingerprint}`);
  }
  return { has: (path, fingerprint) => files.has(`${path}\0${fingerprint}`) };
}

function lostRows(path: string, rows: number, dropped: number): Uint8Array {
  const lost = new Uint8Array(rows);
  for (const { row, origin } of rowsOf(readBlocks(path))) if (origin < dropped) lost[row] = 1;
  return lost;
}

const WORDS = 4;

/** Texts by 128 bits of their SHA-256, which no two texts share; open addressing, at most half full. */
function makeDigestSet() {
  let slots = new Uint32Array(1024 * WORDS);
  let count = 0;

  /** Where the digest is, or the free slot that it belongs in. */
  function find(digest: Uint32Array): number {
    const mask = slots.length / WORDS - 1;
    for (let slot = (digest[0] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      if (slots[at + WORDS - 1] === 0 || digest.every((word, i) => slots[at + i] === word)) return at;
    }
  }

  function grow(): void {
    const old = slots;
    slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const digest = old.subarray(at, at + WORDS);
      if (digest[WORDS - 1] !== 0) slots.set(digest, find(digest));
    }
  }

  return {
    add(text: string) {
      const digest = digestOf(text);
      const at = find(digest);
      if (slots[at + WORDS - 1] !== 0) return;
      slots.set(digest, at);
      count += 1;
      if (count * 2 * WORDS > slots.length) grow();
    },
    has(text: string) {
      return slots[find(digestOf(text)) + WORDS - 1] !== 0;
    },
  };
}

/** Its last word is never zero, which is what a free slot has there. */
function digestOf(text: string): Uint32Array {
  const bytes = hash("sha256", text, "buffer");
  const words = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i += 1) words[i] = bytes.readUInt32LE(i * 4);
  words[WORDS - 1] = (words[WORDS - 1] ?? 0) | 1;
  return words;
}
