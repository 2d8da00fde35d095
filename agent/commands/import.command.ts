import { defineCommand } from "./define.ts";
import { positiveNumber } from "./parse.ts";

export type ImportKind = "rocksdb-backup" | "icon" | "ovn";

export interface ImportFlags {
  readonly only?: readonly number[];
}

export const command = defineCommand<ImportFlags, [kind: ImportKind, path: string]>({
  brief: "Take backups of other tools in as snapshots",
  usage: "rocksdb-backup <folder> [--only <id>]... | icon <archive or URL> | ovn <file>   [--node <name>]",
  about:
    "rocksdb-backup reads the directory of RocksDB's BackupEngine (`ldb backup`): each backup in it becomes a snapshot of the\n" +
    "node, oldest first, and what they share is stored once. Every file is compared with its checksum before. Each gets\n" +
    "the tags rocksdb-backup:<id> and taken:<time>; one that was imported before is passed over. icon reads an\n" +
    "archive of ICON's guide, PRep_BH<height>_data-<day>_<time>.tar.gz, from a file or from a bucket as it comes. ovn reads one\n" +
    "database as `kubectl ko nb backup`, `ovsdb-client backup` or `ovsdb-tool cluster-to-standalone` wrote it, every record\n" +
    "compared with its digest. The node is not stopped.",
  examples: [
    ["import rocksdb-backup /srv/rocksdb-backups", "all backups there"],
    ["import rocksdb-backup /srv/rocksdb-backups --only 7", "one of them"],
    ["import icon /srv/archives/PRep_BH1234_data-20200115_0000.tar.gz", "its height is taken from its name"],
    [
      "import icon s3://prep-backups/main/20200115/PRep_BH1234_data-20200115_0000.tar.gz",
      "from a bucket, reached as AWS_REGION, AWS_ENDPOINT_URL_S3 and the like tell",
    ],
    [
      "import ovn /kube-ovn/ovnnb_db.060223191654183154.backup --node ovn",
      "becomes a snapshot with that database alone",
    ],
  ],
  flags: {
    only: {
      kind: "parsed",
      parse: positiveNumber,
      optional: true,
      variadic: true,
      placeholder: "id",
      brief: "Only this backup; may be given several times",
    },
  },
  positional: {
    kind: "tuple",
    parameters: [
      { parse: importKind, placeholder: "kind", brief: "Whose backups they are: rocksdb-backup, icon, ovn" },
      { parse: String, placeholder: "path", brief: "Where they lie" },
    ],
  },
  load: async () => (await import("./import.ts")).run,
});

function importKind(text: string): ImportKind {
  if (text === "rocksdb-backup" || text === "icon" || text === "ovn") return text;
  throw new SyntaxError("rocksdb-backup, icon and ovn are known");
}
