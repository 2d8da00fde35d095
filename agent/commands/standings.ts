import { existsSync } from "node:fs";
import { INDEX_NEWEST, isLatestMaterial, listSnapshots, seeStanding } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { judge, type Standing } from "../../vault/watch/index.ts";
import { type Config, type NodeSettings, tiersFor, type VaultSettings, watchFor } from "../config/index.ts";
import { nodeFolder, openNodeState, type Pause } from "../state/index.ts";
import { groupTimerOf, nextRun, timerOf } from "../systemd/index.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";
import { pickNode, pickVault, readConfig, scopeOf } from "./session.ts";
import { monthlyCost } from "./status-cost.ts";
import type { NodeStatus } from "./status-words.ts";

/** A node in a vault, and the snapshots by which it was judged, newest first. */
export interface LookedAt extends NodeStatus {
  readonly entries: readonly IndexEntry[];
}

/** How each node of the configuration stands in each vault, or the ones that --node and --vault name. Needs no key. */
export async function lookAtAll(
  call: Call,
): Promise<{ readonly config: Config; readonly statuses: readonly LookedAt[] }> {
  const { flags } = call;
  const config = readConfig(call);
  const nodes = flags.node === undefined ? config.nodes : [pickNode(config, flags.node)];
  const vaults = flags.vault === undefined ? config.vaults : [pickVault(config, flags.vault)];
  const statuses: LookedAt[] = [];
  for (const node of nodes) {
    const next = await nextBackup(config, node);
    const pause = pauseOf(config, node, call);
    for (const vault of vaults) statuses.push({ ...(await look(config, node, vault, next, call)), pause });
  }
  return { config, statuses };
}

/** The next run of the node's own timer or of its group's, milliseconds since the epoch; null where neither is known. */
async function nextBackup({ groups }: Config, { name }: NodeSettings): Promise<number | null> {
  const own = groups.filter(({ order }) => order.includes(name)).map((group) => groupTimerOf(group.name));
  const runs: number[] = [];
  for (const timer of [timerOf(name), ...own]) runs.push((await nextRun(timer)) ?? Number.POSITIVE_INFINITY);
  const next = Math.min(...runs);
  return Number.isFinite(next) ? next : null;
}

/** A host that only watches has no state of the node. */
function pauseOf({ stateDir }: Config, { name }: NodeSettings, { io, progress }: Call): Pause | null {
  if (!existsSync(nodeFolder(stateDir, name))) return null;
  try {
    return openNodeState(stateDir, name).pauseAt(io.clock.now());
  } catch (error) {
    progress.warn(`whether ${name} is paused is not known: ${messageOf(error)}`);
    return null;
  }
}

async function look(
  config: Config,
  node: NodeSettings,
  vault: VaultSettings,
  next: number | null,
  call: Call,
): Promise<Omit<LookedAt, "pause">> {
  const { tiers, written } = tiersFor(config, vault, node);
  const of = { node: node.name, vault: vault.name, url: vault.url, next, tiers, tiersWritten: written };
  try {
    const store = await openOneVault(vault, call, "read");
    const { entries, more } = await newest(listSnapshots({ store, ...scopeOf(config, node.name) }));
    const evidence = { entries, isGood: isLatestMaterial, now: call.io.clock.now() };
    const said = await seeStanding(store, scopeOf(config, node.name));
    const cost = monthlyCost(vault, entries, more);
    const standing = judge(evidence, watchFor(config, node));
    if (said === null) return { ...of, entries, more, cost, standing };
    return { ...of, entries, more, cost, standing: ofRetired(standing), said };
  } catch (error) {
    // What keeps one vault from answering hides nothing of the others.
    if (!isColdkeepError(error) || call.io.signal.aborted) throw error;
    return { ...of, entries: [], more: false, cost: null, standing: unreachable(messageOf(error)), error };
  }
}

/** Nobody waits for what is new of a node that is retired; what it has is to stay whole. */
function ofRetired(standing: Standing): Standing {
  const alarms = standing.alarms.filter(({ kind }) => kind === "damaged" || kind === "unreachable");
  return { ...standing, alarms, dues: { stale: null, unproven: null } };
}

/** Those of index.json: months that are closed are not read, so that a long history costs no more than a short one. */
async function newest(all: AsyncIterable<IndexEntry>): Promise<{ entries: IndexEntry[]; more: boolean }> {
  const entries: IndexEntry[] = [];
  for await (const entry of all) {
    entries.push(entry);
    if (entries.length === INDEX_NEWEST) return { entries, more: true };
  }
  return { entries, more: false };
}

function unreachable(why: string): Standing {
  const counts = { good: 0, broken: 0, damaged: 0, expired: 0 };
  const alarms = [{ kind: "unreachable", why } as const];
  const dues = { stale: null, unproven: null };
  return { latest: null, ageMs: null, proven: null, counts, storedBytes: 0, growth: null, dues, alarms };
}
