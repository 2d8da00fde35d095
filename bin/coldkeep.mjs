#!/bin/sh
true /*
# What a shell reads of this file: Node is started with the flags told below, and need not start over to have them.
__ck_heap=
for __ck_word; do
  case $__ck_word in
    backup | drill) __ck_heap=--max-semi-space-size=4 ;;
    restore | verify | list | forget | gc | rebuild | copy | repair) __ck_heap=--max-semi-space-size=8 ;;
    ls | cat | find | diff) __ck_heap='--max-semi-space-size=4 --optimize-for-size' ;;
    *) continue ;;
  esac
  break
done
exec node --min-semi-space-size=4 $__ck_heap -- "$0" "$@"
# */;

/**
 * The `coldkeep` command. Plain JavaScript for any Node: where this one is too old it looks for the Node 24 that npm
 * installed beside coldkeep and goes on with that, or says what to install.
 */
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import * as nodeModule from "node:module";
import { constants, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

const NEEDED = 24;

/** Else V8 begins with half a megabyte for short-lived objects, and collects them some ten times until the code is loaded. */
const BEGIN = "--min-semi-space-size=4";
/**
 * Commands that run through all of a node's data, or of its history. V8 sizes its heap after the machine's memory and would let short-lived
 * objects take hundreds of MB there; with these flags they stay below 300 MB whatever they read.
 */
const YOUNG = [BEGIN, "--max-semi-space-size=4"];
/** What a restore or a check makes of the list of files lives a little longer: copied half as often it takes less time. */
const ROOMY = [BEGIN, "--max-semi-space-size=8"];
const SMALL = [...YOUNG, "--optimize-for-size"];
const HEAPS = {
  backup: YOUNG,
  restore: ROOMY,
  verify: ROOMY,
  list: ROOMY,
  forget: ROOMY,
  gc: ROOMY,
  rebuild: ROOMY,
  copy: ROOMY,
  repair: ROOMY,
  ls: SMALL,
  cat: SMALL,
  find: SMALL,
  diff: SMALL,
  drill: YOUNG,
};
/** Old objects are collected before the heap has grown by more than that: with a million files it is a fifth of all memory. */
const SLOWLY = "--heap-growing-percent=20";
const GROW_SLOWLY = new Set(["backup", "restore", "verify", "list", "forget", "gc", "rebuild", "copy", "repair"]);
/** What of Node those load anyhow. */
const BUILTINS = [
  "crypto",
  "readline/promises",
  "stream/consumers",
  "timers/promises",
  "util",
  "worker_threads",
  "zlib",
];

if (majorOf(process.versions.node) < NEEDED) {
  runWithPackagedNode();
} else {
  keepHeapSmall();
  growSlowly();
  cacheCompiledCode();
  await import(program());
}

/** The first word that names one of the commands above; which it is may be guessed wrongly, and nothing breaks. */
function heavyCommand() {
  return process.argv.slice(2).find((word) => Object.hasOwn(HEAPS, word));
}

/** The flags that this command line wants and does not have yet. */
function heapFlags() {
  const large = heavyCommand();
  const wanted = large === undefined ? [] : HEAPS[large];
  return wanted.every((flag) => process.execArgv.includes(flag)) ? [] : wanted;
}

/** Starts over in this very process, so that signals and exit code stay what they are. */
function keepHeapSmall() {
  const flags = heapFlags();
  if (flags.length === 0 || process.execve === undefined) return;
  const self = fileURLToPath(import.meta.url);
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...flags, self, ...process.argv.slice(2)]);
}

/**
 * V8 asks for this flag whenever it has collected. Given at the start it makes V8 refuse the compiled code that Node brings of
 * its own modules, as of other flags; so they are loaded first. The cache of our code is of the flags it is opened with.
 */
function growSlowly() {
  if (!GROW_SLOWLY.has(heavyCommand())) return;
  for (const name of BUILTINS) process.getBuiltinModule(`node:${name}`);
  setFlagsFromString(SLOWLY);
}

/** The bundle beside this file where it was packaged, the sources in a checkout. */
function program() {
  const bundle = new URL("main.js", import.meta.url);
  return (existsSync(bundle) ? bundle : new URL("../agent/main.ts", import.meta.url)).href;
}

/**
 * Halves the start. Only in a folder that nobody else can write to: compiled code is run unchecked, so Node's default
 * place, a well-known name in the shared temporary folder, would let others in.
 */
function cacheCompiledCode() {
  try {
    const home = homedir();
    const { uid, mode } = statSync(home);
    if (uid === process.geteuid?.() && (mode & 0o022) === 0) {
      nodeModule.enableCompileCache?.(join(home, ".cache", "coldkeep"));
    }
  } catch {
    // Without a home there is no cache, and nothing else changes.
  }
}

function runWithPackagedNode() {
  const node = findPackagedNode();
  if (node === null) {
    console.error(
      `coldkeep needs Node ${NEEDED} or newer; this is Node ${process.versions.node} on ${process.platform}-${process.arch}.\n` +
        `Install Node ${NEEDED} from https://nodejs.org, or install coldkeep with its optional packages:\n` +
        "on Linux (x64, arm64) npm then brings Node 24 along.",
    );
    process.exitCode = 1;
    return;
  }
  // What is sent to this process alone is passed on. A terminal's Ctrl-C reaches both, and the child decides. From
  // before the start, so that no signal falls between.
  let child;
  const atTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  process.on("SIGINT", () => atTerminal || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP", "SIGQUIT"]) process.on(signal, () => child.kill(signal));
  const self = fileURLToPath(import.meta.url);
  child = spawn(node, [...process.execArgv, ...heapFlags(), self, ...process.argv.slice(2)], { stdio: "inherit" });
  child.once("error", (error) => {
    console.error(`coldkeep cannot run ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.once("exit", (status, signal) => {
    process.exitCode = status ?? 128 + constants.signals[signal];
  });
}

function findPackagedNode() {
  try {
    const require = nodeModule.createRequire(import.meta.url);
    const name = `node-${process.platform}-${process.arch}`;
    if (majorOf(require(`${name}/package.json`).version) < NEEDED) return null;
    return require.resolve(`${name}/bin/node`);
  } catch {
    return null;
  }
}

function majorOf(version) {
  return Number.parseInt(version, 10);
}
