/**
 * Starts, stops and asks after the demo's node, as an init script would: the commands of manager `command`.
 *
 *     node demo/control.mjs start <home> [arguments of node.ts…] | stop <home> | is-running <home>
 *
 * `start` remembers its arguments in `<home>/run`, so that a later bare `start` starts the same node again. `stop` asks
 * and returns; `is-running` answers by its exit status: 0 yes, 1 no.
 */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("node.ts", import.meta.url));
const [action, folder, ...options] = process.argv.slice(2);
if (folder === undefined) fail("usage: node demo/control.mjs start|stop|is-running <home>");
const home = resolve(folder);
const run = (name) => join(home, "run", name);

if (action === "start") start();
else if (action === "stop") stop();
else if (action === "is-running") process.exitCode = runningPid() === null ? 1 : 0;
else fail(`unknown action: ${action}`);

function start() {
  if (runningPid() !== null) return;
  mkdirSync(run(""), { recursive: true });
  if (options.length > 0) writeFileSync(run("arguments.json"), JSON.stringify(options));
  const log = openSync(run("log"), "a", 0o600);
  const child = spawn(process.execPath, [script, home, ...readArguments()], {
    cwd: home,
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.once("error", (error) => fail(`cannot start the node: ${error.message}`));
  child.once("spawn", () => {
    writeFileSync(run("pid"), String(child.pid));
    child.unref();
  });
}

function stop() {
  const pid = runningPid();
  if (pid === null) return;
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** The node's process, proven to be ours by its command line: numbers are used again after a reboot. */
function runningPid() {
  try {
    const pid = Number(readFileSync(run("pid"), "utf8"));
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes(script) && words.includes(home) ? pid : null;
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return null;
    throw error;
  }
}

function readArguments() {
  try {
    return JSON.parse(readFileSync(run("arguments.json"), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
