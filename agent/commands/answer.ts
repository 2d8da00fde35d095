import type { ColdkeepError } from "../../vault/names/index.ts";

/** What a command has to say at its end. */
export interface Answer {
  /** The one JSON document of --json; absent where the command has written it already. */
  readonly document?: unknown;
  /** The same for people. */
  readonly text: string;
  /** Printed after the answer, and decides the exit code: a verify that found damage has an answer and fails. */
  readonly failure?: ColdkeepError;
}
