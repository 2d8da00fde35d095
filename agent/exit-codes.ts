import { type ErrorKind, isColdkeepError } from "../vault/names/index.ts";

/** What a run of coldkeep came to: `ok`, or the kind of error that ended it. */
export type Outcome = "ok" | ErrorKind;

/**
 * The one list of exit codes; docs/CLI.md's table is made from it. A code that is not in it means failure, too. Codes
 * are never given a second meaning.
 */
export const EXIT_CODES: Readonly<Record<Outcome, { readonly code: number; readonly meaning: string }>> = {
  ok: { code: 0, meaning: "done" },
  internal: { code: 1, meaning: "a defect in coldkeep, or an error it has no name for" },
  usage: { code: 2, meaning: "the command line was not understood" },
  config: { code: 3, meaning: "the configuration is missing or wrong" },
  key: { code: 4, meaning: "a key is missing, wrong, of the wrong length, or opens nothing" },
  "node-stop": { code: 5, meaning: "the node would not stop; it was started again" },
  "node-start": { code: 6, meaning: "the node would not start again: it may be DOWN" },
  "node-down": { code: 7, meaning: "the node did not answer: no backup was made, the node was restarted" },
  vault: { code: 8, meaning: "the vault cannot be reached" },
  integrity: { code: 9, meaning: "something stored is damaged, forged or not what it claims to be" },
  busy: { code: 10, meaning: "another run is active on this node" },
  "not-found": { code: 11, meaning: "what was named does not exist" },
  refused: { code: 12, meaning: "coldkeep refused: it would have been unsafe" },
  "no-space": { code: 13, meaning: "no space left" },
  permission: { code: 14, meaning: "a permission is missing" },
  "outcome-unknown": { code: 15, meaning: "it could not be found out whether the snapshot was committed" },
  behind: { code: 16, meaning: "a vault lacks snapshots that another has: `coldkeep copy` brings it up" },
  partial: { code: 17, meaning: "the snapshot is stored, but not in every vault of the configuration" },
  skipped: {
    code: 18,
    meaning: "no backup was made, as was asked for: a pause, a window, a leader, or the group's turn",
  },
  syncing: { code: 19, meaning: "no backup was made: the node is catching up, or it could not be told whether it is" },
  stale: { code: 20, meaning: "the newest good snapshot is older than `watch` allows, or there is none" },
  unproven: { code: 21, meaning: "no snapshot was restored by a drill for longer than `watch` allows" },
  "not-well": {
    code: 22,
    meaning: "the data is restored and the node was started, but it did not reach its snapshot's height in time",
  },
  interrupted: { code: 130, meaning: "interrupted by a signal; the node runs, nothing half-done is visible" },
};

/** The kind of anything that was thrown: what is no ColdkeepError is a defect. */
function kindOf(error: unknown): ErrorKind {
  return isColdkeepError(error) ? error.kind : "internal";
}

/** The exit code of anything that was thrown. */
export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[kindOf(error)].code;
}
