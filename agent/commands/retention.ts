import { ColdkeepError, type NodeName, type VaultId } from "../../vault/names/index.ts";
import type { Brake, Tiers } from "../../vault/retain/index.ts";
import type { Deleter, Store } from "../../vault/store/index.ts";
import { tiersFor } from "../config/index.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";
import { openSession, pickVault, scopeOf } from "./session.ts";

/** What the commands of retention work on. */
export interface Retention {
  readonly store: Store & Deleter;
  readonly node: NodeName;
  readonly tiers: Tiers;
  readonly scope: { readonly node: NodeName; readonly vault?: VaultId };
}

export async function openRetention(call: Call, mode: "read" | "write"): Promise<Retention> {
  const { config, node } = openSession(call);
  const settings = pickVault(config, call.flags.vault);
  const store = await openOneVault(settings, call, mode);
  const { tiers } = tiersFor(config, settings, node);
  return { store, node: node.name, tiers, scope: scopeOf(config, node.name) };
}

/** Why a command that was to be carried out was not. */
export function heldBack(command: string, node: NodeName, held: readonly Brake[]): ColdkeepError {
  const kinds = [...new Set(held.map(({ kind }) => kind))];
  return new ColdkeepError("refused", {
    what: "held back, as it looks like a mistake",
    on: node,
    why: held.map(({ kind, why }) => `${kind}: ${why}`).join("; "),
    todo: `If it is meant: coldkeep ${command} --apply ${kinds.map((kind) => `--despite ${kind}`).join(" ")}`,
  });
}

/** The same for a dry run, which holds nothing. */
export function brakesText(command: string, held: readonly Brake[]): string {
  return held
    .map(
      ({ kind, why }) =>
        `HELD BACK (${kind}): ${why}.\n  If it is meant: coldkeep ${command} --apply --despite ${kind}`,
    )
    .join("\n");
}
