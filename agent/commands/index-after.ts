import { setTimeout as sleep } from "node:timers/promises";
import { indexSnapshots, selectSnapshot } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, messageOf, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import { confirmParent, unconfirmedRuns } from "../backup/index.ts";
import type { Call } from "./define.ts";
import type { Fed, Feeding } from "./feeding.ts";
import type { Session } from "./session.ts";

interface Place {
  readonly session: Session;
  readonly vault: VaultId;
}

/** What a vault's index has to say of a new snapshot; null where it could not be taken in yet. */
export interface Indexed {
  readonly fed: Fed;
  readonly entry: IndexEntry | null;
}

/**
 * Takes a committed snapshot into the index of each vault that has it, and makes it the next one's parent once all call
 * it good. The snapshot is safe without that: what fails here is warned of and done by the next backup.
 */
export async function indexAfter(
  place: Place,
  feeding: Feeding,
  id: SnapshotId,
  call: Call,
): Promise<readonly Indexed[]> {
  call.progress.stage("index");
  const done: Indexed[] = [];
  for (const fed of feeding.set.live) {
    try {
      const entry = fed.settings.putOnly
        ? await waitUntilListed(place, fed, id, call)
        : await listOurselves(place, fed, id);
      done.push({ fed, entry });
    } catch (error) {
      done.push({ fed, entry: null });
      call.progress.warn(
        `${id} is committed, but not in the list of vault ${fed.name} yet: ${messageOf(error)}; the next backup or \`coldkeep rebuild\` lists it`,
      );
    }
  }
  await confirm(place, feeding, id);
  return done;
}

async function listOurselves({ session, vault }: Place, { store }: Fed, id: SnapshotId): Promise<IndexEntry | null> {
  const { entries } = await indexSnapshots({ store, vault, node: session.node.name, ids: [id] });
  return entries.find(({ snapshot }) => snapshot === id) ?? null;
}

/** How long the vault's functions are given, and how often they are asked after. Milliseconds. */
const PATIENCE = 90_000;
const PAUSE = 1000;

/** What the vault's own functions made of a snapshot. @throws ColdkeepError `behind` where they have not yet. */
async function waitUntilListed(
  { session, vault }: Place,
  { store }: Fed,
  id: SnapshotId,
  { io }: Call,
): Promise<IndexEntry> {
  const selection = { by: "id", id } as const;
  const end = io.clock.monotonic() + PATIENCE;
  for (;;) {
    try {
      return await selectSnapshot({ store, vault, node: session.node.name, selection });
    } catch (error) {
      // Who may not list is told "denied" of an index that is not there yet.
      if (!isColdkeepError(error, "not-found") && !isColdkeepError(error, "permission")) throw error;
      if (io.clock.monotonic() > end) {
        throw new ColdkeepError("behind", {
          what: "the vault's functions have not listed it yet",
          on: id,
          why: messageOf(error),
          todo: "`coldkeep cloud status`, or whoever runs them, tells why",
        });
      }
    }
    await sleep(PAUSE, undefined, { signal: io.signal });
  }
}

/** Finishes what earlier runs were cut off from: snapshots that were committed and never listed. */
export async function indexEarlier(place: Place, feeding: Feeding): Promise<void> {
  const { config, node } = place.session;
  const ids = unconfirmedRuns({ stateDir: config.stateDir, node: node.name });
  if (ids.length === 0) return;
  await feeding.set.each(async ({ store, settings }) => {
    if (!settings.putOnly) await indexSnapshots({ store, vault: place.vault, node: node.name, ids });
  });
  for (const snapshot of ids) if (await confirm(place, feeding, snapshot)) return;
}

async function confirm({ session, vault }: Place, feeding: Feeding, snapshot: SnapshotId): Promise<boolean> {
  const { config, node } = session;
  const stores = feeding.set.live.map(({ store }) => store);
  try {
    return await confirmParent({ stateDir: config.stateDir, node: node.name, snapshot, stores, vault });
  } catch {
    // Not known to be good, then: the next backup asks again, and fails where it still cannot.
    return false;
  }
}
