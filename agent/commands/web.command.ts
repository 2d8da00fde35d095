import { defineCommand } from "./define.ts";

export interface WebFlags {
  readonly output?: string;
  readonly open?: boolean;
}

export const command = defineCommand<WebFlags>({
  brief: "Write the status page: one HTML file, for a browser",
  usage: "[--node <name>] [--vault <name>] [--output <file>] [--open]",
  about:
    "All nodes in all vaults of the configuration, as `status` judges them: what is amiss, a calendar of the snapshots by what\n" +
    "keeps them, their size, downtime and height over time, and the lines that restore. Reads the vault's index only, and needs\n" +
    "no key. The file fetches nothing and holds nothing that a vault does not tell without a key; it says by itself what has\n" +
    "become too old since it was made. Ends with 0 also where something is amiss, which is for `status` to tell.",
  examples: [
    ["web --output backups.html --open", "for all nodes, and show it"],
    ["web --node icon -o /var/www/html/icon.html", "of one node, for a web server, from a timer"],
  ],
  flags: {
    output: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "file",
      brief: "Where to write it; what is there is replaced [default = coldkeep.html, in this folder]",
    },
    open: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Show it in the browser that the desktop names (xdg-open)",
    },
  },
  aliases: { o: "output" },
  load: async () => (await import("./web.ts")).run,
});
