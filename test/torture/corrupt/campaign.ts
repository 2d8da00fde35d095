import { listSnapshots, rebuildIndex, verifySnapshots } from "../../../keeper/index.ts";
import { isColdkeepError, messageOf, names, type SnapshotId } from "../../../vault/names/index.ts";
import type { Chance } from "../chance.ts";
import type { Campaign, Context } from "../types.ts";
import { askAll } from "./ask-records.ts";
import { type Harm, harmsTo, kindOf } from "./harm.ts";
import { assertAllHarmed } from "./kinds.ts";
import { readAll } from "./read-all.ts";
import { addRecords } from "./records.ts";
import { keep, sufferRecord } from "./suffer-record.ts";
import { makeVault, type SmallVault } from "./vault.ts";

/** After each a month is played: so many harms of a record a round, whichever. */
const HARMS_A_RECORD = 1;
const LISTS = ["index.json", "index of a month"];
const CACHES = [...LISTS, "head.json", "backup_list"];

export const campaign: Campaign = {
  name: "corrupt",
  shows:
    "Every kind of object, harmed in every part of it. A restore gives exactly what was captured, or an error that names the object; " +
    "verification without any key names it as well; snapshots that do not use it are untouched; what is a cache is made anew. " +
    "Records beside snapshots (marks, markers, fates, pins, proofs, closing cards, standings, tickets, shares, groups' cards, nights' reports, the status page, turns to be down and the " +
    "rest: of every name there is for objects, or the round counts as lost) are harmed as well, and a month of retention and collection is played: what is pinned, newest, or needed by a restore " +
    "stays, a revoked ticket stays revoked, a retired node keeps all. Survived: a cache, which was made anew; a record of which only " +
    "its name and receipt count, or the last word of an operator that is gone, so that the one before it holds; words that are for people alone.",
  run: async (context) => {
    await context.rounds(async (chance) => {
      const harmed = new Set<string>();
      const vault = await makeVault(chance);
      const mine = [...vault.store.objects.keys()].filter((name) => name.startsWith(`${vault.node.name}/`));
      // One object of each kind a round, whichever: of packs and key files some are used by two snapshots, some by one.
      const byKind = Map.groupBy(
        mine.filter((name) => kindOf(name) !== null),
        (name) => kindOf(name),
      );
      for (const [kind, ofKind] of byKind) {
        const name = chance.pick(ofKind);
        if (kind !== null) harmed.add(kind);
        for (const harm of harmsTo(name, vault.store, chance)) await suffer(context, vault, harm);
      }
      for (const kind of await sufferRecords(context, vault, chance)) harmed.add(kind);
      assertAllHarmed(harmed);
    });
  },
};

/** The same for one record of each kind that is put beside snapshots. @returns the kinds */
async function sufferRecords(context: Context, vault: SmallVault, chance: Chance): Promise<readonly string[]> {
  const records = await addRecords(vault, chance, context.scratch);
  const undo = keep(records);
  const before = await askAll(records);
  undo();
  const byKind = Map.groupBy(records.kinds.keys(), (name) => records.kinds.get(name));
  for (const ofKind of byKind.values()) {
    const harms = harmsTo(chance.pick(ofKind), vault.store, chance, (name) => records.kinds.get(name) ?? null);
    for (let left = HARMS_A_RECORD; left > 0 && harms.length > 0; left -= 1) {
      const [harm] = harms.splice(chance.whole(0, harms.length - 1), 1);
      if (harm !== undefined) await sufferRecord(context, records, before, harm);
    }
  }
  return [...new Set(records.kinds.values())];
}

/** Does one harm, looks at every snapshot, and undoes it. */
async function suffer(context: Context, vault: SmallVault, harm: Harm): Promise<void> {
  const { store } = vault;
  const before = new Map([...store.objects].map(([name, object]) => [name, object]));
  harm.apply(store);
  try {
    const kind = kindOf(harm.name) ?? "";
    const outcome = CACHES.includes(kind) ? await sufferCache(vault, harm) : await sufferObject(vault, harm);
    context.record(harm.what, outcome);
  } catch (error) {
    const why = isColdkeepError(error) ? `${error.kind}: ${error.message}` : ((error as Error).stack ?? String(error));
    context.record(harm.what, "lost", { why: `${harm.name}: ${why}` });
  } finally {
    store.objects.clear();
    for (const [name, object] of before) store.objects.set(name, object);
  }
}

async function sufferObject(vault: SmallVault, harm: Harm): Promise<"survived" | "detected"> {
  const words = new Map<SnapshotId, string[]>();
  for (const { snapshot } of vault.snapshots) words.set(snapshot, await readAll(vault, snapshot));
  await verifyAll(vault, words);
  await judgeAll(vault, words);
  const all = [...words.values()].flat();
  for (const { snapshot } of vault.snapshots) {
    const said = words.get(snapshot) ?? [];
    if (said.length === 0 || uses(vault, snapshot, harm.name)) continue;
    // One bit, and it says that it is of a newer format: of a vault that has such objects nothing may be concluded.
    if (said.every((text) => text.includes(harm.name) && /newer (coldkeep|format)/.test(text))) continue;
    throw new Error(`${snapshot} does not use it, and is told of: ${said.join(" | ")}`);
  }
  // Who is built on a snapshot that is broken is told of that one; somebody has to be told of the object.
  const named = all.some((text) => isNamed(text, harm.name));
  if (all.length > 0 && !named) throw new Error(`told without its name: ${all.join(" | ")}`);
  // The node's record is unsigned: its time and profile are for people. Of all else no bit may change unnoticed.
  if (!named && kindOf(harm.name) !== "node.json") throw new Error("nobody noticed");
  return named ? "detected" : "survived";
}

/** By its whole name, or where there is one such object alone, by what it is. */
function isNamed(text: string, name: string): boolean {
  const kind = kindOf(name);
  if (kind === "begin") return /\bbegin\b/.test(text);
  if (kind === "node.json") return /node\.json|the node's (name|own record)/.test(text);
  return text.includes(name);
}

/** By whoever has no key. */
async function verifyAll({ store, node }: SmallVault, words: Map<SnapshotId, string[]>): Promise<void> {
  try {
    for await (const { snapshot, damages } of verifySnapshots({ store, node: node.name, readData: true })) {
      for (const { object, problem, detail } of damages) words.get(snapshot)?.push(`${object}: ${problem}: ${detail}`);
    }
  } catch (error) {
    if (!isColdkeepError(error) || error.kind === "internal") throw error;
    for (const said of words.values()) said.push(messageOf(error));
  }
}

/** As the keeper judges each snapshot by its objects. */
async function judgeAll({ store, node }: SmallVault, words: Map<SnapshotId, string[]>): Promise<void> {
  try {
    const { index } = await rebuildIndex({ store, node: node.name });
    for (const { snapshot, state, remarks } of index.snapshots) {
      if (state !== "good") words.get(snapshot)?.push(...remarks);
    }
  } catch (error) {
    if (!isColdkeepError(error) || error.kind === "internal") throw error;
    for (const said of words.values()) said.push(messageOf(error));
  }
}

/** Whether a snapshot needs an object. */
function uses({ node, snapshots }: SmallVault, snapshot: SnapshotId, name: string): boolean {
  if (name === names.nodeJson(node.name)) return true;
  const built = snapshots.find((one) => one.snapshot === snapshot);
  const needed = [snapshot, ...(built?.card.core.origins.map((origin) => origin.snapshot) ?? [])];
  const parent = built?.card.core.parent;
  return [...needed, ...(parent === undefined ? [] : [parent])].some((id) => name.includes(id));
}

/** A list is believed where it is right, told of where it is not, and in any case made anew from the cards. */
async function sufferCache(vault: SmallVault, harm: Harm): Promise<"survived" | "detected"> {
  const { store, node, snapshots } = vault;
  let outcome: "survived" | "detected" = "survived";
  try {
    for await (const { snapshot } of listSnapshots({ store, node: node.name })) {
      if (!snapshots.some((one) => one.snapshot === snapshot)) throw new Error(`${snapshot} is none`);
    }
  } catch (error) {
    if (!isColdkeepError(error) || error.kind === "internal") throw error;
    if (!isNamed(messageOf(error), harm.name)) throw new Error(`told without its name: ${messageOf(error)}`);
    outcome = "detected";
  }
  // The other two are no lists that people read, and are written anew with the next snapshot.
  if (outcome === "survived" && LISTS.includes(kindOf(harm.name) ?? "")) throw new Error("nobody noticed");
  const { index } = await rebuildIndex({ store, node: node.name });
  const good = index.snapshots.filter(({ state }) => state === "good").length;
  if (good !== snapshots.length) throw new Error(`made anew it has ${good} good snapshots of ${snapshots.length}`);
  for (const { snapshot } of snapshots) {
    const said = await readAll(vault, snapshot);
    if (said.length > 0) throw new Error(said.join(" | "));
  }
  return outcome;
}
