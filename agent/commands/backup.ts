import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { type BackupOptions, type BackupResult, type Freeze, runBackup } from "../backup/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { describeSealer, makeStretch } from "../keys/index.ts";
import type { NodeControl } from "../node/types.ts";
import type { Finding } from "../profiles/index.ts";
import {
  counted,
  facts,
  formatBytes,
  formatCount,
  formatDuration,
  formatHeights,
  formatRate,
} from "../report/index.ts";
import { type NodeState, openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { BackupFlags } from "./backup.command.ts";
import { foretell } from "./backup-forecast.ts";
import { refillKeyFile } from "./consumed.ts";
import { controlOf, freezeRootsOf, profileFor } from "./control.ts";
import type { Call } from "./define.ts";
import { openFeeding } from "./feeding.ts";
import { takeGroupTurn } from "./group-turn.ts";
import { type Indexed, indexAfter, indexEarlier } from "./index-after.ts";
import { takeKeysAhead } from "./keys-ahead.ts";
import { LEAN } from "./lean.ts";
import { assertWhole } from "./look.ts";
import { assertCaughtUp, assertMayStop, assertNow } from "./may-stop.ts";
import { assertCanStart } from "./node-key.ts";
import { loadKeys, suiteOf } from "./opened.ts";
import { withDatabases, withPosition } from "./ovn-online.ts";
import { quietQuestion } from "./quiet.ts";
import { recover } from "./recover.ts";
import { assertOwnName, openSession, type Session, vaultIdOf } from "./session.ts";
import { threadsAhead } from "./threads-ahead.ts";
import { endTreeAhead, lookAhead } from "./tree-ahead.ts";
import { publicKeys } from "./unproven.ts";
import { concludeVaults, notEverywhere, type VaultAnswer, vaultText } from "./vault-answers.ts";
import { checkAnswers } from "./when-down.ts";

/** `coldkeep backup`. All that can be found wrong is found while the node still runs. */
export async function run(call: Call<BackupFlags>): Promise<Answer> {
  const session = openSession(call);
  assertOwnName(session.config, session.node);
  if (session.node.ovn?.capture === "online") {
    if (call.flags.dryRun === true) throw nothingStops(session.node);
    return withDatabases(session, call, (stage) => backUp(session, call, { stage }));
  }
  const finding = assertWhole(session.node);
  if (call.flags.dryRun === true) return foretell(session, call, finding);
  return backUp(session, call, { finding });
}

function nothingStops({ name }: NodeSettings): ColdkeepError {
  return new ColdkeepError("usage", {
    what: "--dry-run foretells a stop, and there is none",
    on: name,
    why: "its servers are asked while they run (ovn: capture: online)",
    todo: "run the backup: what it reads is small, and nothing is stopped",
  });
}

/** What is backed up instead of the node's own folders, and who tells of it; made under the node's lock. */
export interface Staged {
  readonly node: NodeSettings;
  readonly control: NodeControl;
}

/** A backup as a member of a group. */
export interface Within {
  /** `<group>/<id>` */
  readonly group: string;
  readonly freeze: Freeze;
  /** Told of the snapshot once it is committed. */
  readonly committed: (result: BackupResult) => void;
}

export interface BackUpOptions {
  /** What lies in the node's folders, where somebody has looked. */
  readonly finding?: Finding | null;
  /** Lays out what is backed up instead of them. */
  readonly stage?: () => Promise<Staged>;
  readonly within?: Within;
}

/** Makes a snapshot of the node as the session has it, or of what `stage` lays out, under its lock. */
export async function backUp(
  session: Session,
  call: Call<BackupFlags>,
  { finding = null, stage, within }: BackUpOptions = {},
): Promise<Answer> {
  const { flags, io, progress } = call;
  const { config } = session;
  const threads = threadsAhead();
  const vault = vaultIdOf(config);
  const suite = suiteOf(config);
  const state = openNodeState(config.stateDir, session.node.name);
  using _lock = state.lock(`coldkeep backup --node ${session.node.name}`);
  const own = controlOf(session.node);
  await recover(session, own, call);
  const now = () => io.clock.now();
  const anyway = flags.anyway === true;
  if (!anyway) assertNow(session.node, state, now());
  const lookedAhead = stage === undefined && lookAhead(session.node, finding?.leanRoots);
  const { node, control: driven } = (await stage?.()) ?? {
    node: session.node,
    control: withPosition(session.node, own, call),
  };
  const question = quietQuestion(node, finding, call);
  const control: NodeControl =
    question === null ? driven : { ...driven, assertQuiet: async (signal) => void (await question.ask(signal)) };
  for (const note of finding?.notes ?? []) progress.note(note);

  const profile = profileFor(node);
  await refillKeyFile(config, call);
  const ahead = takeKeysAhead(session);
  const keys = ahead?.keys ?? (await loadKeys(config, call));
  for (const { key, proven } of await publicKeys(config, node, keys)) {
    if (proven === undefined) progress.warn(`nobody has proven that ${key.label} opens: run \`coldkeep key test\``);
  }
  const { slow } = describeSealer(suite);
  if (slow !== null) progress.warn(slow);
  const stretch = (label: string) => state.stretch(label, suite, () => makeStretch(suite));
  const recipients = ahead?.recipients ?? keys.map((key) => key.toRecipient(stretch));
  for (const key of keys) key.forget?.();
  // Stretching takes a third of a second of another thread: until the vault is looked at it is nearly done.
  for (const recipient of recipients) recipient.prepare?.(suite);
  const feeding = await openFeeding(config, call);
  const place = { session, vault };
  await indexEarlier(place, feeding);
  assertCanStart(node, control, finding);
  await checkAnswers(node, control, call);
  if (!anyway) await assertCaughtUp(node, control, io.signal);
  const said = (await question?.ask(io.signal)) ?? [];

  const options: BackupOptions = {
    vault,
    node: node.name,
    suite,
    vaults: feeding.set,
    roots: freezeRootsOf(node, finding?.leanRoots),
    profile,
    control,
    recipients,
    signingKey: state.signingKey,
    chunkKey: state.chunkKey(suite),
    stateDir: config.stateDir,
    tags: tagsFor(node, flags, [...((finding?.leanRoots ?? []).length > 0 ? [LEAN] : []), ...said]),
    ...(within === undefined ? {} : { group: within.group }),
    full: flags.full === true,
    lookedAhead,
    ...(threads === null ? {} : { threads }),
    ...(node.compression === undefined ? {} : { compression: node.compression }),
    ...(node.pace === undefined ? {} : { pace: node.pace }),
    now,
    beforeStop: async (bytesToCopy) => {
      endTreeAhead();
      feeding.hurry(true);
      const handOn = await takeGroupTurn({ session, control, feeding, bytesToCopy }, call);
      try {
        if (!anyway) await assertMayStop(node, control, state, now, io.signal);
        return async () => {
          await handOn();
          feeding.hurry(false);
        };
      } catch (error) {
        await handOn();
        throw error;
      }
    },
    progress,
    signal: io.signal,
  };
  const result = await runBackup(options, within?.freeze);
  within?.committed(result);
  rememberOutage(state, result, call);
  const indexed = await indexAfter(place, feeding, result.snapshot, call);
  const failure = notGood(result, indexed);
  for (const one of indexed)
    if (one.entry?.state === "good" && one.entry.remarks.length > 0) progress.warn(passedOver(one.entry));
  const vaults = await concludeVaults(place, feeding, indexed, call);
  const [first] = vaults;
  return {
    document: {
      snapshot: result.snapshot,
      parent: result.parent,
      node: node.name,
      vault: vaults.find(({ outcome }) => outcome === "stored")?.url ?? first?.url,
      vaults,
      heights: result.card.core.heights ?? null,
      tags: result.card.core.tags,
      bytes: result.card.core.bytes,
      figures: result.figures,
      listed: indexed.every(({ entry }) => entry !== null),
      notes: result.notes,
    },
    text: textOf(result, vaults, config.path),
    ...failureOf(failure ?? notEverywhere(result, vaults)),
  };
}

/** For the next forecast; what fails in it harms no backup. */
function rememberOutage(state: NodeState, { figures }: BackupResult, { progress }: Call): void {
  const { freeze, read, stored } = figures;
  const { downtimeMs, freezeMs, waitedMs, copiedBytes } = freeze;
  if (downtimeMs === null) return;
  try {
    const waited = waitedMs === undefined ? {} : { waitedMs };
    state.outages.add({ downtimeMs, freezeMs, ...waited, copiedBytes, read, stored });
  } catch (error) {
    progress.warn(`what this outage took could not be remembered: ${messageOf(error)}`);
  }
}

/** What a card holds (docs/FORMAT.md). */
const MAX_TAGS = 64;

function tagsFor(node: NodeSettings, { tag = [], meta = [] }: BackupFlags, own: readonly string[]): string[] {
  const tags = [...new Set([...node.tags, ...tag, ...meta, ...own])];
  if (tags.length <= MAX_TAGS) return tags;
  throw new ColdkeepError("usage", {
    what: "too many tags",
    on: node.name,
    why: `${tags.length} with those of the configuration and --meta; a snapshot holds ${MAX_TAGS}`,
  });
}

function failureOf(failure: ColdkeepError | null): { failure?: ColdkeepError } {
  return failure === null ? {} : { failure };
}

/** A snapshot the index does not call good is no backup, whatever was put. */
function notGood({ snapshot }: BackupResult, indexed: readonly Indexed[]): ColdkeepError | null {
  const bad = indexed.find(({ entry }) => entry !== null && entry.state !== "good");
  if (bad?.entry === undefined || bad.entry === null) return null;
  const { entry } = bad;
  return new ColdkeepError("integrity", {
    what: "the snapshot was committed, but the vault does not bear it out",
    on: snapshot,
    why: entry.remarks.join("; "),
    todo: "run `coldkeep verify`, then back up again with --full",
  });
}

/** A good snapshot that no "latest" will ever mean must not pass for a matter of course. */
function passedOver({ snapshot, remarks }: IndexEntry): string {
  return `${snapshot} is ${remarks.join("; ")}: the clock of this host or of the vault is wrong, and \`latest\` passes over this snapshot until it is named by its id`;
}

function textOf(
  { snapshot, parent, card, figures, notes }: BackupResult,
  vaults: readonly VaultAnswer[],
  config: string,
): string {
  const { freeze, read, reused, stored, uploadMs } = figures;
  const down =
    freeze.downtimeMs === null
      ? "none: the node was not stopped and started"
      : `${formatDuration(freeze.downtimeMs)} from stop asked to running again, ${formatDuration(freeze.freezeMs)} of it coldkeep's own`;
  const rows: (readonly [string, string])[] = [
    ["snapshot", snapshot],
    ["height", formatHeights(card.core.heights)],
    ["downtime", down],
    ["content", `${formatBytes(freeze.bytes)} in ${counted(freeze.files, "file")}`],
    ["read", `${formatBytes(read)} in ${formatDuration(uploadMs)}, ${formatRate(read, uploadMs)}`],
    ["reused", `${formatBytes(reused)}${parent === null ? "" : `, from ${parent} and before`}`],
    ["stored", `${formatBytes(stored)} in ${counted(figures.packs, "pack")}`],
  ];
  if (vaults.length > 1) rows.push(["vaults", vaults.map(vaultText).join("\n")]);
  if (notes.length > 0) rows.push(["notes", notesText(notes)]);
  const again = config === "/etc/coldkeep/config.yaml" ? "" : ` --config ${config}`;
  return `${facts(rows)}\n\nProve it: coldkeep verify ${snapshot} --read-data${again}`;
}

/** The first few; --json has them all. */
function notesText(notes: readonly string[]): string {
  const shown = notes.slice(0, 10);
  const more = notes.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${formatCount(more)} more; --json has them all`] : [])].join("\n");
}
