import { defineCommand } from "./define.ts";

export interface CopyFlags {
  readonly from: string;
  readonly to: string;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly repair?: boolean;
}

export const command = defineCommand<CopyFlags, readonly string[]>({
  brief: "Copy snapshots into another vault, without any key",
  usage: "--from <vault> --to <vault> [<id>... | --all] [--dry-run] [--repair] [--node <name>]",
  about:
    "A vault is one of the configuration, by its name, or any place: file:///path, a path, s3://bucket/prefix. Every object\n" +
    "is compared with what its card says of it on the way, and the card comes last: a copy that is cut off shows nothing,\n" +
    "and the next one goes on where it was, sending nothing twice. Damaged snapshots stay out and the others are copied\n" +
    "(exit code 9). What a snapshot uses of older ones is brought along. Snapshots keep the time at which their first\n" +
    "vault received them; pins, and tags given later, are each vault's own. Needs no configuration where both places and\n" +
    "--node are given.",
  examples: [
    ["copy --from main --to file:///mnt/usb/vault --all", "everything good, into a directory that may be new"],
    ["copy --from main --to offsite", "the newest good snapshot, between two vaults of the configuration"],
    ["copy --from /backup/a --to /backup/b --node icon --all --dry-run", "what there would be to do, on any host"],
  ],
  flags: {
    from: { kind: "parsed", parse: String, placeholder: "vault", brief: "Where the snapshots are" },
    to: { kind: "parsed", parse: String, placeholder: "vault", brief: "Where they are copied" },
    all: { kind: "boolean", optional: true, withNegated: false, brief: "Every good snapshot of the node" },
    dryRun: { kind: "boolean", optional: true, withNegated: false, brief: "Only tell what would be sent" },
    repair: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Also look at every object of snapshots that were copied before, and bring what is missing",
    },
  },
  positional: {
    kind: "array",
    parameter: { brief: "Ids of snapshots, their beginnings, or latest (default)", parse: String, placeholder: "id" },
  },
  load: async () => (await import("./copy.ts")).run,
});
