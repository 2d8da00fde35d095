import { defineCommand } from "./define.ts";

export const command = defineCommand<object, [old: string]>({
  brief: "Go on under a new name, with the old snapshots within reach",
  usage: "<old name> [--node <new name>] [--vault <name>]",
  about:
    "A snapshot is sealed for its node's name, so none can be given another one: new snapshots bear the new name, the old ones\n" +
    "stay what they are. In the configuration give the node its new name with `formerly: [<old name>]`, run `coldkeep init`\n" +
    "for the new name's state, then this: it says in the vault that the old name is retired and where its backups go on.\n" +
    "From then on --node <old name> lists, checks and restores the old ones into the node's folders. The first backup under\n" +
    "the new name is a full one. Where systemd makes the backups, `coldkeep install` gives it its timers and takes the old ones.",
  examples: [["node rename prep --node icon", "prep's snapshots stay; icon goes on"]],
  flags: {},
  positional: {
    kind: "tuple",
    parameters: [{ parse: String, placeholder: "old", brief: "The name until now, as `formerly` has it" }],
  },
  load: async () => (await import("./node-rename.ts")).run,
});
