import { ColdkeepError, isColdkeepError, messageOf, type VaultId } from "../../vault/names/index.ts";
import type { BackupResult } from "../backup/index.ts";
import { catchUp } from "./catch-up.ts";
import type { Call } from "./define.ts";
import type { Feeding } from "./feeding.ts";
import type { Indexed } from "./index-after.ts";
import { type Retained, retainAfter } from "./retain-after.ts";
import type { Session } from "./session.ts";

/** What became of a snapshot in one vault. */
export interface VaultAnswer {
  readonly name: string;
  readonly url: string;
  /** `copied`: it took no part, having missed snapshots before, and was brought up afterwards. */
  readonly outcome: "stored" | "copied" | "behind" | "failed";
  readonly error?: string;
  readonly retained?: Retained;
}

/** Brings up what is behind, lets the tiers rule where the snapshot is good, and says how each vault came out. */
export async function concludeVaults(
  place: { readonly session: Session; readonly vault: VaultId },
  feeding: Feeding,
  indexed: readonly Indexed[],
  call: Call,
): Promise<readonly VaultAnswer[]> {
  const { session, vault } = place;
  const answers = new Map<string, VaultAnswer>();
  for (const { fed, entry } of indexed) {
    const { name, store } = fed;
    const retained = entry?.state === "good" ? await retainAfter(session, fed, vault, call) : null;
    const answer = { name, url: store.url, outcome: "stored" } as const;
    answers.set(name, retained === null ? answer : { ...answer, retained });
  }
  const source = indexed.find(({ entry }) => entry?.state === "good")?.fed;
  for (const { name, error } of feeding.lost()) {
    const url = session.config.vaults.find((settings) => settings.name === name)?.url ?? "";
    const to = feeding.opened.find((fed) => fed.name === name);
    const canCopy = isColdkeepError(error, "behind") && source !== undefined && to !== undefined;
    const left = canCopy ? await catchUp(place, source, to, call) : error;
    if (left === null) answers.set(name, { name, url, outcome: "copied" });
    else answers.set(name, { name, url, outcome: canCopy ? "behind" : "failed", error: messageOf(left) });
  }
  return session.config.vaults.flatMap(({ name }) => answers.get(name) ?? []);
}

/** One line a vault. */
export function vaultText({ name, url, outcome, error }: VaultAnswer): string {
  const words = { stored: "stored", copied: "brought up by copying", behind: "BEHIND", failed: "FAILED" }[outcome];
  return `${name}  ${url}  ${words}${error === undefined ? "" : `: ${error}`}`;
}

/** A snapshot that is missing somewhere is reported as such, though it is safe elsewhere. */
export function notEverywhere({ snapshot }: BackupResult, vaults: readonly VaultAnswer[]): ColdkeepError | null {
  const without = vaults.filter(({ error }) => error !== undefined);
  if (without.length === 0) return null;
  return new ColdkeepError("partial", {
    what: "the snapshot is not in every vault",
    on: snapshot,
    why: without.map(({ name, error }) => `${name}: ${error}`).join("; "),
    todo: "the next backup brings up each vault that it can reach by then; `coldkeep copy` does it now",
  });
}
