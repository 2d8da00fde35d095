import { collectGarbage, retainSnapshots } from "../../keeper/index.ts";
import { messageOf, type VaultId } from "../../vault/names/index.ts";
import { tiersFor } from "../config/index.ts";
import type { Call } from "./define.ts";
import type { Fed } from "./feeding.ts";
import type { Session } from "./session.ts";

/** What became of older snapshots after a backup. */
export interface Retained {
  readonly expired: number;
  readonly deleted: number;
}

/**
 * Lets the tiers rule after a backup: in a directory vault only, whose keeper is this host, and only where tiers are
 * written in the configuration. The backup is done by then: what fails or is held back here is warned of.
 */
export async function retainAfter(
  { config, node }: Session,
  { settings, store }: Fed,
  vault: VaultId,
  call: Call,
): Promise<Retained | null> {
  const { tiers, written } = tiersFor(config, settings, node);
  if (!written || !settings.url.startsWith("file:")) return null;
  const { progress, io } = call;
  progress.stage("retention");
  try {
    const job = { store, vault, node: node.name, apply: true, now: io.clock.now() };
    const { expired, held, plan } = await retainSnapshots({ ...job, tiers });
    if (plan.expire.length > 0) {
      for (const { kind, why } of held) {
        progress.warn(`nothing expires (${kind}): ${why}; look with \`coldkeep forget --dry-run\``);
      }
    }
    const { dead, locked } = await collectGarbage({ ...job, grace: tiers.grace });
    return { expired: expired.length, deleted: dead.length - locked.length };
  } catch (error) {
    progress.warn(`the backup is done, but old snapshots were left as they are: ${messageOf(error)}`);
    return null;
  }
}
