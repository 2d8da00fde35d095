import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A server that runs. */
export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly label: string;
  readonly program: string;
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Holds all it writes; goes when it stops. */
  readonly folder: string;
  /** Asked until it says yes. */
  readonly healthy: () => Promise<boolean>;
}

const PATIENCE_MS = 120_000;

/** A port of the loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  return address.port;
}

/** A fresh folder for a server's files. */
export function serverFolder(label: string): string {
  return mkdtempSync(join(tmpdir(), `coldkeep-${label}-`));
}

/** Starts a server and waits until it is well. Its stdin is a pipe of ours, which ends with this process. */
export async function startServer(o: ServerOptions): Promise<Running> {
  const log = openSync(join(o.folder, "log"), "w", 0o600);
  const child = spawn(o.program, o.words, { stdio: ["pipe", log, log], env: o.env, cwd: o.folder });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${o.label} could not be started: ${o.program}`);
  const stop = () => stopChild(child, o.folder);
  const end = performance.now() + PATIENCE_MS;
  while (!(await o.healthy())) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > end) {
      const said = readFileSync(join(o.folder, "log"), "utf8").slice(-4000);
      await stop();
      throw new Error(`${o.label} did not start:\n${said}`);
    }
    await sleep(100);
  }
  // A test process that is done must not wait for it.
  child.unref();
  return { pid, stop };
}

async function stopChild(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.ref();
    const gone = once(child, "exit");
    // Ends the server, and whatever started it on our behalf.
    child.stdin?.end();
    const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(hard);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Whether a URL answers with success. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
