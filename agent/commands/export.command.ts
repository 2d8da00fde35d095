import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface ExportFlags extends IdentityFlags {
  readonly format: "rocksdb-backup";
  readonly output: string;
}

export const command = defineCommand<ExportFlags, [id: string | undefined]>({
  brief: "Write a snapshot as another tool's backup",
  usage: "[<id>] --format rocksdb-backup --output <folder> [--node <name>]",
  about:
    "rocksdb-backup adds the snapshot as a backup to a directory of RocksDB's BackupEngine, made where there is none, that\n" +
    "`ldb restore` takes. Tables that the directory has already are not written again. What is written is NOT ENCRYPTED.",
  examples: [["export latest --format rocksdb-backup -o /srv/rocksdb-backups", "for `ldb restore --backup_dir=…`"]],
  flags: {
    format: { kind: "enum", values: ["rocksdb-backup"], brief: "Whose backup it becomes" },
    output: { kind: "parsed", parse: String, placeholder: "path", brief: "Where it is written" },
    ...IDENTITY_FLAG,
  },
  aliases: { o: "output" },
  positional: {
    kind: "tuple",
    parameters: [
      {
        parse: String,
        optional: true,
        placeholder: "id",
        brief: "Id of the snapshot, its beginning, or latest (default)",
      },
    ],
  },
  load: async () => (await import("./export.ts")).run,
});
