import type { Chance } from "./chance.ts";

/**
 * What became of one calamity.
 *
 * - `survived`: the work went on, or goes on after the next start, as though nothing had been.
 * - `detected`: it was told in words, and nothing was lost by it.
 * - `lost`: a promise was broken: something was lost, taken for good, shown half done, or the node stayed down.
 */
export type Outcome = "survived" | "detected" | "lost";

/** One line of the report. */
export interface Row {
  /** The calamity, in words that follow "how often": "kill -9 during backup". Lines of one name are summed. */
  readonly what: string;
  readonly times: number;
  readonly survived: number;
  readonly detected: number;
  readonly lost: number;
}

/** A promise that was broken, with all that is needed to see it again. */
export interface Failure {
  readonly what: string;
  readonly round: number;
  readonly why: string;
}

/** What a campaign is given. */
export interface Context {
  readonly seed: string;
  /** An empty folder of its own, gone afterwards; kept with --keep. */
  readonly scratch: string;
  /**
   * Plays `play` round after round, each with a chance of its own, until rounds or minutes are used up. What a round
   * throws counts as lost, under the name that `record` was last given or will be; the campaign goes on unless
   * `stopAtFailure` says otherwise.
   */
  rounds(play: (chance: Chance, round: number) => Promise<void>): Promise<void>;
  /** Counts what became of a calamity, or of `times` of them. `why` is needed for what is lost. */
  record(what: string, outcome: Outcome, more?: { readonly times?: number; readonly why?: string }): void;
  /** Measured figures that are no calamities: the longest, the largest. The last of one name counts. */
  measure(name: string, value: number | string): void;
  /** Counts what happened and is no calamity; summed over all results of a campaign. */
  count(name: string, times: number): void;
  /** A line on stderr. */
  say(text: string): void;
}

/** One campaign is one file under test/torture, which exports this by the name `campaign`. */
export interface Campaign {
  /** One word, as in `--campaign crash`. */
  readonly name: string;
  /** What it shows, as a sentence of the report. */
  readonly shows: string;
  /** Why it cannot run here; null where it can. */
  missing?(): Promise<string | null>;
  run(context: Context): Promise<void>;
}

/** As it lies in test/torture/results/<campaign>-<seed>.json. Running the same seed again replaces it. */
export interface Result {
  readonly campaign: string;
  readonly shows: string;
  readonly seed: string;
  readonly rounds: number;
  /** Seconds it took. */
  readonly took: number;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Version and commit of what was tried. */
  readonly version: string;
  readonly rows: readonly Row[];
  readonly measured: Readonly<Record<string, number | string>>;
  readonly counted?: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  /** Rounds that are in no row, since what called them lost was a fault of the campaign itself; `why` says which. */
  readonly discounted?: readonly Failure[];
}
