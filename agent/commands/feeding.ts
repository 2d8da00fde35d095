import { isColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { type LostVault, makeVaultSet, type VaultSet } from "../backup/index.ts";
import type { Config, VaultSettings } from "../config/index.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";

/** A vault of the configuration, opened for a backup. */
export interface Fed {
  readonly settings: VaultSettings;
  readonly store: Store;
}

/** All vaults that a backup feeds. */
export interface Feeding {
  readonly set: VaultSet;
  /** Those that could be opened, in the order of the configuration. */
  readonly opened: readonly Fed[];
  /** Those that take part still. */
  live(): readonly Fed[];
  /** Those left out so far, and why. */
  lost(): readonly LostVault[];
}

/** Opens all that can be opened; each of the others is warned of. @throws the first error where none can. */
export async function openFeeding({ vaults }: Config, call: Call): Promise<Feeding> {
  const opened: Fed[] = [];
  const closed: LostVault[] = [];
  const onLost = (lost: LostVault) => {
    if (!isColdkeepError(lost.error, "behind"))
      call.progress.warn(`vault ${lost.name} is left out: ${messageOf(lost.error)}`);
  };
  for (const settings of vaults) {
    try {
      opened.push({ settings, store: await openOneVault(settings, call, "write") });
    } catch (error) {
      if (vaults.length === 1) throw error;
      closed.push({ name: settings.name, error });
      onLost({ name: settings.name, error });
    }
  }
  if (opened.length === 0) throw closed[0]?.error;
  const members = opened.map(({ settings: { name }, store }) => ({ name, store }));
  const set = makeVaultSet(members, { signal: call.io.signal, onLost });
  return {
    set,
    opened,
    live: () => opened.filter(({ settings }) => set.live.some(({ name }) => name === settings.name)),
    lost: () => [...closed, ...set.lost],
  };
}
