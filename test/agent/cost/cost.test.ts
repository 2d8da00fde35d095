import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Bill, billOf, type CostPlan, LIST_PRICES, parsePrices } from "../../../agent/cost/index.ts";
import { EXIT_CODES } from "../../../agent/exit-codes.ts";
import { makeHost } from "../../cli/host.ts";
import { runHere } from "../../cli/run.ts";
import { tempDir } from "../../support/tmp.ts";

const PLAN: CostPlan = {
  ...{ nodes: 1, bytes: 500e9, added: 5e9, perDay: 1, days: 30, usedDays: 15, packBytes: 16 << 20, rereadDays: 30 },
  ...{ transitions: [], tickets: false, restored: 0 },
};

const costOf = ({ lines }: Bill, what: string) => lines.find((line) => line.what === what)?.cost;
const sum = ({ lines }: Bill, group: string) =>
  lines.filter((line) => line.group === group).reduce((all, { cost }) => all + cost, 0);

describe("a month's bill", () => {
  it("is what lies there by its class, what is asked, and what runs", () => {
    const bill = billOf(PLAN, LIST_PRICES);
    // 500 GB, and what 30 days have added.
    expect(bill.storage).toBeCloseTo(650 * 0.023, 6);
    expect(bill.requests).toBeCloseTo(sum(bill, "requests"), 9);
    expect(bill.total).toBeCloseTo(
      bill.lines.reduce((all, { cost }) => all + cost, 0),
      9,
    );
    // What comes expires before its lock is due.
    expect(costOf(bill, "locks renewed")).toBeCloseTo((((500e9 / (16 << 20)) * 30) / 23 / 1000) * 0.005, 6);
    // Some 300 packs a day, and the small objects of a snapshot and a night.
    expect(costOf(bill, "puts of hosts and functions")).toBeCloseTo(((8941 + 240 + 420) / 1000) * 0.005, 4);
    expect(bill.requests).toBeLessThan(0.02 * bill.storage);
    const longer = billOf({ ...PLAN, days: 67, usedDays: 60 }, LIST_PRICES);
    expect(costOf(longer, "locks renewed")).toBeCloseTo(
      ((((500e9 + 37 * 5e9) / (16 << 20)) * 30) / 23 / 1000) * 0.005,
      6,
    );
  });

  it("moves what is old to cheaper classes, and charges for the move and for reading it back", () => {
    const transitions = [
      { class: "STANDARD_IA" as const, afterDays: 10 },
      { class: "DEEP_ARCHIVE" as const, afterDays: 20 },
    ];
    const bill = billOf({ ...PLAN, transitions }, LIST_PRICES);
    expect(costOf(bill, "stored, STANDARD")).toBeCloseTo(50 * 0.023, 6);
    expect(costOf(bill, "stored, STANDARD_IA")).toBeCloseTo(50 * 0.0125, 6);
    expect(costOf(bill, "stored, DEEP_ARCHIVE")).toBeCloseTo(550 * 0.00099, 6);
    expect(costOf(bill, "read back from STANDARD_IA")).toBeCloseTo(50 * 0.01, 6);
    expect(costOf(bill, "moves to DEEP_ARCHIVE")).toBeCloseTo((150e9 / (16 << 20) / 1000) * 0.05, 6);
  });

  it("grows with the nodes, with a ticket key, and with what leaves AWS beyond what is free", () => {
    const one = billOf(PLAN, LIST_PRICES);
    const many = billOf({ ...PLAN, nodes: 10, tickets: true, restored: 300e9 }, LIST_PRICES);
    expect(many.storage).toBeCloseTo(10 * one.storage, 6);
    expect(costOf(many, "ticket key in KMS")).toBe(1);
    expect(costOf(many, "restored out of AWS")).toBeCloseTo(200 * 0.09, 6);
  });
});

describe("coldkeep cost", () => {
  it("prints the bill of a plan, with its prices' date and region", async () => {
    const { code, stdout } = await runHere(["cost", "--data", "500GB"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^plan +1 × 500 GB, 5\.00 GB more with each snapshot$/m);
    expect(stdout).toMatch(/^prices +us-east-1, \d{4}-\d\d-\d\d, USD: https/m);
    expect(stdout).toMatch(/^storage +stored, STANDARD +650 GB +14\.95$/m);
    // One node, 500 GB, one snapshot a day, by the sizes and calls there are: at most 2 %.
    expect(stdout).toMatch(/^Requests to S3 are [01]\.\d % of storage\.$/m);
  });

  it("takes nodes, rules, lock and classes from a stack's configuration, and prices from a file", async () => {
    const folder = tempDir("coldkeep-cost");
    const file = join(folder, "coldkeep.cdk.yaml");
    writeFileSync(
      file,
      "nodes: { a: , b: { tiers: { keep_within: 60d } } }\ntickets: true\nbucket: { transitions: [{ class: GLACIER_IR, after_days: 30 }] }\n",
    );
    const prices = join(folder, "prices.json");
    writeFileSync(prices, JSON.stringify({ ...LIST_PRICES, region: "eu-moon-1", currency: "EUR" }));
    const words = ["cost", "--data", "1TB", "--file", file, "--price-file", prices, "--json"];
    const { code, stdout, stderr } = await runHere(words);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      plan: { nodes: 2, days: 67, tickets: true, transitions: [{ class: "GLACIER_IR", afterDays: 30 }] },
      prices: { region: "eu-moon-1", currency: "EUR" },
    });
  });

  it("goes by the snapshots that are there", async () => {
    const host = await makeHost(tempDir("coldkeep-cost-host"));
    await host.json("backup");
    const { plan } = await host.json<{ plan: CostPlan }>("cost");
    expect(plan.bytes).toBeGreaterThan(300_000);
    expect(plan.perDay).toBe(1);
    const empty = await makeHost(tempDir("coldkeep-cost-empty"));
    expect((await empty.failure("cost")).exit_code).toBe(EXIT_CODES["not-found"].code);
  });

  it("says what is wrong with a price file", async () => {
    expect(() => parsePrices("{", "x.json")).toThrow(/x\.json: \n {2}it is no JSON/);
    const bad = JSON.stringify({ ...LIST_PRICES, as_of: "yesterday", kms: { key_month: -1, requests_10000: 1 } });
    expect(() => parsePrices(bad, "x.json")).toThrow(/as_of: a date such as/);
    expect(() => parsePrices(bad, "x.json")).toThrow(/kms\.key_month: /);
    const { code } = await runHere(["cost", "--data", "500"]);
    expect(code).toBe(EXIT_CODES.usage.code);
  });
});
