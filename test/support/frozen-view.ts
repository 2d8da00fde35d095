import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { prepareFreeze } from "../../agent/freeze/index.ts";
import { type ProfileOverrides, profileOf } from "../../agent/profiles/index.ts";
import { systemCode } from "../../vault/names/index.ts";
import { controlOf, freezeOptions, frozenBytes, makeHome, pathOf, puppet } from "./freezing.ts";

const WRITER = fileURLToPath(new URL("busy-writer.child.ts", import.meta.url));
/** How long the node writes after its restart before the frozen files are read. Milliseconds. */
const SPELL = 2_000;

/** The node of one profile, which writes as fast as it can. */
export interface BusyNode {
  readonly profile: string;
  readonly globs?: ProfileOverrides;
  /** Default: the writer of that name. */
  readonly words?: (folder: string) => readonly string[];
  /** Another program tells nothing when it has written for long enough. */
  readonly silent?: boolean;
}

/** What each profile's node writes; one that is not here gets databases, growing files and files written anywhere. */
const GLOBS: Readonly<Record<string, ProfileOverrides>> = {
  files: { append_only: ["*.log"], immutable: ["*.done"] },
};

export const busyNode = (profile: string): BusyNode => ({
  profile,
  ...(GLOBS[profile] === undefined ? {} : { globs: GLOBS[profile] }),
});

const isLinked = (mutability: string) => mutability === "immutable" || mutability === "append-only";

function classesOf({ immutable, append_only }: ProfileOverrides = {}): string[] {
  return [...(immutable === undefined ? [] : ["immutable"]), ...(append_only === undefined ? [] : ["append-only"])];
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Every plain file below a folder: its path and what is in it. What a running node removes meanwhile is left out. */
function hashFolder(folder: string): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    try {
      if (statSync(path).isFile()) hashes.set(`data/${name}`, sha256(readFileSync(path)));
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }
  return hashes;
}

/**
 * Freezes a node that writes as fast as it can, `rounds` times over: what was hashed while it stood still is what is read
 * of the frozen tree after it has written for two more seconds. Gives how many files were compared. `place`: a home of its
 * own, with `data` in it.
 */
export async function frozenViewHolds(
  { profile, globs, words, silent }: BusyNode,
  rounds: number,
  { home, data } = makeHome(),
): Promise<number> {
  mkdirSync(data, { recursive: true });
  const line = words?.(data) ?? [process.execPath, WRITER, profile, data, String(SPELL)];
  let child: ChildProcess | null = null;
  let atFreeze = new Map<string, string>();

  /** A node that runs is not started once more: coldkeep asks again where it is not told in time that it runs. */
  function start(): void {
    if (child !== null && child.exitCode === null && child.signalCode === null) return;
    const [program = "", ...rest] = line;
    child = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
  }
  onTestFinished(() => void child?.kill("SIGKILL"));

  /** Resolves once the node has written for the whole spell. */
  async function written(): Promise<void> {
    if (child === null) throw new Error("it does not run");
    const heard =
      silent === true ? new Promise((resolve) => setTimeout(resolve, SPELL)) : once(child.stdout ?? child, "data");
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the node ended with ${code}`);
    });
    ended.catch(() => {});
    await Promise.race([heard, ended]);
  }

  /** Others go on after it, and want the processor. */
  async function end(): Promise<void> {
    if (child === null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  start();
  await written();
  let compared = 0;
  const linked = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    const node = puppet({
      onStop: async () => {
        if (child === null) return;
        child.kill("SIGTERM");
        await once(child, "exit");
      },
      onStart: () => {
        atFreeze = hashFolder(data);
        start();
      },
    });
    const prepared = await prepareFreeze(
      freezeOptions(home, {
        profile,
        control: controlOf(node.manager),
        run: `run-${round}`,
        ...(globs === undefined ? {} : { globs }),
      }),
    );
    const tree = await prepared.capture();
    await written();
    const after = hashFolder(data);
    let changed = 0;
    for (const entry of tree.entries()) {
      if (entry.type !== "file") continue;
      const path = pathOf(entry);
      expect([profile, round, path, sha256(frozenBytes(entry))]).toEqual([profile, round, path, atFreeze.get(path)]);
      if (after.get(path) !== atFreeze.get(path)) changed += 1;
      if (entry.linked) linked.add(entry.mutability);
      compared += 1;
    }
    // Else it shows nothing: the node must have written to what was frozen.
    expect([profile, round, changed]).not.toEqual([profile, round, 0]);
    await tree.release();
  }
  // Else it shows nothing of what a profile links: the node must have files of every such rule.
  const rules = [...profileOf(profile).rules.map(({ mutability }) => mutability), ...classesOf(globs)];
  expect([profile, ...linked].sort()).toEqual([profile, ...new Set(rules.filter(isLinked))].sort());
  await end();
  return compared;
}
