import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { readConfigFile } from "../../infra/read-config.ts";
import { listSnapshots } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { parseDuration } from "../config/index.ts";
import { type Bill, billOf, type CostPlan, LIST_PRICES, type Prices, parsePrices } from "../cost/index.ts";
import { facts, formatBytes, formatCount, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { CostFlags } from "./cost.command.ts";
import { type Figures, figuresFrom, PACK, USUAL, usualPlan } from "./cost-figures.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { openSession, scopeOf } from "./session.ts";

const DAY = 86_400_000;

/** `coldkeep cost`. */
export async function run(call: Call<CostFlags>): Promise<Answer> {
  const { flags } = call;
  const prices = flags.priceFile === undefined ? LIST_PRICES : readPrices(resolve(flags.priceFile));
  const plan = { ...(await figuresOf(call)), ...stackOf(flags.file), packBytes: flags.packs ?? PACK };
  const bill = billOf({ ...plan, restored: flags.restored ?? 0 }, prices);
  const share = bill.storage === 0 ? 0 : bill.requests / bill.storage;
  return { document: { plan, ...bill, requests_share: share, prices }, text: textOf(plan, bill, share, prices) };
}

async function figuresOf(call: Call<CostFlags>): Promise<Figures> {
  const { data, added, perDay = 1 } = call.flags;
  if (data !== undefined) return { bytes: data, added: added ?? data / 100, perDay };
  return {
    ...(await measured(call)),
    ...(added === undefined ? {} : { added }),
    ...(call.flags.perDay === undefined ? {} : { perDay }),
  };
}

/** From a node's snapshots: what lies there, what each of the newest added, how often they come. */
async function measured(call: Call): Promise<Figures> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "read");
  const entries: Pick<IndexEntry, "bytes" | "received" | "state">[] = [];
  for await (const { bytes, received, state } of listSnapshots({ store, ...scopeOf(config, node.name) })) {
    entries.push({ bytes, received, state });
  }
  const figures = figuresFrom(entries);
  if (figures !== null) return figures;
  throw new ColdkeepError("not-found", {
    what: "there is no snapshot to go by",
    on: node.name,
    todo: "give --data, as in `coldkeep cost --data 500GB`",
  });
}

/** What a stack's configuration says; of several nodes' rules those that keep longest. */
function stackOf(
  path: string | undefined,
): Pick<CostPlan, "nodes" | "days" | "usedDays" | "rereadDays" | "transitions" | "tickets"> {
  if (path === undefined) return usualPlan();
  const config = readConfigFile(resolve(path));
  const { lock, transitions } = config.bucket;
  const kept = Object.values(config.nodes).map((node) => keptDays(node.tiers ?? config.tiers));
  const usedDays = Math.max(...kept.map(({ within }) => within));
  const days = Math.max(...kept.map(({ within, grace }) => within + grace), lock.mode === "off" ? 0 : lock.days);
  return {
    nodes: kept.length,
    days,
    usedDays,
    rereadDays: config.reread_days ?? USUAL.rereadDays,
    transitions: transitions
      .map((one) => ({ class: one.class, afterDays: one.after_days }))
      .sort((a, b) => a.afterDays - b.afterDays),
    tickets: config.tickets,
  };
}

/** Days for which rules keep what one day adds; what a few old ones keep besides is small beside them. */
function keptDays(
  tiers: { readonly keep_within?: string | undefined; readonly grace?: string | undefined } | undefined,
): { readonly within: number; readonly grace: number } {
  const grace = parseDuration(tiers?.grace ?? "") ?? USUAL.graceDays * DAY;
  const within = parseDuration(tiers?.keep_within ?? "") ?? USUAL.keptDays * DAY;
  return { within: within / DAY, grace: grace / DAY };
}

function readPrices(path: string): Prices {
  try {
    return parsePrices(readFileSync(path, "utf8"), path);
  } catch (error) {
    if (error instanceof ColdkeepError) throw error;
    throw new ColdkeepError("config", {
      what: "cannot read the prices",
      on: path,
      why: messageOf(error),
      cause: error,
    });
  }
}

function textOf(plan: Omit<CostPlan, "restored">, bill: Bill, share: number, prices: Prices): string {
  const money = (amount: number) => amount.toFixed(amount > 0 && amount < 0.1 ? 4 : 2);
  const rows = bill.lines
    .filter(({ cost, group }) => cost > 0 || group === "storage")
    .map(({ group, what, quantity, unit, cost }) => [
      group,
      what,
      unit === "bytes" ? formatBytes(Math.round(quantity)) : `${formatCount(Math.round(quantity))} ${unit}`,
      money(cost),
    ]);
  const about = facts([
    [
      "plan",
      `${formatCount(plan.nodes)} × ${formatBytes(plan.bytes)}, ${formatBytes(Math.round(plan.added))} more with each snapshot`,
    ],
    ["snapshots", `${Number(plan.perDay.toFixed(2))} a day, what each adds stays ${Math.round(plan.days)} days`],
    ["prices", `${prices.region}, ${prices.as_of}, ${prices.currency}: ${prices.source}`],
  ]);
  const list = table(
    [
      { title: "FOR" },
      { title: "WHAT" },
      { title: "A MONTH", align: "right" },
      { title: prices.currency, align: "right" },
    ],
    [...rows, ["total", "", "", money(bill.total)]],
  );
  return `${about}\n\n${list}\n\nRequests to S3 are ${(share * 100).toFixed(1)} % of storage.`;
}
