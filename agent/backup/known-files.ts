import { join } from "node:path";
import type { KnownFiles } from "../freeze/types.ts";
import { rowsOf } from "./chunk-rows.ts";
import { fingerprintOfLine, lineToEntry, pathOfLine } from "./entry-line.ts";
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
    const fingerprint = fingerprintOfLine(line);
    if (!fingerprint.startsWith(COPIED)) continue;
    const whole = lost === null || !lineToEntry(line).pieces.some((piece) => piece >= 0 && lost[piece] === 1);
    if (whole) files.add(pathOfLine(line), fingerprint);
  }
  return files;
}

function lostRows(path: string, rows: number, dropped: number): Uint8Array {
  const lost = new Uint8Array(rows);
  for (const { row, origin } of rowsOf(readBlocks(path))) if (origin < dropped) lost[row] = 1;
  return lost;
}

const WORDS = 4;

/**
 * Pairs of texts by 128 bits of a digest that is another in each run; open addressing, at most half full. Two pairs with
 * one digest make a run fail, where a file is found to be neither copied nor known (`scan`), and nothing else: so it need
 * not withstand whoever could choose names and knew its seed.
 */
function makeDigestSet() {
  let slots = new Uint32Array(1024 * WORDS);
  let count = 0;
  const seed = crypto.getRandomValues(new Uint32Array(WORDS));
  const digest = new Uint32Array(WORDS);

  /** Its last word is never zero, which is what a free slot has there. */
  function digestOf(path: string, fingerprint: string): void {
    digest.set(seed);
    stir(digest, path);
    stir(digest, fingerprint);
    digest[WORDS - 1] = (digest[WORDS - 1] ?? 0) | 1;
  }

  /** Where the digest at `at` of `of` is, or the free slot that it belongs in. */
  function find(of: Uint32Array, at: number): number {
    const last = slots.length - WORDS;
    for (let slot = ((of[at] ?? 0) * WORDS) & last; ; slot = (slot + WORDS) & last) {
      if (slots[slot + 3] === 0) return slot;
      const same =
        slots[slot] === of[at] &&
        slots[slot + 1] === of[at + 1] &&
        slots[slot + 2] === of[at + 2] &&
        slots[slot + 3] === of[at + 3];
      if (same) return slot;
    }
  }

  function grow(): void {
    const old = slots;
    slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + WORDS - 1] !== 0) slots.set(old.subarray(at, at + WORDS), find(old, at));
    }
  }

  return {
    add(path: string, fingerprint: string) {
      digestOf(path, fingerprint);
      const at = find(digest, 0);
      if (slots[at + WORDS - 1] !== 0) return;
      slots.set(digest, at);
      count += 1;
      if (count * 2 * WORDS > slots.length) grow();
    },
    has(path: string, fingerprint: string) {
      digestOf(path, fingerprint);
      return slots[find(digest, 0) + WORDS - 1] !== 0;
    },
  };
}

/** Mixes a text and its length into a digest. */
function stir(digest: Uint32Array, text: string): void {
  let [a = 0, b = 0, c = 0, d = 0] = digest;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b ^ a ^ unit, 0x85ebca77);
    b = (b << 13) | (b >>> 19);
    c = Math.imul((c ^ b) + unit, 0xc2b2ae3d);
    c = (c << 17) | (c >>> 15);
    d = Math.imul((d ^ c) + unit, 0x27d4eb2f);
    d = (d << 11) | (d >>> 21);
    a ^= d;
  }
  digest[0] = Math.imul(a ^ text.length ^ (a >>> 16), 0x85ebca6b);
  digest[1] = Math.imul(b ^ text.length ^ (b >>> 13), 0xc2b2ae35);
  digest[2] = Math.imul(c ^ (c >>> 15), 0x2c1b3c6d);
  digest[3] = Math.imul(d ^ (d >>> 14), 0x297a2d39);
}
