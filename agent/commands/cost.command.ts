import { defineCommand } from "./define.ts";
import { positiveNumber, size } from "./parse.ts";

export interface CostFlags {
  readonly data?: number;
  readonly added?: number;
  readonly perDay?: number;
  readonly restored?: number;
  readonly packs?: number;
  readonly file?: string;
  readonly priceFile?: string;
}

const optional = { kind: "parsed", optional: true } as const;
const bytes = { ...optional, parse: size, placeholder: "size" } as const;

export const command = defineCommand<CostFlags>({
  brief: "Print a month's AWS bill of a vault, as it is or as it is planned",
  usage: "[--data <size>] [--added <size>] [--per-day <n>] [--file <path>] [--price-file <path>]",
  about:
    "With --data, of a vault that is planned; without, of the vault in the configuration, by the sizes and times of its\n" +
    "snapshots. Counts what lies there once as much goes each day as comes, and every request that hosts and functions make.\n" +
    "Prices are list prices of one date and region, and say which; --price-file has others.",
  examples: [
    ["cost --data 500GB", "one node, one snapshot a day that adds 1 %, kept 15 days"],
    ["cost --data 2TB --added 3GB --file coldkeep.cdk.yaml", "with the nodes, tiers, lock and classes of a stack"],
    ["cost --json", "of the vault in the configuration, for a program"],
  ],
  flags: {
    data: { ...bytes, brief: "A node's data as it is stored, such as 500GB; with it nothing is asked of any vault" },
    added: { ...bytes, brief: "What a snapshot adds to it [default = 1 % of --data]" },
    perDay: { ...optional, parse: positiveNumber, placeholder: "n", brief: "Snapshots a day and node [default = 1]" },
    restored: { ...bytes, brief: "What is restored to outside AWS in a month [default = none]" },
    packs: { ...bytes, brief: "Size of a pack [default = 16 MiB, the least that hosts make]" },
    file: {
      ...optional,
      parse: String,
      placeholder: "path",
      brief: "A stack's coldkeep.cdk.yaml: its nodes, tiers, lock, classes and tickets count",
    },
    priceFile: { ...optional, parse: String, placeholder: "path", brief: "Prices of another date or region, as JSON" },
  },
  load: async () => (await import("./cost.ts")).run,
});
