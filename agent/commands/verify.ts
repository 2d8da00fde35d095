import { listSnapshots, selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { counted, formatBytes, formatCount, formatDuration } from "../report/index.ts";
import { runVerify, startVerifyThreads, type VerifyResult } from "../verify/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { openingOf } from "./opening.ts";
import { selectionOf } from "./selection.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import { firstLines, makeVerdicts } from "./verdicts.ts";
import type { VerifyFlags } from "./verify.command.ts";
import { verifyKeyless } from "./verify-keyless.ts";

/** `coldkeep verify`. */
export async function run(call: Call<VerifyFlags>, id: string | undefined): Promise<Answer> {
  const { flags } = call;
  if (flags.all === true && id !== undefined) {
    throw new ColdkeepError("usage", { what: "a snapshot and --all are given", todo: "give one of them" });
  }
  const session = openSession(call);
  const readData = flags.readData === true;
  if (flags.withoutKey === true) {
    const store = await openVault(session.config, call, "read");
    const ids = await wanted(session, store, id, flags.all === true);
    return await verifyKeyless(session, store, call, ids, readData);
  }
  const threads = readData ? startVerifyThreads() : undefined;
  try {
    const store = await openVault(session.config, call, "read");
    const ids = await wanted(session, store, id, flags.all === true);
    const opening = await openingOf(session, store, call);
    const verdicts = makeVerdicts(call, { node: session.node.name }, readData, textOf);
    for (const snapshot of ids) {
      const given = { readData, clock: call.io.clock, ...(threads === undefined ? {} : { openingThreads: threads }) };
      await verdicts.add(await runVerify({ ...opening(snapshot), ...given }));
    }
    return await verdicts.end();
  } finally {
    await threads?.close();
  }
}

async function wanted(
  { config, node }: Session,
  store: Store,
  id: string | undefined,
  all: boolean,
): Promise<readonly SnapshotId[]> {
  const scope = { store, ...scopeOf(config, node.name) };
  if (!all) return [(await selectSnapshot({ ...scope, selection: selectionOf(id, {}) })).snapshot];
  const ids: SnapshotId[] = [];
  for await (const { snapshot, state } of listSnapshots(scope)) if (state !== "expired") ids.push(snapshot);
  return ids;
}

function textOf(result: VerifyResult): string {
  const { snapshot, ok, readData, files, bytes, packs, chunks, fetched, seconds, damages, notes } = result;
  const depth = readData
    ? `all ${formatBytes(bytes)} in ${counted(files, "file")} read, opened and compared`
    : `its description opened, ${counted(packs, "pack")} present; --read-data reads the data, too`;
  return [
    `${snapshot}  ${ok ? "good" : "DAMAGED"}`,
    `  ${ok ? depth : counted(damages.length, "damage")} (${formatBytes(fetched)} read, ${counted(chunks, "chunk")}, ${formatDuration(seconds * 1000)})`,
    ...firstLines(damages, damageText),
    ...firstLines(notes, (note) => `  note: ${note}`),
  ].join("\n");
}

function damageText({ object, what, files, affected }: VerifyResult["damages"][number]): string {
  const lines = [`  ${object}: ${what}`];
  if (affected === null) lines.push("    nothing of this snapshot can be restored");
  else if (affected > 0)
    lines.push(`    costs ${counted(affected, "file")}:`, ...files.slice(0, 10).map((path) => `      ${path}`));
  if (affected !== null && affected > 10) lines.push(`      and ${formatCount(affected - 10)} more`);
  return lines.join("\n");
}
