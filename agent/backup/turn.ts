import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ColdkeepError, isColdkeepError, messageOf, names, type Progress } from "../../vault/names/index.ts";
import { type Creator, hashed, type Reader } from "../../vault/store/index.ts";

/**
 * Time is cut into slots of this length, counted from the epoch by the vault's clock; part of the protocol, since all
 * hosts of a group must cut alike (docs/FORMAT.md). Milliseconds.
 */
export const SLOT_MS = 900_000;
/** Holders of one seat in one slot, one after the other. */
const MAX_TURNS = 64;
const PAUSE_MS = 5_000;
/** A clock is set right by the vault's at most so often in one attempt. */
const CORRECTIONS = 3;
const MAX_SLOT_JSON = 4096;

export interface TurnOptions {
  readonly store: Reader & Creator;
  readonly group: string;
  /** How many of the group may be down at once. */
  readonly most: number;
  readonly node: string;
  /** How long the node may be down at the longest. Milliseconds. */
  readonly needMs: number;
  /** How long to wait for a turn. Milliseconds. */
  readonly waitMs: number;
  /** Wall clock, milliseconds since the epoch; the vault's is what counts. */
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly pauseMs?: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The right to be down; ends by itself at the end of its last slot. */
export interface Turn {
  /** Milliseconds since the epoch, by the vault's clock. */
  readonly until: number;
  /** Says that the node is up again, so that the next one need not wait. What fails in it is warned of. */
  release(): Promise<void>;
}

/**
 * Waits for the right to be down, so that never more than so many nodes of a group are: a seat is held by an object in
 * the vault that only one can create, for a slot of time. Whoever crashes holds his seat to the slot's end and no longer.
 * @throws ColdkeepError `skipped` where there is no turn in time; of the store's calls; the signal's reason on abort.
 */
export async function takeTurn(o: TurnOptions): Promise<Turn> {
  const end = o.monotonic() + o.waitMs;
  for (let told = false; ; told = true) {
    const found = await tryAll(o);
    if ("release" in found) return found;
    if (o.monotonic() >= end) throw noTurn(o, found.holder);
    if (!told) o.progress.warn(`${o.node} waits for its turn in group ${o.group}: ${found.holder} may be down`);
    await sleep(Math.min(o.pauseMs ?? PAUSE_MS, Math.max(1, end - o.monotonic())), undefined, { signal: o.signal });
  }
}

interface Taken {
  readonly holder: string;
}

async function tryAll(o: TurnOptions): Promise<Turn | Taken> {
  let taken: Taken = { holder: "another" };
  for (let seat = 0; seat < o.most; seat += 1) {
    const found = await trySeat(o, seat);
    if ("release" in found) return found;
    taken = found;
  }
  return taken;
}

/** Takes all slots that the outage may fall into, by the vault's clock: none of them, or all. */
async function trySeat(o: TurnOptions, seat: number): Promise<Turn | Taken> {
  let ahead = 0;
  for (let attempt = 0; attempt < CORRECTIONS; attempt += 1) {
    const at = o.now() + ahead;
    const first = Math.floor(at / SLOT_MS);
    const last = Math.floor((at + o.needMs) / SLOT_MS);
    const held: string[] = [];
    let taken: Taken | null = null;
    let storeTime = at;
    try {
      for (let slot = first; slot <= last && taken === null; slot += 1) {
        const claim = await claimSlot(o, slot, seat);
        if ("holder" in claim) taken = claim;
        else {
          held.push(claim.name);
          storeTime = claim.receivedAt;
        }
      }
    } catch (error) {
      await release(o, held);
      throw error;
    }
    if (taken !== null) {
      await release(o, held);
      return taken;
    }
    ahead = storeTime - o.now();
    const isRight = Math.floor(storeTime / SLOT_MS) >= first && Math.floor((storeTime + o.needMs) / SLOT_MS) <= last;
    if (isRight) return { until: (last + 1) * SLOT_MS, release: () => release(o, held) };
    // This host's clock is wrong, or the hour has just struck.
    await release(o, held);
  }
  return { holder: "nobody known" };
}

async function claimSlot(
  o: TurnOptions,
  slot: number,
  seat: number,
): Promise<Taken | { readonly name: string; readonly receivedAt: number }> {
  const from = new Date(slot * SLOT_MS).toISOString().replace(/[-:]|\.\d+/g, "");
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const name = names.groupDown(o.group, `${from}-${seat}-${turn}`);
    const body = { format: 1, node: o.node, nonce: randomBytes(16).toString("base64url") };
    const outcome = await o.store.create(`${name}.json`, hashed(Buffer.from(JSON.stringify(body))));
    if (outcome.created) return { name, receivedAt: outcome.receipt.info.receivedAt };
    if (outcome.same) return { name, receivedAt: outcome.info.receivedAt };
    if (await isOver(o, name)) continue;
    const holder = await holderOf(o, name);
    // One run a node: that one is dead, and what it may have left down was brought back before this one began.
    if (holder !== o.node) return { holder };
    await release(o, [name]);
  }
  return { holder: "one after the other" };
}

async function isOver({ store }: TurnOptions, name: string): Promise<boolean> {
  try {
    return (await store.head(`${name}.up.json`)) !== null;
  } catch (error) {
    // S3 says so of what is not there to whoever may not list.
    if (isColdkeepError(error, "permission")) return false;
    throw error;
  }
}

/** For words only: what is not as it should be is another's mistake. */
async function holderOf({ store }: TurnOptions, name: string): Promise<string> {
  try {
    const found = await store.get(`${name}.json`, { maxBytes: MAX_SLOT_JSON });
    const { node } = JSON.parse(Buffer.from(found?.bytes ?? []).toString("utf8")) as { node?: unknown };
    if (typeof node === "string" && /^[a-z0-9._-]{1,63}$/.test(node)) return node;
  } catch {
    // Nothing hangs on it.
  }
  return "another";
}

async function release({ store, progress }: TurnOptions, held: readonly string[]): Promise<void> {
  for (const name of held) {
    try {
      await store.create(`${name}.up.json`, hashed(Buffer.from('{"format":1}')));
    } catch (error) {
      progress.warn(`the turn could not be handed on; it ends by itself within minutes: ${messageOf(error)}`);
    }
  }
}

function noTurn({ node, group, most, waitMs }: TurnOptions, holder: string): ColdkeepError {
  return new ColdkeepError("skipped", {
    what: "no backup was made: it was not this node's turn to be down",
    on: node,
    why: `${most === 1 ? "one node" : `${most} nodes`} of group ${group} may be down at once, and ${holder} held the turn after ${waitMs / 1000} s`,
    todo: "the next backup tries again; `group_wait` in the configuration is how long it waits",
  });
}
