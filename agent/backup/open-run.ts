import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { encodeBegin, writerOf } from "../../vault/card/index.ts";
import type { Begin, Heights } from "../../vault/card/types.ts";
import { ColdkeepError, FORMAT, makeSnapshotId, names, type SnapshotId, toBase64url } from "../../vault/names/index.ts";
import { deriveKeys, newSnapshotKey } from "../../vault/sealed/derive.ts";
import { parseKeyFile, writeKeyFile } from "../../vault/sealed/key-file.ts";
import type { SnapshotKeys } from "../../vault/sealed/types.ts";
import { hashed } from "../../vault/store/index.ts";
import type { NodeState } from "../state/index.ts";
import { adoptRuns } from "./adopt.ts";
import { findDeadRuns, highestLocalSequence, type LocalRun, type ParentRun } from "./choose-parent.ts";
import { claimNode } from "./claim-node.ts";
import { chooseCommonParent } from "./common-parent.ts";
import { timeOfId } from "./id-time.ts";
import { BEGIN_LIMIT_MS } from "./limits.ts";
import { chunkKeyCheck, RUN_FILES, type RunHead, readRunRecord, writeRunHead } from "./run-files.ts";
import type { BackupOptions } from "./types.ts";

/** A run that the vault knows of, before the node is stopped. */
export interface OpenRun {
  readonly id: SnapshotId;
  readonly head: RunHead;
  readonly folder: string;
  readonly keys: SnapshotKeys;
  /** The finished key.json: the snapshot key is wrapped by then, and kept nowhere. */
  readonly keyFile: Promise<Uint8Array>;
  /** Before the first pack, given the key file: writes into the run's head who can open it, where that is not told yet. */
  tellRecipients(keyFile: Uint8Array): void;
  /** Kept once the key file was made, or could not be: recipients are of no more use then. Never fails. */
  readonly wrapped: Promise<void>;
  readonly parent: ParentRun | null;
  readonly adopted: readonly LocalRun[];
  /** Wall clock, ms; and the monotonic ms from which PROTOCOL's L is measured. */
  readonly started: number;
  readonly startedAt: number;
}

const ATTEMPTS = 5;

/**
 * PROTOCOL "BACKUP" 1 and 2: reads head.json, chooses what to build on, closes interrupted runs in this run's favour
 * and puts the begin, within a minute of having read. Recipients wrap first, so that no stretching of keys falls into
 * the downtime; where nobody stops the node and nothing depends on who the recipients are, it goes on beside what follows.
 */
export async function openRun(
  o: BackupOptions,
  state: NodeState,
  heights: Heights | null,
  monotonic: () => number,
): Promise<OpenRun> {
  dropHalfLists(state);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const opened = await tryOpen(o, state, heights, monotonic);
    if (opened !== null) return opened;
  }
  throw new ColdkeepError("vault", {
    what: "cannot begin the backup",
    on: o.node,
    why: `${ATTEMPTS} times in a row the begin was taken or came later than a minute after head.json was read`,
    todo: "check the line to the vault, then try again",
    retryable: true,
  });
}

/** Null where the id is taken or too much time went by. */
async function tryOpen(
  o: BackupOptions,
  state: NodeState,
  heights: Heights | null,
  monotonic: () => number,
): Promise<OpenRun | null> {
  const started = o.now();
  const id = makeSnapshotId(timeOfId(started, state.runs.list()), randomBytes(8), heightOf(heights));
  const { vault, node, suite } = o;
  const scope = { vault, node, suite, snapshot: id };
  const sk = newSnapshotKey();
  const keys = deriveKeys(sk, scope);
  const keyFile = writeKeyFile({ scope, sk, recipients: o.recipients, now: started }).finally(() => sk.fill(0));
  const wrapped = settled(keyFile);
  let opened: OpenRun | null = null;
  try {
    // Wrapping that is more than stretching may fail, which is better known before the vault hears of the run.
    const mayGoOn = !o.control.manager.controls && o.recipients.every(({ prepare }) => prepare !== undefined);
    if (!mayGoOn) await keyFile;
    const begun = { id, keys, started, startedAt: monotonic(), keyFile, wrapped, mayGoOn };
    opened = await begin(o, state, begun, monotonic);
  } finally {
    if (opened === null) await wrapped;
  }
  return opened;
}

async function settled(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // For whoever waits for what it gives.
  }
}

type Begun = Pick<OpenRun, "id" | "keys" | "started" | "startedAt" | "keyFile" | "wrapped"> & {
  /** Nothing that follows needs the key file at once. */
  readonly mayGoOn: boolean;
};

async function begin(
  o: BackupOptions,
  state: NodeState,
  { mayGoOn, ...begun }: Begun,
  monotonic: () => number,
): Promise<OpenRun | null> {
  const { vault, node, suite, vaults } = o;
  const { id, keys, started, startedAt, keyFile } = begun;
  const lineage = { vault, node, suite, chunkKeyCheck: chunkKeyCheck(o.chunkKey) };
  const parent = o.full ? null : await chooseCommonParent(vaults, state, { node, vault, lineage });
  // A vault that calls a snapshot of this key good has been claimed by it; node.json is written once.
  if (parent === null) {
    const claim = { vault, node, profile: o.profile.name, publicKey: state.publicKey, now: started };
    await vaults.each(({ store }) => claimNode({ ...claim, store }));
  }
  const interrupted = (recipients: readonly string[]) =>
    o.full ? [] : findDeadRuns(state, parent, lineage, { vaults: vaults.live, recipients, now: started });
  // Packs that only some of today's recipients can open are not taken over. And a run without a parent has other use for the
  // 128 MiB that stretching takes.
  const recipientsOf = (bytes: Uint8Array) =>
    parseKeyFile(bytes, names.keyJson(node, id)).slots.map(({ type, kid }) => `${type} ${kid}`);
  const isLater = mayGoOn && parent !== null && interrupted([]).length === 0;
  const recipients = isLater ? undefined : recipientsOf(await keyFile);
  const dead = recipients === undefined ? [] : interrupted(recipients);
  const head: RunHead = {
    version: 1,
    vault,
    node,
    suite,
    snapshot: id,
    parent: parent?.head.snapshot ?? null,
    seq: state.nextSequence(highestLocalSequence(state)),
    commit: toBase64url(keys.commit),
    chunk_key_check: lineage.chunkKeyCheck,
    adopts: dead.map((run) => run.head.snapshot),
    ...(recipients === undefined ? {} : { recipients }),
    vaults: vaults.live.map(({ name }) => name),
  };
  const folder = state.runs.make(id);
  writeRunHead(folder, head);
  const adopted = await adoptRuns({ ...o, run: head, dead });
  const giveUp = () => {
    // A run that closed others in its name must stay known, so that the next one can take them over through it.
    if (adopted.length === 0) state.runs.remove(id);
    return null;
  };
  if (monotonic() - startedAt > BEGIN_LIMIT_MS) return giveUp();
  const opening = hashed(encodeBegin(beginOf(head, state.publicKey, adopted)));
  if (!(await vaults.put(names.begin(node, id), opening, o)).put) return giveUp();
  return {
    ...begun,
    head,
    folder,
    parent,
    adopted,
    tellRecipients: (bytes) => {
      if (recipients === undefined) writeRunHead(folder, { ...head, recipients: recipientsOf(bytes) });
    },
  };
}

function beginOf(head: RunHead, publicKey: string, adopted: readonly LocalRun[]): Begin {
  const { vault, node, snapshot, parent } = head;
  return {
    format: FORMAT,
    vault,
    node,
    snapshot,
    writer: writerOf(publicKey),
    ...(parent === null ? {} : { parent }),
    adopts: adopted.map((run) => run.head.snapshot),
  };
}

/** The height that goes into the id: the node's own, or that of its only channel. */
function heightOf(heights: Heights | null): number | undefined {
  if (heights === null) return undefined;
  const all = Object.values(heights);
  return heights[""] ?? (all.length === 1 ? all[0] : undefined);
}

/** Half-written lists of runs that were cut off serve nobody any more, and may be large. */
function dropHalfLists(state: NodeState): void {
  for (const id of state.runs.list()) {
    const folder = state.runs.folder(id);
    if (readRunRecord(folder) !== null) continue;
    for (const name of HALF_LISTS) rmSync(join(folder, name), { force: true });
  }
}

const HALF_LISTS = [RUN_FILES.entries, RUN_FILES.chunks, RUN_FILES.tables];
