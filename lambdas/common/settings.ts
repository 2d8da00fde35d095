import { readFileSync } from "node:fs";
import { type NodeName, toNodeName } from "../../vault/names/index.ts";
import { parseDuration, parseTimeOfDay, type Tiers, tiersOf } from "../../vault/retain/index.ts";
import { SETTINGS_FILE, type WrittenNode, type WrittenSettings } from "./contract.ts";

export interface NodeSettings {
  readonly name: NodeName;
  readonly tiers: Tiers;
  readonly cardKey?: string;
  /** Minutes since midnight in the tiers' timezone. */
  readonly at: number;
  /** Milliseconds. */
  readonly staleAfter: number;
  readonly rereadDays: number;
}

/** By name. */
export type Settings = ReadonlyMap<string, NodeSettings>;

/** Reads the settings that were deployed beside the code. */
export function readSettings(folder: string | URL): Settings {
  return settingsOf(JSON.parse(readFileSync(new URL(SETTINGS_FILE, folder), "utf8")) as WrittenSettings);
}

/** @throws Error where they are of another format: code and settings come out of one deployment. */
export function settingsOf(written: WrittenSettings): Settings {
  if (written.format !== 1) throw new Error(`${SETTINGS_FILE} is of format ${written.format}, this code reads 1`);
  return new Map(written.nodes.map((node) => [node.name, nodeOf(node)]));
}

const DEFAULT_TIERS = { keep_within: "15d", timezone: "UTC" } as const;

function nodeOf({ name, tiers, card_key, at, stale_after, reread_days }: WrittenNode): NodeSettings {
  return {
    name: toNodeName(name),
    tiers: tiersOf(tiers ?? DEFAULT_TIERS),
    ...(card_key === undefined ? {} : { cardKey: card_key }),
    at: known(parseTimeOfDay(at), `${name}: at`),
    staleAfter: known(parseDuration(stale_after), `${name}: stale_after`),
    rereadDays: reread_days,
  };
}

function known<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`${SETTINGS_FILE}: ${what} cannot be read`);
  return value;
}

/** By what a node is judged in the status page. */
export function standardsOf(node: NodeSettings): { tiers: Tiers; limits: { maxAgeMs: number } };
export function standardsOf(node: NodeSettings | undefined): { tiers: Tiers; limits: { maxAgeMs: number } } | undefined;
export function standardsOf(node: NodeSettings | undefined) {
  return node === undefined ? undefined : { tiers: node.tiers, limits: { maxAgeMs: node.staleAfter } };
}

/** The same of all nodes. */
export function allStandards(settings: Settings) {
  return new Map([...settings.values()].map((node) => [node.name, standardsOf(node)]));
}
