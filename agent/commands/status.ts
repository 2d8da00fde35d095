import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { INDEX_NEWEST, isLatestMaterial, listSnapshots } from "../../keeper/index.ts";
import { writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { type Config, type NodeSettings, tiersFor, type VaultSettings, watchFor } from "../config/index.ts";
import { nodeFolder, openNodeState, type Pause } from "../state/index.ts";
import { nextRun } from "../systemd/index.ts";
import { judge, renderMetrics, type Standing } from "../watch/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { tell } from "./noticed.ts";
import { openOneVault } from "./opened.ts";
import { pickNode, pickVault, readConfig, scopeOf } from "./session.ts";
import type { StatusFlags } from "./status.command.ts";
import { amissOf, documentOf, failureOf, type NodeStatus, textOf } from "./status-words.ts";

/** `coldkeep status`. */
export async function run(call: Call<StatusFlags>): Promise<Answer> {
  const { flags } = call;
  const config = readConfig(call);
  const nodes = flags.node === undefined ? config.nodes : [pickNode(config, flags.node)];
  const vaults = flags.vault === undefined ? config.vaults : [pickVault(config, flags.vault)];
  const statuses: NodeStatus[] = [];
  for (const node of nodes) {
    const next = await nextRun(`coldkeep@${node.name}.timer`);
    const pause = pauseOf(config, node, call);
    for (const vault of vaults) statuses.push({ ...(await look(config, node, vault, next, call)), pause });
  }
  const now = call.io.clock.now();
  const failure = failureOf(statuses);
  if (flags.notify === true) await tellAlarms(config, statuses, call);
  if (flags.metrics !== undefined) writeMetrics(resolve(flags.metrics), renderMetrics(statuses, now));
  return {
    document: { ok: failure === null, now, nodes: statuses.map(documentOf) },
    text: statuses.map((status) => textOf(status, now)).join("\n\n"),
    ...(failure === null ? {} : { failure }),
  };
}

/** Tells people what is new of what is amiss, and what is over. */
async function tellAlarms(config: Config, statuses: readonly NodeStatus[], call: Call): Promise<void> {
  if (config.notify === undefined) throw nobodyToTell(config.path);
  for (const node of new Set(statuses.map(({ node }) => node))) {
    const own = statuses.filter((status) => status.node === node);
    const silent = own.filter(({ error }) => error !== undefined).map(({ vault }) => ` in ${vault}`);
    const options = { each: false, unknown: (name: string) => silent.some((end) => name.endsWith(end)) };
    await tell("status", { config, node }, Object.fromEntries(own.flatMap(amissOf)), options, call);
  }
}

function nobodyToTell(path: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "there is nobody to tell",
    on: path,
    why: "it has no `notify`",
    todo: "name a webhook, mail addresses, a topic of SNS or a command there",
  });
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
): Promise<Omit<NodeStatus, "pause">> {
  const { tiers, written } = tiersFor(config, vault, node);
  const of = { node: node.name, vault: vault.name, url: vault.url, next, tiers, tiersWritten: written };
  try {
    const store = await openOneVault(vault, call, "read");
    const { entries, more } = await newest(listSnapshots({ store, ...scopeOf(config, node.name) }));
    const evidence = { entries, isGood: isLatestMaterial, now: call.io.clock.now() };
    return { ...of, more, standing: judge(evidence, watchFor(config, node)) };
  } catch (error) {
    // What keeps one vault from answering hides nothing of the others.
    if (!isColdkeepError(error) || call.io.signal.aborted) throw error;
    return { ...of, more: false, standing: unreachable(messageOf(error)), error };
  }
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
  return { latest: null, ageMs: null, proven: null, counts, storedBytes: 0, growth: null, alarms };
}

/** Whole or not at all, as the collector may read at any moment; it runs as another user. */
function writeMetrics(path: string, text: string): void {
  try {
    writeFileDurable(path, Buffer.from(text), 0o644);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write the metrics", on: path, otherwise: "internal" });
  }
}
