import { defineCommand } from "./define.ts";
import { OPTIONAL_ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface ExportFlags extends IdentityFlags {
  readonly format: "rocksdb-backup" | "icon";
  readonly output: string;
}

export const command = defineCommand<ExportFlags, [id: string | undefined]>({
  brief: "Write a snapshot as another tool's backup",
  usage: "[<id>] --format rocksdb-backup|icon --output <path> [--node <name>]",
  about:
    "rocksdb-backup adds the snapshot as a backup to a directory of RocksDB's BackupEngine, made where there is none, that\n" +
    "`ldb restore` takes. Tables that the directory has already are not written again. icon writes the archive of ICON's guide for cold backups;\n" +
    "--output is its file, or a folder, in which it gets the guide's name. It is staged beside it first, which takes as much\n" +
    "space again. What is written is NOT ENCRYPTED.",
  examples: [
    ["export latest --format rocksdb-backup -o /srv/rocksdb-backups", "for `ldb restore --backup_dir=…`"],
    ["export latest --format icon -o /srv/archives", "PRep_BH<height>_data-<day>_<time>.tar.gz"],
  ],
  flags: {
    format: { kind: "enum", values: ["rocksdb-backup", "icon"], brief: "Whose backup it becomes" },
    output: { kind: "parsed", parse: String, placeholder: "path", brief: "Where it is written" },
    ...IDENTITY_FLAG,
  },
  aliases: { o: "output" },
  positional: OPTIONAL_ID_PARAMETER,
  load: async () => (await import("./export.ts")).run,
});
