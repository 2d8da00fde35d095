import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, statfsSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { ColdkeepError, isColdkeepError, systemCode } from "../../vault/names/index.ts";
import { TarGuard } from "./tar-guard.ts";

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

/** What is in an archive of the guide's, of a snapshot's root: a path below the root that begins with one of its parts. */
export function isInIconArchive(path: string): boolean {
  return PARTS.some((part) => path === part || path.startsWith(`${part}/`));
}

/** The guide's folder for an archive in a bucket, and its line in `backup_list`: `YYYYMMDD/<name>`. */
export function iconArchiveLine(name: string): string {
  return `${parseIconArchiveName(name)?.taken.slice(0, 8) ?? "00000000"}/${name}`;
}

/** The guide's `backup_list` with one line more: newest first, each once. What is no archive's line stays, at the end. */
export function withBackupLine(list: string, line: string): string {
  const takenOf = (each: string) => parseIconArchiveName(each.slice(each.lastIndexOf("/") + 1))?.taken ?? "";
  const lines = [line, ...list.split("\n").filter((each) => each.trim() !== "" && each !== line)];
  return `${lines.toSorted((a, b) => (takenOf(a) < takenOf(b) ? 1 : takenOf(a) > takenOf(b) ? -1 : 0)).join("\n")}\n`;
}

/**
 * Unpacks an archive as it comes into `folder`, made anew; tar leaves out nothing that would lie elsewhere but by failing.
 * @throws ColdkeepError `integrity` where it is damaged or holds anything but the guide's two folders; whatever `bytes`
 *   throws.
 */
export async function readIconArchive(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await untar(bytes, folder, name, signal);
  if (!readdirSync(folder).includes(".storage")) throw notIcon(name, "it holds no .storage");
}

async function untar(bytes: AsyncIterable<Uint8Array>, folder: string, on: string, signal: AbortSignal): Promise<void> {
  const words = ["--extract", "--file=-", `--directory=${folder}`, "--no-same-owner"];
  const child = spawn("tar", words, { stdio: ["pipe", "ignore", "pipe"], signal });
  const failed = once(child, "error").then(([error]) => error as Error);
  const ended = once(child, "close").then(([code]) => code as number | null);
  const said = text(child.stderr);
  // Where tar ends early its own words tell why; else what the source threw is the cause.
  const fed = pipeline(
    Readable.from(bytes),
    createGunzip(),
    (plain) => sparing(guarded(plain, on), folder, on),
    child.stdin,
  ).then(
    () => null,
    (error: unknown) => error,
  );
  const result = await Promise.race([failed, ended]);
  signal.throwIfAborted();
  const broken = await fed;
  if (isColdkeepError(broken)) throw broken;
  if (/^Z_/.test(systemCode(broken) ?? "")) throw damaged(on, "it is no gzip, or is cut off");
  if (result === 0) return;
  throw damaged(
    on,
    result instanceof Error ? result.message : `tar ended with ${result}: ${(await said).trim().slice(-500)}`,
  );
}

/** What lies elsewhere, or is none of a P-Rep's, is found before tar sees it. */
async function* guarded(plain: AsyncIterable<Uint8Array>, on: string): AsyncGenerator<Uint8Array> {
  const guard = new TarGuard(on, (path) => {
    if (!isInIconArchive(path)) throw notIcon(on, `it holds ${JSON.stringify(path.slice(0, 100))}`);
  });
  for await (const bytes of plain) yield guard.let(bytes);
  guard.end();
}

/** How much is unpacked between two looks at the disk, and what is left free of it at least; bytes. */
const BETWEEN = 16 << 20;
const SPARED = 1 << 30;
const SPARED_SHARE = 10;

/** What an archive expands to may be anything; the disk that it comes to is the node's as well, and is not filled up. */
async function* sparing(plain: AsyncIterable<Uint8Array>, folder: string, on: string): AsyncGenerator<Uint8Array> {
  let since = BETWEEN;
  for await (const bytes of plain) {
    since += bytes.length;
    if (since >= BETWEEN) {
      since = 0;
      const { bavail, blocks, bsize } = statfsSync(folder);
      if (bavail * bsize < Math.min(SPARED, (blocks * bsize) / SPARED_SHARE)) {
        throw new ColdkeepError("no-space", {
          what: "the archive expands to more than there is room for",
          on,
          why: `of the disk of ${folder} ${Math.floor((bavail * bsize) / 1e6)} MB are left`,
          todo: "import it where more is free",
        });
      }
    }
    yield bytes;
  }
}

function damaged(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the archive cannot be unpacked",
    on,
    why,
    todo: "it is damaged or incomplete, or there is no space left",
  });
}

export function notIcon(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "this is no archive of a P-Rep",
    on,
    why,
    todo: ".score_data and .storage are expected",
  });
}
