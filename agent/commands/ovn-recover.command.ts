import type { Database } from "../ovn/index.ts";
import { defineCommand } from "./define.ts";
import { databaseKey } from "./ovn-database.ts";

export interface OvnRecoverFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly undo?: boolean;
  readonly force?: boolean;
  readonly db?: readonly Database["key"][];
  readonly from?: string;
  readonly nbFile?: string;
  readonly sbFile?: string;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;
const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<OvnRecoverFlags>({
  brief: "Bring OVN's databases back after their majority was lost",
  usage: "[--dry-run] [--yes] [--db nb|sb]... [--from <host>] | --undo [--yes]   [--node <name>]",
  about:
    "Walks the runbook: the number of replicas is noted, all servers are stopped, the most complete file that is whole is\n" +
    "converted to a standalone one, every member's file is moved away (to <file>.coldkeep-<run>), the standalone one is put\n" +
    "in place on the first host, all are started and waited for, and every row is looked for. The first host's file is\n" +
    "taken where no other is more complete and it is not damaged. Each step is shown and asked for, or answered beforehand\n" +
    "with --yes. Cut off or declined, the same command goes on where it was; --undo puts the moved files back, also\n" +
    "afterwards, as long as they are there. Refused where a database has a leader.",
  examples: [
    ["ovn recover --dry-run", "which files would be taken, and every step"],
    ["ovn recover --yes", "both databases, or the one that lost its majority"],
    ["ovn recover --nb-file /srv/restored/ovn/ovnnb_db.db", "from a snapshot, where no host has a whole file"],
    ["ovn recover --undo", "as it was before"],
  ],
  flags: {
    yes: { ...off, brief: "Do every step without asking" },
    dryRun: { ...off, brief: "Show the steps, and stop" },
    undo: { ...off, brief: "Put back what the last recovery moved away" },
    force: { ...off, brief: "Also where a database has a leader" },
    db: {
      ...optional,
      parse: databaseKey,
      variadic: true,
      placeholder: "nb|sb",
      brief: "Only this database; default: those without a majority",
    },
    from: { ...optional, parse: String, placeholder: "host", brief: "Take this host's files" },
    nbFile: { ...optional, parse: String, placeholder: "path", brief: "Take this standalone file for northbound" },
    sbFile: { ...optional, parse: String, placeholder: "path", brief: "Take this standalone file for southbound" },
  },
  load: async () => (await import("./ovn-recover.ts")).run,
});
