import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const CONTROL = fileURLToPath(new URL("control.mjs", import.meta.url));
const START_LIMIT = 60_000;

/** The demo's node as the tour sees it: a folder, three commands and an address. */
export interface DemoNode {
  readonly home: string;
  readonly data: string;
  /** The same commands that coldkeep is given, ready for a shell. */
  readonly commands: { readonly start: string; readonly stop: string; readonly isRunning: string };
  start(...options: string[]): void;
  /** Asks it to stop and waits until it is gone; kills it where it does not go. */
  stop(): Promise<void>;
  url(path: string): string;
  height(): Promise<number>;
  /** Hash of one block as the running node tells it; null where it has no such block. */
  hashOf(height: number): Promise<string | null>;
  /** Waits until its height is at least `height`. */
  reach(height: number, signal: AbortSignal): Promise<number>;
  /** Bytes of its database's files. */
  size(): number;
}

/** The node that lives, or will live, in `home`. */
export function demoNode(home: string): DemoNode {
  const data = join(home, "data");
  const control = (action: string, options: readonly string[] = []) =>
    execFileSync(process.execPath, [CONTROL, action, home, ...options]);
  const isRunning = () => spawnSync(process.execPath, [CONTROL, "is-running", home]).status === 0;
  const script = join(home, "nodectl");
  const inShell = (action: string) => `${quote(script)} ${action}`;
  const url = (path: string) => `http://127.0.0.1:${readFileSync(join(home, "run/port"), "utf8")}${path}`;

  async function ask(path: string): Promise<Record<string, unknown> | null> {
    const response = await fetch(url(path));
    return response.ok ? ((await response.json()) as Record<string, unknown>) : null;
  }

  const height = async () => Number((await ask("/height"))?.height);

  return {
    home,
    data,
    commands: { start: inShell("start"), stop: inShell("stop"), isRunning: inShell("is-running") },
    start(...options) {
      mkdirSync(home, { recursive: true });
      const words = [process.execPath, CONTROL, '"$action"', home].map((word) =>
        word.startsWith('"') ? word : quote(word),
      );
      writeFileSync(script, `#!/bin/sh\naction=$1\nshift\nexec ${words.join(" ")} "$@"\n`, { mode: 0o700 });
      control("start", options);
    },
    async stop() {
      if (!existsSync(home)) return;
      control("stop");
      for (let tries = 0; isRunning(); tries++) {
        if (tries === 200) process.kill(Number(readFileSync(join(home, "run/pid"), "utf8")), "SIGKILL");
        await wait(50);
      }
    },
    url,
    height,
    async hashOf(wanted) {
      const answer = await ask(`/block/${wanted}`);
      return answer === null ? null : String(answer.hash);
    },
    async reach(wanted, signal) {
      for (let waited = 0; ; waited += 50) {
        const found = await height().catch(() => 0);
        if (found >= wanted) return found;
        if (waited > START_LIMIT || !isRunning()) {
          throw new Error(`the demo's node is not at height ${wanted} but ${found}; its log: ${join(home, "run/log")}`);
        }
        await wait(50, undefined, { signal });
      }
    },
    size: () =>
      readdirSync(data).reduce(
        (sum, name) => sum + (statSync(join(data, name), { throwIfNoEntry: false })?.size ?? 0),
        0,
      ),
  };
}

/** One word for a shell, whatever is in it. */
export function quote(word: string): string {
  return /^[\w./:=…-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
