import { defineCommand } from "./define.ts";
import { metaTag } from "./meta.ts";
import { tagName } from "./parse.ts";

export interface BackupFlags {
  readonly anyway?: boolean;
  readonly dryRun?: boolean;
  readonly group?: string;
  readonly full?: boolean;
  readonly tag?: readonly string[];
  /** As tags: `meta:<key>=<value>`. */
  readonly meta?: readonly string[];
}

export const command = defineCommand<BackupFlags>({
  brief: "Make a snapshot of a node",
  usage: "[--node <name> | --group <name>] [--full] [--tag <tag>]... [--meta <key>=<value>]... [--anyway] [--dry-run]",
  about:
    "Stops the node, freezes its files, starts it again, then reads, seals and stores what the vault does not have yet.\n" +
    "Where the node does not answer beforehand, `when_down` in the configuration decides: restart it and skip this\n" +
    "backup (exit code 7), or back up what is there. SIGINT and SIGTERM bring the node back first.\n" +
    "A pause, `windows`, `skip_if_syncing` and `skip_if_leader` keep it from being made (exit codes 18 and 19).\n" +
    "With --group all nodes of a group are captured as one set: stopped in its order, started the other way round. Where\n" +
    "one fails, all are brought back and there is no set.\n" +
    "--dry-run tells what a backup would do now: how long the node would be down, by the last runs and what must be copied,\n" +
    "what is linked, copied and known, what is read and put, and the room that takes. With --group it tells this of each\n" +
    "node and of the set: who is stopped first is down while the others stop and start. It changes nothing and asks no vault.",
  examples: [
    ["backup", "the only node of the configuration"],
    ["backup --dry-run", "how long would the node be down?"],
    ["backup --group fabric", "a peer and its orderer as one set"],
    ["backup --node icon --tag before-upgrade --json", "with a tag, for a script"],
    ["backup --meta app=4.2.1 --meta reason=before-the-migration", "with words of your own, shown by list and show"],
  ],
  flags: {
    anyway: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "In spite of a pause, of windows, and of skip_if_syncing and skip_if_leader",
    },
    group: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "name",
      brief: "All nodes of this group of the configuration, as one set",
    },
    dryRun: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Only tell what would be done, and what it would cost",
    },
    full: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Share nothing with earlier snapshots: everything is read and stored anew",
    },
    tag: {
      kind: "parsed",
      parse: tagName,
      optional: true,
      variadic: true,
      placeholder: "tag",
      brief: "Written into the snapshot beside the configuration's tags; may be given several times",
    },
    meta: {
      kind: "parsed",
      parse: metaTag,
      optional: true,
      variadic: true,
      placeholder: "key=value",
      brief: "Your own words, public as tags are; may be given several times",
    },
  },
  load: async () => async (call) => {
    const { group } = call.flags;
    if (group !== undefined) return (await import("./backup-group.ts")).run(call, group);
    const load = () => Promise.all([import("./noticed.ts"), import("./backup.ts")]);
    if (call.flags.dryRun === true) {
      const [{ noticed }, { run }] = await load();
      return noticed("backup", run)(call);
    }
    const { beginAhead, endAhead } = await import("./ahead.ts");
    try {
      await beginAhead(call);
      const [{ noticed }, { run }] = await load();
      return await noticed("backup", run)(call);
    } finally {
      await endAhead();
    }
  },
});
