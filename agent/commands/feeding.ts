import { isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { type Deleter, PATIENCE_MS, type Store } from "../../vault/store/index.ts";
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
  /**
   * While `on`, vaults are waited for a minute at most: a turn is held, or the node about to stop, and what was found out
   * before, such as a window or a height, must still hold then.
   */
  hurry(on: boolean): void;
}

/** How long a vault that fails is waited for while there is a hurry. Milliseconds. */
const HURRY_MS = 60_000;
/** The same while another vault gets the snapshot: the one that is left out is brought up by the next backup. Milliseconds. */
const SHARED_MS = 5 * 60_000;

/** Opens all that can be opened; each of the others is warned of. @throws the first error where none can. */
export async function openFeeding({ vaults }: Config, call: Call): Promise<Feeding> {
  const opened: Fed[] = [];
  const closed: LostVault[] = [];
  const onLost = ({ name, error }: LostVault) => {
    if (!isColdkeepError(error, "behind")) call.progress.warn(`vault ${name} is left out: ${messageOf(error)}`);
  };
  let hurried = false;
  let live = () => vaults.length;
  const budgetOf = ({ retryForMs = PATIENCE_MS }: VaultSettings) => {
    if (hurried) return { totalMs: Math.min(retryForMs, HURRY_MS) };
    if (live() > 1) return { totalMs: Math.min(retryForMs, SHARED_MS) };
    // A night is lost without it: it is waited for from the first call on.
    return { totalMs: retryForMs, firstMs: retryForMs };
  };
  for (const settings of vaults) {
    const { name } = settings;
    try {
      opened.push({ name, settings, store: await openOneVault(settings, call, "write", () => budgetOf(settings)) });
    } catch (error) {
      if (vaults.length === 1) throw error;
      closed.push({ name, error });
      onLost({ name, error });
    }
  }
  if (opened.length === 0) throw closed[0]?.error;
  const set = makeVaultSet(opened, { signal: call.io.signal, onLost });
  live = () => set.live.length;
  return {
    set,
    opened,
    lost: () => [...closed, ...set.lost],
    hurry(on) {
      hurried = on;
    },
  };
}
