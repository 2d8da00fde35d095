import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeRocksdbBackup } from "../exchange/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { ExportFlags } from "./export.command.ts";
import { restoreTo } from "./restore.ts";

/** `coldkeep export <id> --format rocksdb-backup --output <folder>`. */
export async function run(call: Call<ExportFlags>, id: string | undefined): Promise<Answer> {
  const dir = resolve(call.flags.output);
  mkdirSync(dir, { recursive: true });
  // On the directory's own file system, so that files are moved and not copied; BackupEngine looks at no other names.
  const work = mkdtempSync(join(dir, ".coldkeep-export-"));
  try {
    const to = join(work, "restored");
    const { snapshot, capturedAt } = await restoreTo(call, id, to);
    call.progress.stage("write the backup");
    const folders = readdirSync(to, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const written = writeRocksdbBackup(
      dir,
      folders.map(({ name }) => join(to, name)),
      Math.floor(capturedAt / 1000),
    );
    return {
      document: { snapshot, format: "rocksdb-backup", output: dir, ...written },
      text: `${snapshot} is backup ${written.id} in ${dir}: ${counted(written.files, "file")}, ${written.shared} of them there already\n\nNOT ENCRYPTED. Restore it: ldb --db=<folder> restore --backup_dir=${dir}`,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
