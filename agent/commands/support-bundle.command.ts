import { defineCommand } from "./define.ts";

export interface SupportFlags {
  readonly to?: string;
}

export const command = defineCommand<SupportFlags>({
  brief: "Gather what helps others to help, without secrets and names",
  usage: "--to <file.tar.gz> [--log-dir <folder>]",
  about:
    "Writes one file: versions and the system, the configuration's form, what doctor and status find, what the last runs\n" +
    "cost, the journals that lie there, what the vault's jobs reported, and with --log-dir the newest log. Of the configuration\n" +
    "only switches, numbers and words of ours stay; all else (keys, URLs, paths, commands, names, addresses) is replaced by\n" +
    "labels, everywhere. Key files and the environment are not read. Nothing is sent: look through it before you do.",
  examples: [["support-bundle --to /srv/scratch/support.tar.gz", "what an issue may have attached"]],
  flags: {
    to: { kind: "parsed", parse: String, optional: true, placeholder: "file", brief: "Where to; never over a file" },
  },
  load: async () => (await import("./support-bundle.ts")).run,
});
