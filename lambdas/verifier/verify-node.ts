import { createHash } from "node:crypto";
import {
  cardIds,
  type IndexStore,
  type KeylessVerdict,
  type KeylessVerifyOptions,
  type ListedPack,
  listSnapshots,
  lockGap,
  readStanding,
  verifySnapshots,
} from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { isColdkeepError, type NodeName, type SnapshotId } from "../../vault/names/index.ts";
import type { LockTerms } from "../../vault/store/facets.ts";
import type { SendJobs } from "../common/jobs.ts";
import type { Teller } from "../common/report.ts";
import { putReport } from "../common/reports.ts";
import type { NodeSettings } from "../common/settings.ts";
import { VERIFIER_METRICS } from "./contract.ts";
import { type Findings, makeFindings } from "./findings.ts";
import { takeInTurn } from "./in-turn.ts";
import { type Look, readLook } from "./last-look.ts";
import { type Looked, lookAt, noteDamage, suspectsOf } from "./note-damage.ts";
import { findOddities, staleness } from "./oddities.ts";
import { type Finding, messageOf, type TellPeople } from "./tell-people.ts";

export interface VerifierOn {
  readonly store: KeylessVerifyOptions["store"] & IndexStore;
  readonly tell: Teller;
  readonly people: TellPeople;
  readonly send: SendJobs;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const DAY = 86_400_000;

/**
 * One node's look: everything of every snapshot is there with its size, as the listing has it; what came since the last
 * look is compared with the sums that S3 keeps; a part of the packs is read and compared with its digest, so that each is
 * read once in `reread_days`; and what the index says is what the cards say. What a person should look at is sent to the
 * topic, in one message. How far it came lies in the report, not in a message that somebody else could have sent.
 * @param until ends in time for the rest to be put into the queue again, be it that of one snapshot
 */
export async function verifyNode(on: VerifierOn, node: NodeSettings, until: AbortSignal): Promise<object> {
  const { store, tell } = on;
  const now = on.now();
  const findings = makeFindings();
  let read = 0;
  let snapshots = 0;
  let left: SnapshotId | null = null;
  let pack: string | null = null;
  let cameOn = false;
  const last = await readLook(store, node.name, now);
  // A version never changes: one that was compared once is compared again only where it is read.
  const isNew = ({ info, committed }: ListedPack) => Math.max(info.receivedAt, committed) >= last.since;
  const committed = new Set<SnapshotId>();
  let entries: readonly IndexEntry[] = [];
  try {
    entries = await readEntries(on, node.name);
    const told = new Map(entries.map(({ snapshot, state }) => [snapshot, state]));
    const terms = await store.lockTerms();
    const suspects = suspectsOf(entries);
    const turn = takeInTurn({
      isDue: isTurn(node.rereadDays, now),
      isSuspect: (name) => suspects.has(name),
      isNew,
      wasLookedAt: (name) => isBefore(last, name, told),
      from: last.left !== null && told.has(last.left) ? last.pack : null,
      until,
    });
    const { readData, look } = turn;
    const looked: Looked = new Map();
    for await (const verdict of verifySnapshots({ store, node: node.name, readData, look, ...goingOn(last) })) {
      snapshots += 1;
      read += verdict.read;
      committed.add(verdict.snapshot);
      // What is broken was never whole, and what expired may be going right now: both were told of before.
      const state = told.get(verdict.snapshot) ?? "good";
      if (state === "good" || state === "damaged") {
        findings.addDamages(verdict);
        for (const finding of lockGapOf(verdict, terms, now)) findings.add(finding);
        lookAt(looked, verdict, told.get(verdict.snapshot) ?? "broken");
      }
      pack = turn.leftAt();
      turn.next();
      if (pack !== null || (until.aborted && (await isFollowed(on, node.name, verdict.snapshot)))) {
        left = verdict.snapshot;
        break;
      }
    }
    // One that an earlier call left off at is through as well where nothing was behind it.
    cameOn = snapshots > 0 || last.left !== null;
    await noteDamage(store, node.name, looked);
    // What needs all cards is looked at by the call that began at the first and came to the end.
    if (last.left === null) {
      // Nothing new is to come of a node that is retired.
      const standing = await readStanding(store, { node: node.name });
      if (standing === null) {
        for (const finding of [...staleness(entries, node, now), ...findOddities(entries, node)]) findings.add(finding);
      }
      if (left === null) for (const finding of await drift(on, node.name, committed)) findings.add(finding);
    }
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) {
      tell.count(VERIFIER_METRICS.failed, 1);
      tell.error("could not verify", error, { node: node.name });
      throw error;
    }
    const standing = await readStanding(store, { node: node.name });
    // What is deleted, or goes, is missed by nobody.
    if (standing === null) {
      findings.add({ kind: "stale", on: node.name, words: "there is no snapshot of it yet" });
    }
  }
  const more = findings.count() - findings.kept.length;
  const report = { snapshots, read, findings: findings.kept, ...(more === 0 ? {} : { more }) };
  if (cameOn) {
    // Where something is damaged everything is asked for again, until it is whole.
    const through = left === null && findings.damaged === 0 ? last.began : last.through;
    const look = {
      began: last.began,
      left,
      ...(pack === null ? {} : { pack }),
      ...(through === null ? {} : { through }),
    };
    await putReport(store, node.name, "verifier", { at: new Date(now).toISOString(), ...report, ...look });
  }
  if (left !== null) await on.send([{ node: node.name }]);
  count(tell, findings, read);
  tell.info("verified", { node: node.name, snapshots, read, findings: findings.count(), left });
  if (findings.count() > 0) await on.people(messageOf(node.name, findings));
  return { node: node.name, ...report, left };
}

/** Whether cards come after a snapshot's: be it only that of a closed run, which nobody knows before it is read. */
async function isFollowed({ store }: VerifierOn, node: NodeName, snapshot: SnapshotId): Promise<boolean> {
  return (await cardIds(store, node)).some((id) => id > snapshot);
}

/** Where the look begins: behind the snapshot that was the last, or in the midst of it. */
function goingOn({ left, pack }: Look): { readonly after?: SnapshotId; readonly from?: SnapshotId } {
  if (left === null) return {};
  return pack === null ? { after: left } : { from: left };
}

/** Whether a pack was looked at by an earlier call of this look: those of listed snapshots are, with them. */
function isBefore({ left, pack }: Look, name: string, listed: ReadonlyMap<SnapshotId, unknown>): boolean {
  const origin = name.split("/")[2] as SnapshotId;
  return left !== null && listed.has(origin) && (origin < left || (origin === left && pack === null));
}

/** A lock that ends sooner than renewals let it: something of a snapshot that is to stay could soon be deleted. */
function lockGapOf({ snapshot, lock }: KeylessVerdict, terms: LockTerms | null, now: number): Finding[] {
  if (lock === null || terms === null || lock.until - now >= lockGap(terms)) return [];
  const until = lock.until === 0 ? "is not locked" : `is locked until ${new Date(lock.until).toISOString()} only`;
  const allowed = `${(lockGap(terms) / DAY).toFixed(1)} days at least are kept up`;
  return [{ kind: "lock", on: snapshot, words: `${lock.object} ${until}; ${allowed}` }];
}

async function readEntries({ store }: VerifierOn, node: NodeName): Promise<readonly IndexEntry[]> {
  const entries: IndexEntry[] = [];
  for await (const entry of listSnapshots({ store, node })) entries.push(entry);
  return entries;
}

/** What the index does not say, or says of what is not there. Cards that came while this looked are given time. */
async function drift(on: VerifierOn, node: NodeName, committed: ReadonlySet<SnapshotId>): Promise<Finding[]> {
  const indexed = new Set((await readEntries(on, node)).map(({ snapshot }) => snapshot));
  const cards = new Set(await cardIds(on.store, node));
  const found: Finding[] = [];
  for (const id of committed) {
    if (!indexed.has(id)) found.push({ kind: "odd", on: id, words: "it is committed, and the index does not list it" });
  }
  for (const id of indexed) {
    if (!cards.has(id)) found.push({ kind: "odd", on: id, words: "the index lists it, and its card is gone" });
  }
  return found;
}

/** Whether today is a pack's turn to be read: each has its day, told by its name, once in so many days. */
function isTurn(days: number, now: number): (pack: string) => boolean {
  const today = Math.floor(now / DAY) % days;
  return (pack) => createHash("sha256").update(pack).digest().readUInt32BE(0) % days === today;
}

function count(tell: Teller, findings: Findings, read: number): void {
  tell.count(VERIFIER_METRICS.done, 1);
  tell.count(VERIFIER_METRICS.failed, 0);
  tell.count(VERIFIER_METRICS.damaged, findings.damaged);
  tell.count(VERIFIER_METRICS.stale, findings.count("stale") > 0 ? 1 : 0);
  tell.count(VERIFIER_METRICS.unlocked, findings.count("lock") > 0 ? 1 : 0);
  tell.count(VERIFIER_METRICS.odd, findings.count("odd") > 0 ? 1 : 0);
  tell.count(VERIFIER_METRICS.read, read);
}
