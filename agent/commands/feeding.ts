import { isColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { Deleter, Store } from "../../vault/store/index.ts";
import { type LostVault, makeVaultSet, type VaultMember, type VaultSet } from "../backup/index.ts";
import type { Config, VaultSettings } from "../config/index.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";

/** A vault of the configuration, opened for a backup. */
export interface Fed extends VaultMember {
  readonly settings: VaultSettings;
  readonly store: Store & Deleter;
}

/** All vaults that a backup feeds. */
export interface Feeding {
  readonly set: VaultSet<Fed>;
  /** Those that could be opened, in the order of the configuration. */
  readonly opened: readonly Fed[];
  /** Those left out so far, and why. */
  lost(): readonly LostVault[];
}

/** Opens all that can be opened; each of the others is warned of. @throws the first error where none can. */
export async function openFeeding({ vaults }: Config, call: Call): Promise<Feeding> {
  const opened: Fed[] = [];
  const closed: LostVault[] = [];
  const onLost = ({ name, error }: LostVault) => {
    if (!isColdkeepError(error, "behind")) call.progress.warn(`vault ${name} is left out: ${messageOf(error)}`);
  };
  for (const settings of vaults) {
    const { name } = settings;
    try {
      opened.push({ name, settings, store: await openOneVault(settings, call, "write") });
    } catch (error) {
      if (vaults.length === 1) throw error;
      closed.push({ name, error });
      onLost({ name, error });
    }
  }
  if (opened.length === 0) throw closed[0]?.error;
  const set = makeVaultSet(opened, { signal: call.io.signal, onLost });
  return { set, opened, lost: () => [...closed, ...set.lost] };
}
