import { listSnapshots, selectSnapshot } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { counted, formatBytes, formatCount, formatDuration } from "../report/index.ts";
import { runVerify, startVerifyThreads, type VerifyResult } from "../verify/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { openingOf } from "./opening.ts";
import { selectionOf } from "./selection.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import type { VerifyFlags } from "./verify.command.ts";
import { keylessText, verifyKeyless } from "./verify-keyless.ts";

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
    const ids = (await wanted(session, store, id, flags.all === true)).map(({ snapshot }) => snapshot);
    const verdicts = await verifyKeyless(session, store, call, ids, readData);
    return answer(session, verdicts, readData, (verdict) => keylessText(verdict, readData));
  }
  const threads = readData ? startVerifyThreads() : undefined;
  try {
    const store = await openVault(session.config, call, "read");
    const entries = await wanted(session, store, id, flags.all === true);
    const opening = await openingOf(session, store, call);
    const results: VerifyResult[] = [];
    for (const { snapshot } of entries) {
      const given = { readData, clock: call.io.clock, ...(threads === undefined ? {} : { openingThreads: threads }) };
      results.push(await runVerify({ ...opening(snapshot), ...given }));
    }
    return answer(session, results, readData, textOf);
  } finally {
    await threads?.close();
  }
}

type Verdict = Pick<VerifyResult, "snapshot" | "ok">;

function answer<T extends Verdict>(
  { node }: Session,
  results: readonly T[],
  readData: boolean,
  inWords: (result: T) => string,
): Answer {
  const bad = results.filter(({ ok }) => !ok);
  return {
    document: { node: node.name, ok: bad.length === 0, snapshots: results },
    text: results.map(inWords).join("\n\n") || "There are no snapshots to verify.",
    ...(bad.length === 0 ? {} : { failure: damaged(bad, readData) }),
  };
}

async function wanted(
  { config, node }: Session,
  store: Store,
  id: string | undefined,
  all: boolean,
): Promise<IndexEntry[]> {
  const scope = { store, ...scopeOf(config, node.name) };
  if (!all) return [await selectSnapshot({ ...scope, selection: selectionOf(id, {}) })];
  const entries: IndexEntry[] = [];
  for await (const entry of listSnapshots(scope)) entries.push(entry);
  return entries.filter(({ state }) => state !== "expired");
}

function textOf(result: VerifyResult): string {
  const { snapshot, ok, readData, files, bytes, packs, chunks, fetched, seconds, damages, notes } = result;
  const depth = readData
    ? `all ${formatBytes(bytes)} in ${counted(files, "file")} read, opened and compared`
    : `its description opened, ${counted(packs, "pack")} present; --read-data reads the data, too`;
  const lines = [
    `${snapshot}  ${ok ? "good" : "DAMAGED"}`,
    `  ${ok ? depth : counted(damages.length, "damage")} (${formatBytes(fetched)} read, ${counted(chunks, "chunk")}, ${formatDuration(seconds * 1000)})`,
  ];
  for (const { object, what, files: hit, affected } of damages) {
    lines.push(`  ${object}: ${what}`);
    if (affected === null) lines.push("    nothing of this snapshot can be restored");
    else if (affected > 0)
      lines.push(`    costs ${counted(affected, "file")}:`, ...hit.slice(0, 10).map((path) => `      ${path}`));
    if (affected !== null && affected > 10) lines.push(`      and ${formatCount(affected - 10)} more`);
  }
  return [...lines, ...notes.map((note) => `  note: ${note}`)].join("\n");
}

function damaged(bad: readonly Verdict[], readData: boolean): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: `${counted(bad.length, "snapshot")} ${bad.length === 1 ? "is" : "are"} damaged`,
    on: bad.map(({ snapshot }) => snapshot).join(", "),
    todo: `\`coldkeep repair${readData ? " --read-data" : ""}\` puts back what can be had; else restore from another snapshot or a copy of the vault, and \`coldkeep backup --full\` stores everything anew`,
  });
}
