import type { CommandLine } from "./types.ts";
import type { Window } from "./windows.ts";

/** A question with yes or no for an answer: the JSON answer has one of `is` at `field`, or a command ends with 0. */
export type ConditionSettings =
  | { readonly url: string; readonly field: string; readonly is: readonly string[] }
  | { readonly command: CommandLine; readonly field?: string; readonly is: readonly string[] };

/** Nodes of which only so many are down at once. */
export interface FleetSettings {
  readonly name: string;
  readonly most: number;
  /** How long to wait for a turn. Milliseconds. */
  readonly waitMs: number;
}

/** When a node may be stopped. */
export interface StopSettings {
  /** None: at any time. */
  readonly windows: readonly Window[];
  /** IANA name. */
  readonly timezone: string;
  readonly skipIfSyncing?: ConditionSettings;
  readonly skipIfLeader?: ConditionSettings;
  readonly group?: FleetSettings;
}
