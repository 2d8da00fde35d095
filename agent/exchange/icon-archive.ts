import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { text } from "node:stream/consumers";
import { fsyncFolder } from "../../posix/durable.ts";
import { ColdkeepError } from "../../vault/names/index.ts";

/** What is in an archive of ICON's guide for cold backups, and nothing else. */
const PARTS = [".score_data", ".storage"] as const;

/** The guide's name: `PRep_BH<height>_data-YYYYMMDD_HHMM.tar.gz`. `time` in milliseconds; shown in UTC. */
export function iconArchiveName(height: number | null, time: number): string {
  const [, day, clock] = /^(.{8})T(.{4})/.exec(new Date(time).toISOString().replace(/[-:]/g, "")) ?? [];
  return `PRep_BH${height ?? 0}_data-${day}_${clock}.tar.gz`;
}

/** What the guide's name tells; null for any other name. */
export function parseIconArchiveName(name: string): { readonly height: number; readonly taken: string } | null {
  const [, height, taken] = /^PRep_BH(\d{1,15})_data-(\d{8}_\d{4})\.tar\.gz$/.exec(name) ?? [];
  return height === undefined || taken === undefined ? null : { height: Number(height), taken };
}

/**
 * Packs `folder`'s `.score_data` and `.storage` into `file`, which appears when it is whole. Not encrypted.
 * @throws ColdkeepError `refused` where the file is there or the folders are not; `internal` where tar fails; the signal's
 *   reason on abort.
 */
export async function writeIconArchive(folder: string, file: string, signal: AbortSignal): Promise<void> {
  if (existsSync(file)) {
    throw new ColdkeepError("refused", { what: "the archive is there already", on: file, todo: "name another file" });
  }
  const parts = PARTS.filter((part) => existsSync(`${folder}/${part}`));
  if (!parts.includes(".storage")) throw notIcon(folder, `it has ${list(readdirSync(folder))}`);
  const partial = `${file}.partial`;
  try {
    await tar(["--create", "--gzip", "--sparse", `--file=${partial}`, `--directory=${folder}`, ...parts], file, signal);
    const fd = openSync(partial, "r+");
    fsyncSync(fd);
    closeSync(fd);
    renameSync(partial, file);
    fsyncFolder(dirname(file));
  } finally {
    rmSync(partial, { force: true });
  }
}

/**
 * Unpacks an archive into `folder`, made anew; tar leaves out nothing that would lie elsewhere but by failing.
 * @throws ColdkeepError `integrity` where it is damaged or holds anything but the guide's two folders.
 */
export async function readIconArchive(file: string, folder: string, signal: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await tar(["--extract", "--gzip", `--file=${file}`, `--directory=${folder}`, "--no-same-owner"], file, signal);
  const names = readdirSync(folder);
  const other = names.filter((name) => !PARTS.some((part) => part === name));
  if (other.length > 0 || !names.includes(".storage")) throw notIcon(basename(file), `it holds ${list(names)}`);
}

async function tar(words: readonly string[], on: string, signal: AbortSignal): Promise<void> {
  const child = spawn("tar", words, { stdio: ["ignore", "ignore", "pipe"], signal });
  const failed = once(child, "error").then(([error]) => error as Error);
  const ended = once(child, "close").then(([code]) => code as number | null);
  const said = text(child.stderr);
  const result = await Promise.race([failed, ended]);
  signal.throwIfAborted();
  if (result === 0) return;
  throw new ColdkeepError("integrity", {
    what: "tar failed",
    on,
    why: result instanceof Error ? result.message : `it ended with ${result}: ${(await said).trim().slice(-500)}`,
    todo: "the archive is damaged or incomplete, or there is no space left",
  });
}

function notIcon(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "this is no archive of a P-Rep",
    on,
    why,
    todo: ".score_data and .storage are expected",
  });
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.slice(0, 10).join(", ");
}
