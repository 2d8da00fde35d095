import { execFile } from "node:child_process";
import { lchownSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, messageOf, systemCode } from "../../vault/names/index.ts";
import type { PlannedFile } from "./types.ts";
import { MARK } from "./units.ts";

const run = promisify(execFile);

/**
 * Writes what differs. @returns paths of what was written.
 * @throws ColdkeepError `refused` before anything is written, where somebody else's file is in the way.
 */
export function writeFiles(files: readonly PlannedFile[]): string[] {
  const different = files.filter(({ path, content }) => {
    const there = readText(path);
    if (there !== null && !isOurs(there)) throw notOurs(path);
    return there !== content;
  });
  for (const { path, content, mode } of different) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      writeFileDurable(path, Buffer.from(content), mode);
    } catch (error) {
      throw fromSystemError(error, {
        what: "cannot write a file of the installation",
        on: path,
        otherwise: "internal",
      });
    }
  }
  return different.map(({ path }) => path);
}

/** Removes those that `install` wrote. @returns paths of what was removed, and of what is somebody else's and stays. */
export function removeFiles(paths: readonly string[]): { readonly removed: string[]; readonly kept: string[] } {
  const removed: string[] = [];
  const kept: string[] = [];
  for (const path of paths) {
    const there = readText(path);
    if (there === null) continue;
    if (!isOurs(there)) kept.push(path);
    else {
      rmSync(path);
      removed.push(path);
    }
  }
  return { removed, kept };
}

/** Whether a file that is there was written by `install`. */
function isOurs(text: string): boolean {
  return text.slice(0, 200).includes(MARK);
}

/** @throws ColdkeepError `internal` with what the program said. */
export async function runProgram(words: readonly string[]): Promise<string> {
  const [program = "", ...rest] = words;
  try {
    return (await run(program, rest, { encoding: "utf8" })).stdout;
  } catch (error) {
    const stderr = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr).trim() : "";
    throw new ColdkeepError("internal", {
      what: "a program of the system failed",
      on: words.join(" "),
      why: stderr === "" ? messageOf(error) : stderr,
      todo: "mend that and run it again: what is done already stays as it is",
    });
  }
}

/** Makes a folder for one user alone. */
export function makeFolderFor(path: string, uid: number, gid: number): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  lchownSync(path, uid, gid);
}

/** Gives a folder and all that lies in it to a user; symbolic links are given, never followed. */
export function giveTree(path: string, uid: number, gid: number): void {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined) return;
  if (info.uid !== uid || info.gid !== gid) lchownSync(path, uid, gid);
  if (!info.isDirectory()) return;
  for (const name of readdirSync(path)) giveTree(join(path, name), uid, gid);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw fromSystemError(error, { what: "cannot read a file of the installation", on: path, otherwise: "internal" });
  }
}

function notOurs(path: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "a file of the installation is somebody else's",
    on: path,
    why: `its first line is not the one that \`coldkeep install\` writes`,
    todo: "move it away, then run it again",
  });
}
