import {
  type Begin,
  type Card,
  type CardCore,
  encodeBegin,
  encodeCard,
  encodeOriginRecord,
  isCommitted,
  verifyCardSignature,
} from "../../vault/card/index.ts";
import { ColdkeepError, messageOf, names, type SnapshotId, silent } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { missing, type ObjectDamage } from "../pack-lists.ts";
import { isMismatch, type NodeScope, readBegin, readCard, readCommitted } from "../read.ts";
import { firstReceipts, type Receipts } from "../receipts.ts";
import { claimTarget } from "./claim.ts";
import { bringData, forgetAll } from "./data.ts";
import { goingThere } from "./going.ts";
import { copyKeyFile } from "./key-files.ts";
import { Ledger } from "./ledger.ts";
import { findNeeds } from "./needs.ts";
import { plannedThere } from "./planned.ts";
import { inTheWay, put } from "./transfer.ts";
import type { CopyJob, CopyOptions, CopyVerdict } from "./types.ts";

/**
 * Copies snapshots into another vault without any key. Everything is held against the card on its way, and the card
 * comes last, so that a copy that is cut off anywhere shows nothing and goes on where it was. Damaged ones stay out, the
 * others go on. One verdict a snapshot, as it is done.
 * @throws ColdkeepError `refused` where the target holds another node of this name, `not-found` for an id without a
 * card; and what the stores throw.
 */
export async function* copySnapshots(options: CopyOptions): AsyncGenerator<CopyVerdict> {
  const node = await claimTarget(options);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const job: CopyJob = { options, scope, key: node.key, assured: new Set(), plans: new Map() };
  for (const id of options.ids) {
    options.signal?.throwIfAborted();
    yield await copyOne(job, id);
  }
}

/** What the source has of one snapshot, all of it checked but the data. */
interface Source {
  readonly card: Card;
  readonly begin: Begin;
  readonly receipts: Receipts;
}

async function copyOne(job: CopyJob, id: SnapshotId): Promise<CopyVerdict> {
  const ledger = new Ledger();
  (job.options.progress ?? silent).stage(`copy ${id}`);
  const there = await copyInto(job, id, ledger);
  const { damages, notes, amounts } = ledger;
  const outcome = damages.length > 0 ? "damaged" : there && amounts.sent.objects === 0 ? "there" : "copied";
  return { snapshot: id, outcome, damages, notes, ...amounts };
}

/** True where the card was there before. */
async function copyInto(job: CopyJob, id: SnapshotId, ledger: Ledger): Promise<boolean> {
  const { from, dryRun = false, repair = false } = job.options;
  const source = await readSource(job, id);
  if ("damage" in source) return ledger.damaged(source.damage);
  const { core } = source.card;
  const there = await isThere(job, source, ledger);
  if (ledger.damages.length > 0) return there;
  if (there && !repair) {
    await copyKeyFile(job, id, ledger, core);
    return there;
  }
  const needs = await findNeeds(from, job.scope, core);
  ledger.damages.push(...needs.damages);
  ledger.notes.push(...needs.notes);
  if (ledger.damages.length > 0 || !(await mayUse(job, core, ledger))) return there;
  if (!(await bringData(job, core, needs, ledger))) return there;
  if (dryRun || there) return there;
  await commit(job, source, ledger);
  // Who decided before he could see the card deletes what it needs, now or later.
  if (!(await mayUse(job, core, ledger))) return there;
  const planned = await plannedThere(job, core);
  if (planned !== null) return ledger.damaged(planned);
  // Whatever the target's own collector took while it could not see the card yet is brought again.
  forgetAll(job);
  const again = new Ledger();
  await bringData(job, core, needs, again);
  ledger.damages.push(...again.damages);
  return there;
}

async function mayUse(job: CopyJob, core: CardCore, ledger: Ledger): Promise<boolean> {
  const going = await goingThere(job, core);
  return going === null || ledger.damaged(going);
}

/** The begin goes only now: a copy that stays undone must not leave a run that children of its snapshot would miss. */
async function commit(job: CopyJob, { card, begin, receipts }: Source, ledger: Ledger): Promise<void> {
  const { to } = job.options;
  const { node, snapshot } = card.core;
  // Where the host itself began this run in the target, the target has received it first-hand.
  if ((await to.head(names.begin(node, snapshot))) === null) {
    const record = { format: 1, ...job.scope, snapshot, begun: receipts.begun, committed: receipts.committed } as const;
    await to.create(names.originRecord(node, snapshot), hashed(encodeOriginRecord(record)));
  }
  if (!(await put(job, names.begin(node, snapshot), hashed(encodeBegin(begin)), ledger))) return;
  await put(job, names.card(node, snapshot), hashed(encodeCard(card)), ledger);
}

async function readSource({ options, scope, key }: CopyJob, id: SnapshotId) {
  const { from } = options;
  const object = names.card(scope.node, id);
  const read = await readCard(from, scope, id);
  if (read.found === "nothing" || (read.found === "it" && !isCommitted(read.value))) throw noSnapshot(object);
  if (read.found === "malformed") return { damage: { object, problem: "malformed", detail: read.why } as const };
  const card = read.value as Card;
  const forged = forgery(card, key, object);
  if (forged !== null) return { damage: forged };
  const begin = await readBegin(from, scope, id);
  const on = names.begin(scope.node, id);
  if (begin.found === "nothing") return { damage: missing(on) };
  if (begin.found === "malformed") return { damage: { object: on, problem: "malformed", detail: begin.why } as const };
  const here = { begun: begin.info.receivedAt, committed: read.info.receivedAt };
  const receipts = await firstReceipts(from, scope, id, here);
  return { card, begin: begin.value, receipts } satisfies Source;
}

function forgery(card: Card, key: string, object: string): ObjectDamage | null {
  try {
    verifyCardSignature(card, key);
    return null;
  } catch (error) {
    if (!isMismatch(error)) throw error;
    return { object, problem: "forged", detail: messageOf(error) };
  }
}

/** Whether the target has the card. Another card or begin under these names is damage. */
async function isThere({ options, scope }: CopyJob, { card, begin }: Source, ledger: Ledger): Promise<boolean> {
  const { to } = options;
  const id = card.core.snapshot;
  const name = names.card(scope.node, id);
  if ((await to.head(name)) !== null) {
    const theirs = await readCommitted(to, scope, id);
    if (theirs !== null && sameBytes(encodeCard(theirs), encodeCard(card))) return true;
    ledger.damages.push(
      inTheWay(name, theirs === null ? "a card that closes this run, or none that can be read" : "another card"),
    );
    return false;
  }
  const other = await readBegin(to, scope, id);
  if (other.found === "nothing") return false;
  if (other.found === "it" && sameBytes(encodeBegin(other.value), encodeBegin(begin))) return false;
  ledger.damages.push(inTheWay(names.begin(scope.node, id), "another begin of this run"));
  return false;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function noSnapshot(on: string): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such snapshot in the source",
    on,
    todo: "`coldkeep list` shows the ids there are",
  });
}
