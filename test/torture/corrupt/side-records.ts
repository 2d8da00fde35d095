import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { SLOT_MS, takeTurn } from "../../../agent/backup/index.ts";
import { readStandings } from "../../../agent/commands/cloud-nodes.ts";
import { putAgent } from "../../../agent/commands/restore-line.ts";
import { publishStatus } from "../../../keeper/index.ts";
import { readStored } from "../../../keeper/status-page.ts";
import { putReport, readReport } from "../../../lambdas/common/reports.ts";
import { readLook } from "../../../lambdas/verifier/last-look.ts";
import { isColdkeepError, isSnapshotId, names, silent } from "../../../vault/names/index.ts";
import { tiersOf } from "../../../vault/retain/index.ts";
import type { SmallVault } from "./vault.ts";

/** A group whose turn another node has, and one whose turn was handed on. */
const GROUPS = { held: "held", over: "over" } as const;
const DAY = 86_400_000;

/** What no snapshot and no operator's word hangs on: what nights found, the page, a packaged coldkeep, turns to be down. */
export async function addSideRecords(
  vault: SmallVault,
  scratch: string,
  note: (kind: string, name: string) => void,
): Promise<void> {
  const { store, node, other, clock, snapshots } = vault;
  const at = new Date(clock.now).toISOString();
  const nightly = {
    verifier: { snapshots: 3, findings: [], began: clock.now, through: clock.now - DAY, left: snapshots[1]?.snapshot },
    retention: { expired: [], objects: 0, held: [], permanents: snapshots.map(({ snapshot }) => snapshot) },
  };
  for (const [job, report] of Object.entries(nightly)) {
    await putReport(store, node.name, job, { at, ...report });
    note("report", names.report(node.name, job));
  }

  await publishStatus({ store, news: [], all: standardsOf(vault), now: clock.now });
  note("status page", names.STATUS_PAGE);

  writeFileSync(packageIn(scratch), gzipSync("a packaged coldkeep"));
  note("packaged coldkeep", names.agentTarball(await putAgent(store, packageIn(scratch))));

  for (const group of Object.values(GROUPS)) {
    const turn = await askTurn(vault, group, other.name);
    const name = [...store.objects.keys()].findLast((one) => one.startsWith(`groups/${group}/down/`)) ?? "";
    note("turn", name);
    if (group !== GROUPS.over) continue;
    await turn.release();
    note("end of a turn", name.replace(/\.json$/, ".up.json"));
  }
}

/** Asks whoever reads them. */
export async function askSideRecords(
  vault: SmallVault,
  scratch: string,
  ask: (question: string, answer: () => Promise<string>) => Promise<void>,
): Promise<void> {
  const { store, node, clock } = vault;
  const { now } = clock;
  await ask("what nights found", async () => JSON.stringify(await readStandings(store, [node.name])));
  await ask("where the verifier goes on", async () => {
    const { left, since, began, through } = await readLook(store, node.name, now);
    const isBounded = since <= now && began <= now && (through ?? 0) <= now && (left === null || isSnapshotId(left));
    return isBounded ? "within bounds" : "anywhere";
  });
  await ask("the next night's report", async () => {
    await putReport(store, node.name, "verifier", { at: "now" });
    await putReport(store, node.name, "retention", { at: "now" });
    const read = await Promise.all(["verifier", "retention"].map((job) => readReport(store, node.name, job)));
    return read.every(({ at }) => at === "now") ? "is there" : "is not there";
  });
  const all = standardsOf(vault);
  const page = async () => (await readStored(store)).nodes ?? [];
  await ask("the page after news of nobody", async () => {
    await publishStatus({ store, news: [], all, now });
    return (await page()).map((one) => `${one.node} ${one.latest?.id}`).join(", ");
  });
  await ask("the page after news of all", async () => {
    await publishStatus({ store, news: [...all.keys()], all, now });
    const told = await page();
    store.objects.delete(names.STATUS_PAGE);
    await publishStatus({ store, news: [], all, now });
    return isDeepStrictEqual(told, await page()) && told.length === all.size ? "as made anew" : "something else";
  });
  await ask("a packaged coldkeep", async () => {
    const name = names.agentTarball(await putAgent(store, packageIn(scratch)));
    const right = readFileSync(packageIn(scratch)).equals(store.objects.get(name)?.bytes ?? Buffer.alloc(0));
    return right ? "is there" : "is not what it is called";
  });
  const turn = (group: string) => async () => {
    try {
      await askTurn(vault, group, node.name);
      return "taken";
    } catch (error) {
      if (isColdkeepError(error, "skipped")) return "another has it";
      throw error;
    }
  };
  await ask("a turn that another has", turn(GROUPS.held));
  await ask("a turn that was handed on", turn(GROUPS.over));
}

const packageIn = (scratch: string) => join(scratch, "coldkeep.tar.gz");

function standardsOf({ node, other }: SmallVault) {
  const standards = { tiers: tiersOf({ keep_daily: 7, timezone: "UTC" }), limits: { maxAgeMs: DAY } };
  return new Map([node, other].map(({ name }) => [name, standards] as const));
}

function askTurn({ store, clock }: SmallVault, group: string, node: string) {
  // Wherever in its slot the time is, one slot is enough.
  const needMs = SLOT_MS - 1 - (clock.now % SLOT_MS);
  const now = () => clock.now;
  const signal = new AbortController().signal;
  return takeTurn({ store, group, most: 1, node, needMs, waitMs: 0, now, monotonic: now, progress: silent, signal });
}
