import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { iconArchiveName, writeIconArchive, writeRocksdbBackup } from "../exchange/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { ExportFlags } from "./export.command.ts";
import { type RestoredTo, restoreTo } from "./restore.ts";

/** What a format makes of a snapshot that lies restored, a folder a root. */
type Write = (plan: RestoredTo, folders: readonly string[], output: string, signal: AbortSignal) => Promise<Answer>;

const FORMATS: Readonly<Record<ExportFlags["format"], Write>> = { "rocksdb-backup": writeRocksdb, icon: writeIcon };

/** `coldkeep export <id> --format … --output <path>`. */
export async function run(call: Call<ExportFlags>, id: string | undefined): Promise<Answer> {
  const { format, output } = call.flags;
  const out = resolve(output);
  const isFolder = format === "rocksdb-backup" || (existsSync(out) && statSync(out).isDirectory());
  const folder = isFolder ? out : dirname(out);
  mkdirSync(folder, { recursive: true });
  // On the output's own file system, so that files can be moved; neither tool looks at such names.
  const work = mkdtempSync(join(folder, ".coldkeep-export-"));
  try {
    const to = join(work, "restored");
    const plan = await restoreTo(call, id, to);
    call.progress.stage("write");
    const folders = readdirSync(to, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return await FORMATS[format](
      plan,
      folders.map(({ name }) => join(to, name)),
      out,
      call.io.signal,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function writeRocksdb(
  { snapshot, capturedAt }: RestoredTo,
  folders: readonly string[],
  dir: string,
): Promise<Answer> {
  const written = writeRocksdbBackup(dir, folders, Math.floor(capturedAt / 1000));
  return {
    document: { snapshot, format: "rocksdb-backup", output: dir, ...written },
    text: `${snapshot} is backup ${written.id} in ${dir}: ${counted(written.files, "file")}, ${written.shared} of them there already\n\nNOT ENCRYPTED. Restore it: ldb --db=<folder> restore --backup_dir=${dir}`,
  };
}

async function writeIcon(
  { snapshot, capturedAt, heights }: RestoredTo,
  folders: readonly string[],
  out: string,
  signal: AbortSignal,
): Promise<Answer> {
  const [folder] = folders;
  if (folder === undefined || folders.length > 1) {
    throw new ColdkeepError("refused", {
      what: "an archive of a P-Rep holds one root",
      why: `the snapshot has ${folders.length}`,
    });
  }
  const isFolder = existsSync(out) && statSync(out).isDirectory();
  const file = isFolder ? join(out, iconArchiveName(heights?.[""] ?? null, capturedAt)) : out;
  await writeIconArchive(folder, file, signal);
  return {
    document: { snapshot, format: "icon", output: file },
    text: `${snapshot} is ${file}\n\nNOT ENCRYPTED. It unpacks into the folder of .score_data and .storage, as ICON's guide has it.`,
  };
}
