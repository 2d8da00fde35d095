import { randomBytes } from "node:crypto";
import { askStanding, pinForRestore } from "../../keeper/index.ts";
import { isColdkeepError, messageOf, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { tiersFor } from "../config/index.ts";
import { formatTime } from "../report/index.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";
import { pickVault, type Session, scopeOf } from "./session.ts";

/**
 * Keeps a snapshot from being deleted while it is restored: by a pin, where this user may write to the vault. Warns where
 * it is on its way out; a pin that could not be put is only then worth a word.
 * @param store the vault, open for reading
 */
export async function holdSnapshot(
  { config, node }: Session,
  store: Store,
  snapshot: SnapshotId,
  call: Call,
  dry: boolean,
): Promise<void> {
  const settings = pickVault(config, call.flags.vault);
  const of = { ...scopeOf(config, node.name), snapshot };
  const until = dry ? null : await tryPin(() => openOneVault(settings, call, "write"), of, call);
  const { progress } = call;
  try {
    const { expired, going } = await askStanding({ ...of, store });
    const { grace } = tiersFor(config, settings, node).tiers;
    // Where not even the card is left, opening it says so, and why.
    if (going && (await store.head(names.card(node.name, snapshot))) === null) return;
    if (going) progress.warn(`${snapshot} is being deleted: not all of it may be there any more`);
    else if (expired !== null) progress.warn(`${snapshot} is expired: ${lasts(until, expired + grace)}`);
  } catch (error) {
    if (!isColdkeepError(error, "integrity")) throw error;
    progress.warn(`whether ${snapshot} is about to be deleted cannot be told: ${messageOf(error)}`);
  }
}

type Of = Omit<Parameters<typeof pinForRestore>[0], "store" | "now" | "random">;

async function tryPin(open: () => Promise<Store>, of: Of, { io }: Call): Promise<number | null> {
  try {
    const random = randomBytes(8).toString("hex");
    return await pinForRestore({ ...of, store: await open(), now: io.clock.now(), random });
  } catch (error) {
    // A restore needs no right to write; what is wrong with the vault, reading tells.
    if (!isColdkeepError(error) || isColdkeepError(error, "interrupted")) throw error;
    return null;
  }
}

function lasts(until: number | null, end: number): string {
  if (until !== null && until > end) return `a pin keeps it for this restore until ${formatTime(until)}`;
  return `finish within its grace, which ends ${formatTime(end)}`;
}
