import { damagesOf, damageWords, indexSnapshots, listSnapshots, selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError, messageOf, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { settleKept } from "../rekey/index.ts";
import { type RepairedObject, type RepairResult, runRepair } from "../repair/index.ts";
import { counted, formatCount } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { keptKeyFiles } from "./key-context.ts";
import { makeListing } from "./listing.ts";
import { loadOpeners, openVault, pinnedKeyOf } from "./opened.ts";
import type { RepairFlags } from "./repair.command.ts";
import { selectionOf } from "./selection.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import { makeSomeIds } from "./some-ids.ts";

/** `coldkeep repair`. */
export async function run(call: Call<RepairFlags>, id: string | undefined): Promise<Answer> {
  const { flags, progress, io } = call;
  const session = openSession(call);
  const { config, node } = session;
  const dryRun = flags.dryRun === true;
  const store = await openVault(config, call, dryRun ? "read" : "write");
  const scope = { store, ...scopeOf(config, node.name) };
  const ids =
    id === undefined ? undefined : [(await selectSnapshot({ ...scope, selection: selectionOf(id, {}) })).snapshot];
  const suspects = new Set(await suspectsIn(session, store));
  const pinnedKey = pinnedKeyOf(session);
  if (!dryRun) {
    // A rotation that was cut off may have one that the vault has no more.
    const kept = { store, node: node.name, keepFolder: keptKeyFiles(config, node, store) };
    for (const snapshot of await settleKept(kept)) progress.warn(`the key file of ${snapshot} was brought back`);
  }
  const result = await runRepair({
    ...scope,
    ...(ids === undefined ? {} : { ids }),
    ...(pinnedKey === undefined ? {} : { pinnedKey }),
    identities: await loadOpeners(config, call, flags.identity),
    readData: flags.readData === true || ((pack: string) => suspects.has(pack)),
    roots: new Map(node.roots.map(({ name, path }) => [name, path])),
    dryRun,
    progress,
    signal: io.signal,
  });
  if (!dryRun) await tellIndex(session, store, result, call);
  const bad = [...result.left].filter(([, damages]) => damages.length > 0).map(([snapshot]) => snapshot);
  const listing = makeListing(call, { node: node.name, dry_run: dryRun }, "objects");
  progress.close();
  for (const object of result.objects) {
    await listing.add({ text: () => objectText(object), document: () => object });
  }
  const answer = await listing.end({
    text: sumText(result, bad, flags.readData === true),
    document: { ok: bad.length === 0, looked: result.looked, damaged: bad },
  });
  return bad.length === 0 ? answer : { ...answer, failure: stillDamaged(bad, dryRun) };
}

/** What the vault's list says is damaged: read in any case. */
async function suspectsIn({ config, node }: Session, store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of listSnapshots({ store, ...scopeOf(config, node.name) })) {
    found.push(...damagesOf(entry).map((words) => words.split(": ", 1)[0] ?? ""));
  }
  return found;
}

/** What stays damaged is no latest and no parent any more; what is whole again is. */
async function tellIndex(
  { config, node }: Session,
  store: Store,
  result: RepairResult,
  { progress }: Call,
): Promise<void> {
  if (result.objects.length === 0) return;
  const touched = new Set(result.objects.flatMap(({ snapshots }) => snapshots));
  const looked = new Map<SnapshotId, readonly string[]>();
  for (const [snapshot, damages] of result.left) {
    if (!touched.has(snapshot)) continue;
    looked.set(snapshot, damages.map(damageWords));
  }
  try {
    await indexSnapshots({ store, ...scopeOf(config, node.name), ids: [...looked.keys()], looked });
  } catch (error) {
    progress.warn(
      `the vault's list does not know of it yet: ${messageOf(error)}; its verifier, or another repair, tells it`,
    );
  }
}

const DID: Readonly<Record<RepairedObject["outcome"], string>> = {
  repaired: "put back",
  possible: "can be put back",
  lost: "LOST",
};
const SHOWN = 10;

function objectText({ object, problem, outcome, how, snapshots, files }: RepairedObject): string {
  const lines = [`${object}  ${problem}; ${DID[outcome]}: ${how}`];
  if (outcome === "lost") {
    lines.push(`  needed by ${counted(snapshots.length, "snapshot")}:`);
    lines.push(...snapshots.slice(0, SHOWN).map((snapshot) => `    ${snapshot}`));
    if (snapshots.length > SHOWN) lines.push(`    and ${formatCount(snapshots.length - SHOWN)} more`);
    if (files.length > 0)
      lines.push("  files of which something is gone:", ...files.slice(0, SHOWN).map((path) => `    ${path}`));
    if (files.length > SHOWN) lines.push(`    and ${formatCount(files.length - SHOWN)} more`);
  }
  return lines.join("\n");
}

function sumText({ looked, objects }: RepairResult, bad: readonly SnapshotId[], readData: boolean): string {
  const of = (wanted: RepairedObject["outcome"]) => objects.filter(({ outcome }) => outcome === wanted).length;
  const parts = [
    `${counted(looked.length, "snapshot")} looked at`,
    ...(of("repaired") > 0 ? [`${counted(of("repaired"), "object")} put back`] : []),
    ...(of("possible") > 0 ? [`${counted(of("possible"), "object")} that can be put back`] : []),
    ...(of("lost") > 0 ? [`${counted(of("lost"), "object")} lost`] : []),
    bad.length === 0
      ? readData
        ? "nothing is damaged"
        : "nothing is missing or short"
      : `${counted(bad.length, "snapshot")} damaged`,
  ];
  // A flipped bit changes no size.
  return `${parts.join(", ")}${readData ? "" : "; --read-data reads what the packs hold, too"}.`;
}

function stillDamaged(bad: readonly SnapshotId[], dryRun: boolean): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: `${counted(bad.length, "snapshot")} ${bad.length === 1 ? "is" : "are"} damaged`,
    on: makeSomeIds(bad).words(),
    todo: dryRun
      ? "`coldkeep repair` puts back what can be had"
      : "what is lost may be whole in a copy of the vault: `coldkeep copy --repair` brings it; `coldkeep backup --full` stores everything anew",
  });
}
