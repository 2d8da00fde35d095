import { selectSnapshot } from "../../keeper/index.ts";
import { isColdkeepError, type NodeName, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";

/** How a node of a vault in AWS does. */
export interface NodeStanding {
  readonly node: NodeName;
  /** The newest good snapshot and when the vault received it, milliseconds since the epoch. */
  readonly latest?: SnapshotId;
  readonly received?: number;
  /** What its last nights did, in words; absent where there was none yet. */
  readonly retention?: Night;
  readonly verifier?: Night;
  /** Why something of this could not be read. */
  readonly unseen?: string;
}

export interface Night {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly words: string;
}

const AT_ONCE = 16;
const MAX_REPORT = 16 << 20;

export async function readStandings(store: Store, nodes: readonly NodeName[]): Promise<readonly NodeStanding[]> {
  const found: NodeStanding[] = [];
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    found.push(...(await Promise.all(nodes.slice(at, at + AT_ONCE).map((node) => standingOf(store, node)))));
  }
  return found;
}

async function standingOf(store: Store, node: NodeName): Promise<NodeStanding> {
  try {
    const [latest, retention, verifier] = await Promise.all([
      latestOf(store, node),
      nightOf(store, node, "retention", retained),
      nightOf(store, node, "verifier", verified),
    ]);
    return { node, ...latest, ...retention, ...verifier };
  } catch (error) {
    if (!isColdkeepError(error)) throw error;
    return { node, unseen: error.message };
  }
}

async function latestOf(store: Store, node: NodeName): Promise<Pick<NodeStanding, "latest" | "received">> {
  try {
    const { snapshot, received } = await selectSnapshot({ store, node, selection: { by: "latest" } });
    return { latest: snapshot, received };
  } catch (error) {
    if (isColdkeepError(error, "not-found")) return {};
    throw error;
  }
}

/** A report is for people: one that cannot be read tells of no night. */
async function nightOf<Job extends "retention" | "verifier">(
  store: Store,
  node: NodeName,
  job: Job,
  wordsOf: (report: Readonly<Record<string, unknown>>) => string,
): Promise<Partial<Record<Job, Night>>> {
  const object = await store.get(names.report(node, job), { maxBytes: MAX_REPORT });
  if (object === null) return {};
  try {
    const report = JSON.parse(Buffer.from(object.bytes).toString("utf8")) as Record<string, unknown>;
    const at = Date.parse(String(report.at));
    return Number.isNaN(at) ? {} : ({ [job]: { at, words: wordsOf(report) } } as Record<Job, Night>);
  } catch {
    return {};
  }
}

function retained({ expired, objects, held }: Readonly<Record<string, unknown>>): string {
  const brakes = listOf(held);
  if (brakes.length > 0) return `held back: ${brakes.map(String).join("; ")}`;
  return `${listOf(expired).length} expired, ${Number(objects) || 0} objects deleted`;
}

function verified({ snapshots, findings, more }: Readonly<Record<string, unknown>>): string {
  const found = listOf(findings);
  if (found.length === 0) return `${Number(snapshots) || 0} snapshots, nothing found`;
  const [first] = found as readonly { readonly words?: unknown }[];
  return `${found.length + (Number(more) || 0)} findings, such as ${String(first?.words).slice(0, 200)}`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
