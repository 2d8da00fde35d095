import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { makerMark, removeDurably, sweepLeft } from "../../posix/index.ts";
import { ColdkeepError, parseS3Url } from "../../vault/names/index.ts";
import { writeRocksdbBackup } from "../exchange/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { ExportFlags } from "./export.command.ts";
import { exportIcon } from "./export-icon.ts";
import { rocksdbMetaOf } from "./meta.ts";
import { restoreTo } from "./restore.ts";

/** In the names of folders in which it stages. */
const LABEL = ".coldkeep-export-";

/** `coldkeep export <id> --format … --output <path>`, or `--to <url>`. */
export async function run(call: Call<ExportFlags>, id: string | undefined): Promise<Answer> {
  const { format, output, to, publish } = call.flags;
  if ((output === undefined) === (to === undefined)) throw usage("where it is written is said by --output or by --to");
  if (publish === true && to === undefined) throw usage("--publish keeps the backup_list beside --to");
  if (format === "icon") {
    const wrong = to === undefined ? null : parseS3Url(to);
    if (typeof wrong === "string") throw usage(`--to is no place in S3: ${wrong}`);
    return exportIcon(call, id);
  }
  if (output === undefined) throw usage("a directory of BackupEngine is written by --output");
  return exportRocksdb(call, id, resolve(output));
}

/** Staged beside the directory, so that files can be moved into it. */
async function exportRocksdb(call: Call<ExportFlags>, id: string | undefined, dir: string): Promise<Answer> {
  mkdirSync(dir, { recursive: true });
  // RocksDB does not look at such names.
  sweepLeft(dir, LABEL);
  const work = mkdtempSync(join(dir, `${LABEL}${makerMark()}-`));
  try {
    const staged = join(work, "restored");
    const { snapshot, capturedAt, tags } = await restoreTo(call, id, staged);
    call.progress.stage("write");
    const roots = readdirSync(staged, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const folders = roots.map(({ name }) => join(staged, name));
    const written = writeRocksdbBackup(dir, folders, Math.floor(capturedAt / 1000), rocksdbMetaOf(tags));
    return {
      document: { snapshot, format: "rocksdb-backup", output: dir, ...written },
      text: `${snapshot} is backup ${written.id} in ${dir}: ${counted(written.files, "file")}, ${written.shared} of them there already\n\nNOT ENCRYPTED. Restore it: ldb --db=<folder> restore --backup_dir=${dir}`,
    };
  } finally {
    removeDurably(work);
  }
}

function usage(what: string): ColdkeepError {
  return new ColdkeepError("usage", { what, todo: "`coldkeep export --help` has examples" });
}
