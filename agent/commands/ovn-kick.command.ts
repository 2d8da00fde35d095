import type { Database } from "../ovn/index.ts";
import { defineCommand } from "./define.ts";
import { databaseKey } from "./ovn-database.ts";

export interface OvnKickFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;

export const command = defineCommand<OvnKickFlags, [database: Database["key"], who: string]>({
  brief: "Take one bad member out of a cluster, and let it join anew",
  usage: "nb|sb <host|server id> [--yes] [--dry-run] [--node <name>]",
  about:
    "For a cluster whose majority lives. Kicks the member, moves its file away on its host, restarts its servers and waits\n" +
    "until it has joined with a fresh copy; of a host that is gone it does the first alone. Refused where the rest would\n" +
    "have no majority. Each step is shown and asked for, or answered beforehand with --yes.",
  examples: [
    ["ovn kick nb 10.0.0.3", "the member on that host, northbound"],
    ["ovn kick sb e631 --dry-run", "by its server id; what would be done"],
  ],
  flags: {
    yes: { ...off, brief: "Do every step without asking" },
    dryRun: { ...off, brief: "Show the steps, and stop" },
  },
  positional: {
    kind: "tuple",
    parameters: [
      { parse: databaseKey, placeholder: "database", brief: "nb or sb" },
      { parse: String, placeholder: "who", brief: "A host as `coldkeep ovn status` names it, or a server id" },
    ],
  },
  load: async () => (await import("./ovn-kick.ts")).run,
});
