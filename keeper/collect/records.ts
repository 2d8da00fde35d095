import { names, type SnapshotId } from "../../vault/names/index.ts";
import type { ListedObject, Lister } from "../../vault/store/facets.ts";
import type { NodeScope } from "../read.ts";
import type { Scan } from "../retain/scan.ts";
import { deadObject } from "./dead.ts";
import type { DeadObject } from "./types.ts";

/** Plans tell what went; after this long nobody asks. Milliseconds. */
const PLANS_KEPT = 90 * 86_400_000;
const PINS_KEPT = 86_400_000;

/**
 * The small objects about a snapshot, in the order in which they go: the card, the begin, then what was said of it, and
 * its fate last, so that a run that dies in between leaves the word that it is to go.
 */
export async function recordsOf(store: Lister, scope: NodeScope, scan: Scan, of: SnapshotId): Promise<DeadObject[]> {
  return (await listRecords(store, scope, scan, of)).map((object) => deadObject(of, object));
}

/** The same of a run that never committed: its card goes last, as without it the begin would be that of an open run. */
export async function recordsOfClosed(
  store: Lister,
  scope: NodeScope,
  scan: Scan,
  of: SnapshotId,
): Promise<DeadObject[]> {
  const [card, ...rest] = await recordsOf(store, scope, scan, of);
  return card === undefined ? rest : [...rest, card];
}

async function listRecords(store: Lister, scope: NodeScope, scan: Scan, of: SnapshotId): Promise<ListedObject[]> {
  const { node } = scope;
  const files = scan.snapshots.get(of);
  const begin = scan.begins.get(of);
  const listed: ListedObject[] = [];
  if (files?.card) listed.push({ name: names.card(node, of), info: files.card });
  if (begin !== undefined) listed.push({ name: names.begin(node, of), info: begin });
  for await (const proof of store.list(`${names.proofsFolder(node)}${of}-`)) listed.push(proof);
  for (const [name, info] of scan.pins.get(of) ?? []) listed.push({ name, info });
  if (files?.origin) listed.push({ name: names.originRecord(node, of), info: files.origin });
  for (const [n, info] of files?.marks ?? []) listed.push({ name: names.mark(node, of, n), info });
  for (const [n, info] of files?.expired ?? []) listed.push({ name: names.expired(node, of, n), info });
  for (const [n, info] of files?.fates ?? []) listed.push({ name: names.fate(node, of, n), info });
  return listed;
}

/**
 * What was said of snapshots that are gone: a mark that came when card and begin had been deleted, or markers and fates
 * of one whose collector died at its last step.
 */
export async function leftRecords(
  store: Lister,
  scope: NodeScope,
  scan: Scan,
  before: number,
  collecting: ReadonlySet<SnapshotId>,
): Promise<DeadObject[]> {
  const found: DeadObject[] = [];
  for (const [id, { card, expired, fates, marks }] of scan.snapshots) {
    if (card !== null || scan.begins.has(id) || collecting.has(id)) continue;
    const said = [...expired.values(), ...fates.values(), ...marks.values()];
    if (said.some(({ receivedAt }) => receivedAt >= before)) continue;
    found.push(...(await recordsOf(store, scope, scan, id)));
  }
  return found;
}

/** Plans and pins that have served their time. */
export async function oldNotes(
  store: Lister,
  scope: NodeScope,
  scan: Scan,
  now: number,
  pinEnds: ReadonlyMap<string, number>,
): Promise<DeadObject[]> {
  const found: DeadObject[] = [];
  for (const [of, pins] of scan.pins) {
    for (const [name, info] of pins) {
      if ((pinEnds.get(name) ?? now) < now - PINS_KEPT) found.push(deadObject(of, { name, info }));
    }
  }
  for await (const plan of store.list(names.plansFolder(scope.node))) {
    if (plan.info.receivedAt < now - PLANS_KEPT) found.push(deadObject(null, plan));
  }
  return found;
}
