import { resolve } from "node:path";
import { seeStanding, selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { openTree } from "../browse/index.ts";
import { DURATION_FORM, parseDuration } from "../config/index.ts";
import { assertNotRunning } from "../freeze/index.ts";
import { placeRaft } from "../ovn/index.ts";
import { allProfiles } from "../profiles/index.ts";
import { formatTime } from "../report/index.ts";
import {
  planRestore,
  type RestoreOptions,
  type RestorePlan,
  type RestoreTargets,
  runRestore,
  startRestoreThreads,
} from "../restore/index.ts";
import { lockNode } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { filesHolding } from "./block-files.ts";
import { controlOf, freezeRootsOf } from "./control.ts";
import type { Call } from "./define.ts";
import { archiveLook, waitForArchive } from "./from-archive.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { keepingLogs } from "./keep-logs.ts";
import { findLeftovers } from "./leftover-containers.ts";
import { findingOf, hostLook } from "./look.ts";
import { openVault } from "./opened.ts";
import { openingOf, openingWith } from "./opening.ts";
import { isOwnAddress, ownIpTeller } from "./own-ip.ts";
import { pendingMoves, restoreWith } from "./pending-moves.ts";
import { tmpTarget } from "./place-blocks.ts";
import { planRebuild } from "./rebuild-databases.ts";
import { recover } from "./recover.ts";
import { warnWhereRefused } from "./refused-now.ts";
import { openRemote, type Remote } from "./remote.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { holdSnapshot } from "./restore-hold.ts";
import { confirmReplacing, learnSpeed, outlookOf, outlookText } from "./restore-outlook.ts";
import { endingOf, endingText, type StartedAgain, startRestored } from "./restore-start.ts";
import { type NodeAfter, planText, resultText, volumesOf } from "./restore-text.ts";
import { assertNotBroken, selectionOf } from "./selection.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import { whySignsTwice } from "./signing.ts";

/** `coldkeep restore`. */
export async function run(call: Call<RestoreFlags>, id: string | undefined): Promise<Answer> {
  const { flags, io, progress } = call;
  const remote = await openRemote(call);
  const session = remote?.session ?? openSession(call);
  const { config, node } = session;
  const selection = remote?.narrow(id, flags) ?? selectionOf(id, flags);
  const dry = flags.dryRun === true;
  const inPlace = flags.to === undefined;
  const label = `coldkeep restore --node ${node.name}`;
  using _restoring = dry ? null : lockNode(config.stateDir, node.name, "restore", label);
  using _node = dry || !inPlace ? null : lockNode(config.stateDir, node.name, "node", label);
  const control = controlOf(node);
  if (inPlace && !dry) await recover(session, control, call);
  const ending = endingOf(flags, node);
  const signing = inPlace && flags.force !== true ? whySignsTwice(node) : null;
  if (signing !== null && !dry) throw signing;

  const store = remote?.store ?? (await openVault(config, call, "read"));
  const said = id !== undefined || remote !== null || flags.at !== undefined || flags.height !== undefined;
  if (!said) await assertNotRetired(store, session);
  const options = await optionsFor(session, store, call, selection, remote);
  progress.stage("plan");
  if (dry) {
    const plan = await planRestore(options);
    if (inPlace) await warnWhereRefused(options, call);
    if (signing !== null) progress.warn(`without --force it would be refused: ${messageOf(signing)}`);
    const outlook = await outlookOf(plan, session, call);
    const leftovers = inPlace ? await findLeftovers(node, call) : null;
    return {
      document: { ...planDocument(plan), outlook, ...removedOf(leftovers?.names) },
      text: [planText(plan, outlookText(outlook), endingText(ending)), leftovers?.text ?? []].flat().join("\n"),
    };
  }
  const threads = startRestoreThreads();
  try {
    const plan = await planRestore(options);
    const finding = inPlace ? findingOf(node) : null;
    const rebuild = planRebuild({ node, finding, plan, flags });
    const outlook = await outlookOf(plan, session, call);
    // Said before anything is written, so that whoever looks can still stop it.
    progress.close();
    const leftovers = inPlace ? await findLeftovers(node, call) : null;
    const told = [planText(plan, outlookText(outlook), endingText(ending)), leftovers?.text ?? []].flat().join("\n");
    if (flags.json !== true) io.stdout.write(`${told}\n\n`);
    await confirmReplacing([plan], call);
    const steps = (await leftovers?.remove()) ?? [];
    const pending = inPlace ? pendingMoves(config.stateDir, node) : null;
    const result = await restoreWith(pending, plan, { ...options, threads });
    progress.stage("settle");
    learnSpeed(result, session, call);
    // By its own configuration, which may have been restored as well.
    const moved = pending?.carryOut(plan) ?? [];
    await rebuild?.(call);
    const words = (after: NodeAfter) => [resultText(result, node, inPlace, { ...after, steps }), ...moved].join("\n");
    let started: StartedAgain | null = null;
    if (ending.start) {
      try {
        started = await startRestored(node, plan.heights, ending.waitMs, call);
      } catch (error) {
        // What was done, and where old data was kept, is told all the same.
        progress.close(true);
        if (flags.json !== true) io.stdout.write(`${words({})}\n`);
        throw error;
      }
    }
    const text = words(ending.start ? { running: started?.words ?? "" } : { stopped: ending.why });
    const volumes = inPlace ? volumesOf(node) : [];
    const more = {
      ...(steps.length === 0 ? {} : removedOf(leftovers?.names)),
      ...(moved.length === 0 ? {} : { moved }),
      ...(volumes.length === 0 ? {} : { volumes }),
      ...(started === null ? {} : { started }),
    };
    return { document: { ...result, plan: planDocument(plan), ...more }, text };
  } finally {
    await threads.close();
  }
}

function removedOf(names: readonly string[] = []): { readonly removed_containers?: readonly string[] } {
  return names.length === 0 ? {} : { removed_containers: names };
}

/** The newest of a node that goes on elsewhere, or not at all, is not what most people mean. @throws ColdkeepError `usage`. */
async function assertNotRetired(store: Store, { config, node }: Session): Promise<void> {
  const standing = await seeStanding(store, scopeOf(config, node.name));
  if (standing === null) return;
  const { since, renamed_to: name } = standing;
  throw new ColdkeepError("usage", {
    what: "which snapshot is meant? The node is retired",
    on: node.name,
    why: `since ${formatTime(since)}${name === undefined ? "" : `; it goes on as ${name}`}`,
    todo: "name it, or say latest",
  });
}

type RestoredTo = Pick<RestorePlan, "snapshot" | "capturedAt"> & { readonly tags: readonly string[] };

/** Restores into a folder that is not there yet, for those who make something else of it. */
export async function restoreTo(call: Call<IdentityFlags>, id: string | undefined, to: string): Promise<RestoredTo> {
  const session = openSession(call);
  const store = await openVault(session.config, call, "read");
  const options = await optionsFor(
    session,
    store,
    { ...call, flags: { ...call.flags, to } },
    selectionOf(id, {}),
    null,
  );
  const label = `coldkeep export --node ${session.node.name}`;
  using _restoring = lockNode(session.config.stateDir, session.node.name, "restore", label);
  const plan = await planRestore(options);
  await runRestore(plan, options);
  return { ...plan, tags: plan.opened.card.core.tags };
}

/** What a restore of that snapshot needs; the snapshot is pinned, and brought back from an archive class. */
export async function optionsFor(
  session: Session,
  store: Store,
  call: Call<RestoreFlags>,
  selection: ReturnType<typeof selectionOf>,
  remote: Remote | null,
): Promise<RestoreOptions> {
  const share = remote?.share ?? null;
  const { flags, io } = call;
  const { config, node } = session;
  const entry = await selectSnapshot({ store, ...scopeOf(config, node.name), selection });
  assertNotBroken(entry);
  // A presenter puts the pin itself.
  if (flags.from === undefined) await holdSnapshot(session, store, entry.snapshot, call, flags.dryRun === true);
  await waitForArchive(call, await archiveLook(session, store, entry.snapshot, call, remote));
  const opening = share === null ? await openingOf(session, store, call) : openingWith(session, store, call, []);
  const control = controlOf(node);
  const ownIp = await ownIpTeller(node, flags.ownIp, io.signal);
  const { blocks } = flags;
  if (blocks !== undefined && flags.to === undefined) {
    throw new ColdkeepError("usage", {
      what: "--blocks brings files to a fresh folder only",
      todo: "name it with --to",
    });
  }
  const files = blocks === undefined ? [] : await filesHolding(await openTree(opening(entry.snapshot)), blocks);
  const include = [...(flags.include ?? []), ...files];
  return {
    ...opening(entry.snapshot),
    ...(share === null ? {} : { share }),
    ...(flags.trustCardKey === undefined ? {} : { trustCardKey: flags.trustCardKey }),
    targets: targetsOf(session, flags.to),
    assertStopped: () => assertNotRunning({ roots: freezeRootsOf(node), control }),
    renames: (roots) =>
      allProfiles()
        .find(({ name }) => name === node.profile)
        ?.renames?.(hostLook, roots, { ownIp }) ?? [],
    ...adaptOf(session, call),
    ...keepingLogs(node, call),
    ...(include.length === 0 ? {} : { include }),
    ...(flags.exclude === undefined ? {} : { exclude: flags.exclude }),
    ...deltaOf(session, flags),
    fresh: flags.fresh === true,
    keepOld: flags.keepOld === true,
    keepSpecialBits: flags.keepSpecialBits === true,
    readBack: flags.noReadBack !== true,
    stateDir: config.stateDir,
    ...(flags.minSeq === undefined ? {} : { minSeq: flags.minSeq }),
    ...(flags.minHeight === undefined ? {} : { minHeight: flags.minHeight }),
    ...(flags.maxAge === undefined ? {} : { maxAgeMs: ageOf(flags.maxAge) }),
    clock: io.clock,
  };
}

/** Raft members of OVN are never put in place unasked; in a folder of their own they stay what they are. */
function adaptOf({ node }: Session, { flags, io }: Call<RestoreFlags>): Pick<RestoreOptions, "adapt"> {
  if (node.profile !== "ovn" || (flags.to !== undefined && flags.raft === undefined)) return {};
  const isOwn = (address: string) => address.startsWith("127.") || isOwnAddress(address);
  return {
    adapt: (roots) =>
      placeRaft(
        roots.map(({ path }) => path),
        flags.raft,
        isOwn,
        io.signal,
      ),
  };
}

function ageOf(text: string): number {
  const found = parseDuration(text);
  if (found !== null) return found;
  throw new ColdkeepError("usage", { what: "--max-age is no duration", on: JSON.stringify(text), why: DURATION_FORM });
}

function targetsOf({ node }: Session, to: string | undefined): RestoreTargets {
  if (to === undefined)
    return new Map([...tmpTarget(node), ...node.roots.map(({ name, path }) => [name, path] as const)]);
  return { to: resolve(to) };
}

function deltaOf({ node }: Session, { delta, deltaFrom }: RestoreFlags): Pick<RestoreOptions, "delta"> {
  if (deltaFrom !== undefined) return { delta: { from: resolve(deltaFrom) } };
  return delta === true ? { delta: new Map(node.roots.map(({ name, path }) => [name, path])) } : {};
}

export function planDocument({ opened: _opened, ...plan }: RestorePlan): Omit<RestorePlan, "opened"> {
  return plan;
}
