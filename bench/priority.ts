import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { type BackupOptions, initVault } from "../agent/backup/index.ts";
import { backupHost } from "../test/support/backup-host.ts";
import { openDirectoryStore } from "../vault/store/index.ts";
import { makeNodeData } from "./data.ts";

/**
 * What a backup costs its neighbour: `node bench/priority.ts [MiB] [seconds]`; BENCH_DIR says where. Processes that compute and
 * write as a node does, one a core, run alone, beside backups without limits, and beside backups with some; printed is what they
 * get done a second, and what is left of it. All run in one control group, where nice values count. The data is warm, and the
 * freeze is left out.
 */
if (process.argv[2] === "neighbour") await neighbour(process.argv[3] ?? "");
else await main(Number(process.argv[2] ?? 512), Number(process.argv[3] ?? 15));

async function main(mib: number, seconds: number): Promise<void> {
  const base = process.env.BENCH_DIR ?? tmpdir();
  mkdirSync(base, { recursive: true });
  const dir = mkdtempSync(join(base, "coldkeep-bench-"));
  const neighbours = Array.from({ length: availableParallelism() }, (_, index) =>
    fork(import.meta.filename, ["neighbour", join(dir, `neighbour-${index}`)]),
  );
  try {
    await makeNodeData(join(dir, "host", "root"), mib * 2 ** 20);
    const store = await openDirectoryStore(join(dir, "vault"), { create: true });
    await initVault({ store, now: 0 });
    const host = backupHost(dir, store);
    const { control } = host.options();
    // One that is started again, as limits wait for that.
    const manager = { ...control.manager, controls: true };
    const backup = (pace: BackupOptions["pace"]) =>
      host.backup(
        { isImmutable: (path) => /\.ldb$|\.obj$|blockfile_/.test(path) },
        {
          workers: undefined as never,
          full: true,
          control: { ...control, manager },
          ...(pace === undefined ? {} : { pace }),
        },
      );
    let alone = 0;
    const measure = async (label: string, beside: () => Promise<unknown>) => {
      const before = await done(neighbours);
      const began = performance.now();
      do await beside();
      while (performance.now() - began < seconds * 1000);
      const rate = ((await done(neighbours)) - before) / ((performance.now() - began) / 1000);
      alone ||= rate;
      console.log(
        `${label.padEnd(44)} ${rate.toFixed(0).padStart(8)} ${((100 * rate) / alone).toFixed(1).padStart(6)} %`,
      );
    };
    console.log("beside                                       rounds/s   left");
    await measure("nothing", () => sleep(seconds * 1000));
    await measure("backups without limits", () => backup(undefined));
    await measure("backups, cpu: 1", () => backup({ cpu: { cores: 1 } }));
    await measure("backups, cpu: 0.5", () => backup({ cpu: { cores: 0.5 } }));
    const rate = 20 * 2 ** 20;
    await measure("backups, cpu: 1, read and upload: 20MiB", () =>
      backup({ cpu: { cores: 1 }, read: rate, upload: rate }),
    );
  } finally {
    for (const child of neighbours) child.kill();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Rounds that all have done so far. */
async function done(neighbours: readonly ChildProcess[]): Promise<number> {
  const counts = neighbours.map(async (child) => {
    const answer = once(child, "message");
    child.send("how many?");
    return Number((await answer)[0]);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** A round is 256 KiB hashed and written; its file is written over and over. */
async function neighbour(path: string): Promise<void> {
  const bytes = Buffer.alloc(256 << 10, 1);
  const fd = openSync(path, "w");
  let rounds = 0;
  let parent = true;
  process.on("message", () => process.send?.(rounds));
  process.on("disconnect", () => {
    parent = false;
  });
  while (parent) {
    createHash("sha256").update(bytes).digest().copy(bytes);
    writeSync(fd, bytes, 0, bytes.length, (rounds % 256) * bytes.length);
    rounds += 1;
    if (rounds % 16 === 0) await turn();
  }
  closeSync(fd);
}
