import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { CommandConfig } from "../../agent/node/index.ts";

const SCRIPT = fileURLToPath(new URL("stand-in-node.child.ts", import.meta.url));

/** A real process that holds files of a folder and can be driven by commands, as a node is. */
export interface StandIn {
  readonly folder: string;
  /** For manager `command`. */
  readonly service: CommandConfig;
  /** Commands run so far: "start", "stop", "is-running". */
  calls(): string[];
  /** Starts it and waits until it writes. */
  start(...options: readonly string[]): Promise<ChildProcess>;
  pid(): number | null;
}

/** A folder that looks like LevelDB's, and commands that drive a stand-in process over it. Killed when the test ends. */
export function makeStandIn(home: string, options: { readonly start?: string } = {}): StandIn {
  const folder = join(home, "data");
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of [
    ["CURRENT", "MANIFEST-000001\n"],
    ["MANIFEST-000001", "manifest"],
    ["000001.ldb", "table"],
  ] as const) {
    writeFileSync(join(folder, name), content);
  }
  const calls = join(home, "calls");
  writeFileSync(calls, "");
  const pidFile = `${folder}.pid`;
  const said = (what: string) => `echo ${what} >> '${calls}'; `;
  const alive = `pid=$(cat '${pidFile}' 2>/dev/null) && kill -0 "$pid" 2>/dev/null`;
  const begin =
    options.start ??
    `'${process.execPath}' '${SCRIPT}' '${folder}' >/dev/null 2>&1 & echo $! >> '${startedFile(folder)}'`;
  const standIn: StandIn = {
    folder,
    service: {
      manager: "command",
      stop: `${said("stop")}${alive} && kill -TERM "$pid"; true`,
      start: `${said("start")}if ${alive}; then exit 0; fi; rm -f '${pidFile}'; ${begin}`,
      isRunning: `${said("is-running")}${alive}`,
    },
    calls: () => readFileSync(calls, "latin1").split("\n").slice(0, -1),
    async start(...words) {
      const child = spawn(process.execPath, [SCRIPT, folder, ...words], { stdio: "ignore" });
      onTestFinished(() => void child.kill("SIGKILL"));
      await untilExists(pidFile);
      return child;
    },
    pid: () => (existsSync(pidFile) ? Number(readFileSync(pidFile, "latin1")) : null),
  };
  onTestFinished(() => killOurs(standIn));
  return standIn;
}

/** Numbers of all processes that the start command began: one that has not written its own file yet is known here. */
function startedFile(folder: string): string {
  return `${folder}.started`;
}

/** Kills the stand-ins that commands started, known by their command lines. */
function killOurs(standIn: StandIn): void {
  const started = startedFile(standIn.folder);
  const all = existsSync(started) ? readFileSync(started, "latin1").split("\n").filter(Boolean).map(Number) : [];
  const own = standIn.pid();
  for (const pid of own === null ? all : [...all, own]) {
    if (!existsSync(`/proc/${pid}/cmdline`)) continue;
    // Also a shell that is about to become the node has the folder in its words.
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(standIn.folder)) process.kill(pid, "SIGKILL");
  }
}

/** Waits until a file is there, told by the kernel. */
export async function untilExists(path: string): Promise<void> {
  const watcher = watch(dirname(path));
  try {
    while (!existsSync(path)) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}
