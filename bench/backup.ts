import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BackupOptions, type BackupResult, initVault } from "../agent/backup/index.ts";
import { backupHost } from "../test/support/backup-host.ts";
import { openDirectoryStore } from "../vault/store/index.ts";
import { type DataFigures, growNodeData, makeNodeData } from "./data.ts";

/**
 * Backs up made-up node data into a directory vault, all of it, again with nothing changed, after a day's
 * growth, and then all of it by turns with either suite. `node bench/backup.ts [MiB] [workers]`; BENCH_DIR says where, default the temporary directory. The
 * freeze is left out: bench/freeze.ts measures that.
 */
if (process.argv[2] === "make" || process.argv[2] === "grow") {
  const [, , step, folder = "", bytes] = process.argv;
  const made =
    step === "make" ? await makeNodeData(folder, Number(bytes)) : await growNodeData(folder, Number(bytes), 99);
  console.log(JSON.stringify(made ?? {}));
} else {
  await main();
}

async function main(): Promise<void> {
  const mib = Number(process.argv[2] ?? 1024);
  const workers = process.argv[3] === undefined ? undefined : Number(process.argv[3]);
  const base = process.env.BENCH_DIR ?? tmpdir();
  mkdirSync(base, { recursive: true });
  const dir = mkdtempSync(join(base, "coldkeep-bench-"));

  try {
    const root = join(dir, "host", "root");
    mkdirSync(join(dir, "host"), { recursive: true });
    const data = inChild("make", root, mib * 2 ** 20);
    console.log(`data: ${Math.round(data.bytes / 2 ** 20)} MiB in ${data.files} files`);
    const store = await openDirectoryStore(join(dir, "vault"), { create: true });
    await initVault({ store, now: 0 });
    const host = backupHost(dir, store);
    const isImmutable = (path: string) => /\.ldb$|\.obj$|blockfile_/.test(path);
    const run = async (label: string, changes: Partial<BackupOptions> = {}) => {
      const cpu = process.cpuUsage();
      const result = await host.backup(
        { isImmutable },
        { ...(workers === undefined ? { workers: undefined as never } : { workers }), ...changes },
      );
      print(label, result, process.cpuUsage(cpu));
      await host.confirm(result.snapshot);
    };
    console.log("run         | seconds |  MB/s | CPU s | peak RSS MiB |  read MiB | stored MiB | packs");
    await run("initial");
    await run("no change");
    inChild("grow", root, data.bytes / 16);
    await run("incremental");
    // Everything once more, from a warm cache, by each suite.
    await run("all, aes", { full: true });
    await run("all, sm4", { full: true, suite: "sm4-gcm" });
    await run("all, aes", { full: true });
    await run("all, sm4", { full: true, suite: "sm4-gcm" });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Data is made in another process, so that the memory it takes is not counted here. */
function inChild(step: string, folder: string, bytes: number): DataFigures {
  const args = [import.meta.filename, step, folder, String(bytes)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as DataFigures;
}

function print(label: string, { figures, card }: BackupResult, cpu: NodeJS.CpuUsage): void {
  const seconds = figures.totalMs / 1000;
  const row = [
    label.padEnd(11),
    seconds.toFixed(2).padStart(7),
    (card.core.bytes.total / 1e6 / seconds).toFixed(0).padStart(5),
    ((cpu.user + cpu.system) / 1e6).toFixed(2).padStart(5),
    (process.resourceUsage().maxRSS / 1024).toFixed(0).padStart(12),
    (figures.read / 2 ** 20).toFixed(1).padStart(9),
    (figures.stored / 2 ** 20).toFixed(1).padStart(10),
    String(figures.packs).padStart(5),
  ];
  console.log(row.join(" | "));
}
