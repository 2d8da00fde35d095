import { defineCommand } from "./define.ts";
import { OPTIONAL_ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface ExportFlags extends IdentityFlags {
  readonly format: "rocksdb-backup" | "icon";
  readonly output?: string;
  readonly to?: string;
  readonly publish?: boolean;
}

export const command = defineCommand<ExportFlags, [id: string | undefined]>({
  brief: "Write a snapshot as another tool's backup",
  usage: "[<id>] --format rocksdb-backup|icon --output <path> | --to <url> [--publish]   [--node <name>]",
  about:
    "rocksdb-backup adds the snapshot as a backup to a directory of RocksDB's BackupEngine, made where there is none, that\n" +
    "`ldb restore` takes. Tables that the directory has already are not written again; it is staged in it first, which takes\n" +
    "as much space again. icon writes the archive of ICON's guide for cold backups as it comes out of the vault: to a file, to\n" +
    "a folder, in which it gets the guide's name, or by --to into a bucket as <url>/YYYYMMDD/<name>, where --publish also\n" +
    "makes it the first line of <url>/backup_list, by which the guide's restore script finds it. How that bucket is reached\n" +
    "AWS_REGION, AWS_ENDPOINT_URL_S3 and the like tell. What is written is NOT ENCRYPTED.",
  examples: [
    ["export latest --format rocksdb-backup -o /srv/rocksdb-backups", "for `ldb restore --backup_dir=…`"],
    ["export latest --format icon -o /srv/archives", "PRep_BH<height>_data-<day>_<time>.tar.gz"],
    [
      "export latest --format icon --to s3://prep-backups/main --publish",
      "for hosts that restore by the guide's script, which reads backup_list there",
    ],
  ],
  flags: {
    format: { kind: "enum", values: ["rocksdb-backup", "icon"], brief: "Whose backup it becomes" },
    output: { kind: "parsed", parse: String, optional: true, placeholder: "path", brief: "Where it is written" },
    to: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "url",
      brief: "For icon: s3://bucket/prefix to write it below",
    },
    publish: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Keep a backup_list there, as the guide has it",
    },
    ...IDENTITY_FLAG,
  },
  aliases: { o: "output" },
  positional: OPTIONAL_ID_PARAMETER,
  load: async () => (await import("./export.ts")).run,
});
