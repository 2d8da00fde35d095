import { DAMAGES_TOLD, damageWords, type KeylessVerdict } from "../../keeper/index.ts";
import type { Finding } from "./tell-people.ts";

/** Findings of one kind that are kept: the report is read again by the next call, and may have 16 MiB. */
const KEPT = 1000;
const WORDS = 900;

/** What one call finds: all is counted, and the first of each kind kept. A vault that lost its packs has a million damages. */
export interface Findings {
  add(finding: Finding): void;
  /** The first damages of a snapshot, and how many more there are. */
  addDamages(verdict: KeylessVerdict): void;
  readonly kept: readonly Finding[];
  /** How many there are of a kind, kept or not; of all kinds where none is given. */
  count(kind?: Finding["kind"]): number;
  /** Snapshots of which something is damaged. */
  readonly damaged: number;
}

export function makeFindings(): Findings {
  const kept: Finding[] = [];
  const counts = { damage: 0, stale: 0, lock: 0, odd: 0 };
  let damaged = 0;
  const add = (finding: Finding) => {
    counts[finding.kind] += 1;
    if (counts[finding.kind] <= KEPT) kept.push({ ...finding, words: finding.words.slice(0, WORDS) });
  };
  return {
    add,
    addDamages: ({ snapshot, damages }) => {
      if (damages.length > 0) damaged += 1;
      for (const damage of damages.slice(0, DAMAGES_TOLD)) {
        add({ kind: "damage", on: snapshot, words: damageWords(damage) });
      }
      const more = damages.length - DAMAGES_TOLD;
      if (more > 0) add({ kind: "damage", on: snapshot, words: `${more} more of its objects are damaged` });
    },
    kept,
    count: (kind) => (kind === undefined ? Object.values(counts).reduce((sum, one) => sum + one, 0) : counts[kind]),
    get damaged() {
      return damaged;
    },
  };
}
