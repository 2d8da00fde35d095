import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 60_000;

/** A server of its own process group, so that no signal to a test reaches it; started, stopped and asked after by the shell. */
export interface Daemon {
  /** Commands for /bin/sh, each harmless where all is as it wants it. `stop` asks, and does not wait. */
  readonly commands: { readonly start: string; readonly stop: string; readonly isRunning: string };
  start(): void;
  /** Asks it to end, and waits until it has. */
  stop(): void;
  /** Ends it, as a power cut would. */
  kill(): void;
  /** Waits for something of it. @throws Error with the end of its log, where that does not come. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
}

export interface DaemonParts {
  /** Where its pid, its script and its log lie, under its name. */
  readonly home: string;
  readonly name: string;
  readonly program: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes the commands of a server, which does not run yet. */
export function makeDaemon({ home, name, program, env = {} }: DaemonParts): Daemon {
  const [pid, script, log] = ["pid", "sh", "log"].map((end) => join(home, `${name}.${end}`)) as [
    string,
    string,
    string,
  ];
  // A process that nobody waited for has a folder in /proc still, but no program any more.
  const isRunning = `readlink "/proc/$(cat '${pid}' 2>/dev/null)/exe" >/dev/null 2>&1`;
  const set = Object.entries(env).map(([key, value]) => `export ${key}='${value}'\n`);
  const run = program.map((word) => `'${word}'`).join(" ");
  writeFileSync(
    script,
    `${isRunning} && exit 0\ncd '${home}'\n${set.join("")}setsid ${run} >>'${log}' 2>&1 </dev/null &\necho $! >'${pid}'\n`,
  );
  const commands = { start: `sh '${script}'`, stop: `${isRunning} || exit 0; kill "$(cat '${pid}')"`, isRunning };
  const wait = `while ${isRunning}; do sleep 0.02; done`;
  return {
    commands,
    start: () => void execFileSync("sh", ["-c", commands.start], { stdio: "ignore" }),
    stop: () => void spawnSync("sh", ["-c", `(${commands.stop}); ${wait}`]),
    kill: () => void spawnSync("sh", ["-c", `${isRunning} && kill -9 "$(cat '${pid}')"; ${wait}`]),
    async until(what, holds) {
      const end = performance.now() + PATIENCE_MS;
      while (!(await holds())) {
        if (performance.now() > end) {
          const said = existsSync(log) ? readFileSync(log, "utf8").slice(-3000) : "";
          throw new Error(`waited in vain for ${what}\n${said}`);
        }
        await sleep(50);
      }
    },
  };
}
