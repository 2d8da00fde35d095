import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Chance } from "../chance.ts";
import { clear, faultOfData, type World } from "../world.ts";
import type { Prepared } from "./deeds.ts";

/**
 * What is wrong with a host after something happened to a deed, or null: see the campaign's own words. Undoes what was
 * left behind, and brings the deed to its end.
 * @param before cards that were there before.
 * @param ended whether the deed said that it succeeded.
 */
export async function faultAfter(
  prepared: Prepared,
  chance: Chance,
  before: readonly string[],
  ended: boolean,
  round: number,
): Promise<string | null> {
  const { world } = prepared;
  const recovered = await world.here("recover");
  if (recovered.code !== 0) return `recover ended with ${recovered.code}: ${recovered.stderr}`;
  if (existsSync(world.frozen) && readdirSync(world.frozen).length > 0) {
    return `left frozen: ${readdirSync(world.frozen).join(", ")}`;
  }
  const own = await prepared.finish(ended);
  if (own !== null) return own;
  if (!world.node("is-running")) return "the node is down";
  const after = cardsOf(world);
  const gone = before.filter((card) => !after.includes(card));
  if (prepared.removes === true ? gone.includes(before.at(-1) ?? "") : gone.length > 0)
    return `gone: ${gone.join(", ")}`;
  const verified = await world.here("verify", "--all", "--read-data");
  if (verified.code !== 0) return `verify ended with ${verified.code}: ${verified.stderr}${verified.stdout}`;
  if (prepared.isImport !== true && chance.hits(0.3)) {
    const fault = await faultOfOne(world, chance);
    if (fault !== null) return fault;
  }
  // What a killed process left is swept by the next one that writes.
  if (prepared.isImport !== true) {
    if (round % 4 !== 0) return null;
    await world.json("backup");
  }
  const left = leftBy(world, prepared.isImport === true);
  return left.length === 0 ? null : `left behind: ${left.join(", ")}`;
}

/** Restores a random snapshot of those that are listed as good. */
async function faultOfOne(world: World, chance: Chance): Promise<string | null> {
  const good = (await listSnapshots(world)).filter(({ state }) => state === "good");
  return good.length === 0 ? "no good snapshot is listed" : faultOfRestored(world, chance.pick(good).snapshot);
}

/**
 * Restores every snapshot that the vault of a host has a card of, one after the other, and compares it: what is wrong, and
 * how many were whole. The index is made anew of the cards first. Passed over is only what retention let expire, of which gc
 * may have deleted a part; any other that is not good is a fault, as nothing here damages one. For the end of a campaign.
 */
export async function faultsOfAll(world: World): Promise<{ faults: string[]; restored: number }> {
  const rebuilt = await world.here("rebuild");
  if (rebuilt.code !== 0) return { faults: [`rebuild ended with ${rebuilt.code}: ${rebuilt.stderr}`], restored: 0 };
  const listed = await listSnapshots(world);
  const names = new Set(listed.map(({ snapshot }) => `${snapshot}.card.json`));
  const cards = cardsOf(world).filter((name) => name.endsWith(".card.json"));
  const faults = cards.filter((card) => !names.has(card)).map((card) => `${card} is there, and not listed`);
  let restored = 0;
  for (const { snapshot, state } of listed) {
    if (state === "expired") continue;
    const fault =
      state === "good" ? await faultOfRestored(world, snapshot) : `${snapshot} is listed, and its state is ${state}`;
    if (fault === null) restored += 1;
    else faults.push(fault);
  }
  if (restored === 0 && faults.length === 0) faults.push("not one snapshot could be restored");
  return { faults, restored };
}

async function listSnapshots(world: World): Promise<{ snapshot: string; state: string }[]> {
  return (await world.json<{ snapshots: { snapshot: string; state: string }[] }>("list")).snapshots;
}

async function faultOfRestored(world: World, snapshot: string): Promise<string | null> {
  const into = join(world.home, "check");
  clear(into);
  const { code, stderr } = await world.here("restore", snapshot, "--to", into);
  if (code !== 0) return `the restore of ${snapshot} ended with ${code}: ${stderr}`;
  const fault = faultOfData(join(into, "data"));
  clear(into);
  return fault === null ? null : `${snapshot}: ${fault}`;
}

/** Ids of the snapshots whose cards lie in the vault, oldest first. */
export function cardsOf(world: World): string[] {
  const folder = join(world.vault, "demo/snapshots");
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

const OWN =
  /^(config\.yaml|second\.yaml|second-state|second|data|data\.pid|key-\d+|nodectl|state~?|vault~?|target|backups|\.coldkeep-freeze)$/;
const TEMPORARY = /\.tmp-|\.part$|\.new$|^\.coldkeep-/;

/** Files and folders that only a run that died can have left. */
function leftBy(world: World, isImport: boolean): string[] {
  const under = (folder: string) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
      : [];
  mkdirSync(world.frozen, { recursive: true });
  const runs = join(world.state, "demo/runs");
  // An import's runs are forgotten by the next one.
  return [
    ...readdirSync(world.home).filter((name) => !OWN.test(name)),
    ...readdirSync(world.frozen).map((name) => `.coldkeep-freeze/${name}`),
    ...under(join(world.vault, ".tmp")),
    ...under(world.state).filter((path) => TEMPORARY.test(path.slice(path.lastIndexOf("/") + 1))),
    ...(!isImport && existsSync(runs) && readdirSync(runs).length > 1
      ? readdirSync(runs).map((name) => `runs/${name}`)
      : []),
  ];
}
