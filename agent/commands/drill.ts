import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { proveSnapshot, selectSnapshot } from "../../keeper/index.ts";
import type { Proof } from "../../vault/card/index.ts";
import { ColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import type { CommandLine, NodeSettings } from "../config/index.ts";
import { runCommand } from "../node/index.ts";
import { counted, facts, formatBytes, formatDuration } from "../report/index.ts";
import { planRestore, type RestoreResult, removeRestored, runRestore } from "../restore/index.ts";
import { lockNode } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { DrillFlags } from "./drill.command.ts";
import { openOneVault } from "./opened.ts";
import { openingOf } from "./opening.ts";
import { holdSnapshot } from "./restore-hold.ts";
import { learnSpeed } from "./restore-outlook.ts";
import { assertNotBroken, selectionOf } from "./selection.ts";
import { openSession, pickVault, type Session, scopeOf } from "./session.ts";
import { withWords } from "./with-words.ts";

/** `coldkeep drill`. */
export async function run(call: Call<DrillFlags>, id: string | undefined): Promise<Answer> {
  const { flags, io } = call;
  const session = openSession(call);
  const { config, node } = session;
  const settings = pickVault(config, flags.vault);
  const store = await openOneVault(settings, call, "write");
  const selection = selectionOf(id, {});
  const entry = await selectSnapshot({ store, ...scopeOf(config, node.name), selection });
  assertNotBroken(entry);
  await holdSnapshot(session, store, entry.snapshot, call, false);
  // One of a node at a time, and none beside a restore that goes on from what it has staged.
  using _restoring = lockNode(config.stateDir, node.name, "restore", `coldkeep drill --node ${node.name}`);
  const scratch = scratchOf(session, flags);
  const roots = join(scratch, "roots");
  // What a drill that was killed has left; the name is ours alone.
  removeRestored(scratch);
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  try {
    const result = await restoreInto(roots, session, store, entry.snapshot, call);
    const check = node.drill?.check;
    if (check !== undefined) await runCheck(check, node, roots, entry.snapshot, call);
    const { vault } = result;
    const proof: Proof = {
      format: 1,
      vault,
      node: node.name,
      snapshot: entry.snapshot,
      restored: io.clock.now(),
      seconds: Math.round(result.restored.seconds),
      files: result.restored.files,
      bytes: result.restored.bytes,
      opened: check !== undefined,
    };
    const name = await proveSnapshot({ store, proof, putOnly: settings.putOnly === true });
    return {
      document: {
        ...proof,
        proof: name,
        fetched: result.restored.fetched,
        ...(flags.keep === true ? { kept: roots } : {}),
      },
      text: textOf(proof, result.restored, flags.keep === true ? roots : null),
    };
  } finally {
    if (flags.keep !== true) removeRestored(scratch);
  }
}

function scratchOf({ config, node }: Session, flags: DrillFlags): string {
  const folder = flags.in ?? node.drill?.folder ?? join(config.stateDir, "drill");
  return join(resolve(folder), `coldkeep-drill-${node.name}`);
}

async function restoreInto(
  to: string,
  session: Session,
  store: Store,
  snapshot: SnapshotId,
  call: Call<DrillFlags>,
): Promise<{ readonly restored: RestoreResult; readonly vault: Proof["vault"] }> {
  const options = {
    ...(await openingOf(session, store, call))(snapshot),
    targets: { to },
    assertStopped: async () => {},
    fresh: true,
    keepOld: false,
    keepSpecialBits: false,
    stateDir: session.config.stateDir,
    clock: call.io.clock,
  };
  const plan = await planRestore(options);
  const restored = await runRestore(plan, options);
  learnSpeed(restored, session, call);
  return { restored, vault: plan.opened.manifest.vault };
}

/** Words of a shell get the folder as $1, those of a program as one more. */
async function runCheck(check: CommandLine, node: NodeSettings, folder: string, snapshot: SnapshotId, call: Call) {
  call.progress.stage("check");
  const { status, ending, tail } = await runCommand(withWords(check, "drill", folder), {
    timeoutMs: node.drill?.checkMs ?? 0,
    signal: call.io.signal,
  });
  call.io.signal.throwIfAborted();
  if (status === 0) return;
  throw new ColdkeepError("unproven", {
    what: "the check refused what was restored",
    on: snapshot,
    why: [ending, tail.trim()].filter((part) => part !== "").join(": "),
    todo: "every byte is as it was backed up: look at it with `coldkeep drill --keep`, and restore an earlier one if need be",
  });
}

function textOf({ snapshot, opened, files, bytes }: Proof, { seconds }: RestoreResult, kept: string | null): string {
  return facts([
    ["proven", snapshot],
    [
      "restored",
      `${formatBytes(bytes)} in ${counted(files, "file")}, ${formatDuration(seconds * 1000)}; every digest was checked`,
    ],
    ["opened", opened ? "by the check of the configuration" : "not tried: no `drill: check` is configured"],
    ["scratch", kept ?? "removed"],
  ]);
}
