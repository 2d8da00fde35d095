import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export const command = defineCommand<IdentityFlags, [before: string, after: string]>({
  brief: "Tell what differs between two snapshots",
  usage: "<id> <id> [--node <name>]",
  about:
    "Compares the lists of files of two snapshots of one node; content is compared by the ids of its pieces, and none of it is\n" +
    "fetched. Each line begins with what it is: + added, - removed, M other content (and how many bytes are new at their\n" +
    "place), U other metadata (which), T another type.",
  examples: [
    ["diff 20260115T000000Z-bh1200-0123456789abcdef latest", "what has changed since"],
    ["diff 20260115T000000Z-bh1200-0123456789abcdef latest --json", "for a script"],
  ],
  flags: { ...IDENTITY_FLAG },
  positional: {
    kind: "tuple",
    parameters: [
      { parse: String, placeholder: "before", brief: "Id of a snapshot, its beginning, or latest" },
      { parse: String, placeholder: "after", brief: "Another" },
    ],
  },
  load: async () => (await import("./diff.ts")).run,
});
