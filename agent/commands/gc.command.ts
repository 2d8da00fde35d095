import { defineCommand } from "./define.ts";
import { DESPITE_FLAG, type ForgetFlags, MODE_FLAGS } from "./retention-flags.ts";

export const command = defineCommand<ForgetFlags>({
  brief: "Delete what no snapshot uses any more",
  usage: "--dry-run|--apply [--despite <brake>]... [--node <name>]",
  about:
    "Deletes snapshots whose grace is over, all but what others use of them, and what runs left that never ended. What is\n" +
    "in use is told by the snapshots' cards alone; where one cannot be read nothing is deleted, and it is said which.\n" +
    "Needs no key, and never deletes without --apply.",
  examples: [
    ["gc --dry-run", "what would be deleted now"],
    ["gc --apply", "delete it"],
  ],
  flags: { ...MODE_FLAGS, ...DESPITE_FLAG },
  load: async () => (await import("./gc.ts")).run,
});
