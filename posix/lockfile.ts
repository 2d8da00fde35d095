import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ColdkeepError, systemCode } from "../vault/names/index.ts";
import { readBounded, writeNewFile } from "./durable.ts";
import { isLeftBehind as isMakerGone, makerMark } from "./maker.ts";
import { isAlive, type ProcessIdentity, parseIdentity, processIdentity, processRealm } from "./process.ts";
import { fromSystemError, showPath } from "./system-error.ts";

/** A held lock. It also ends by the death of its process, however sudden. */
export interface Lock {
  readonly path: string;
  /** Gives the lock back; a second call does nothing. */
  release(): void;
  [Symbol.dispose](): void;
}

export interface LockOptions {
  /**
   * How old (ms, by the file system's own clock) a lock of another machine or container must be before it counts as
   * left behind; such a holder's death cannot be proven from here. Default: never.
   */
  readonly foreignStaleMs?: number;
}

interface Holder {
  /** Names this very lock, so that it can be broken once and no other in its place. */
  readonly nonce: string;
  readonly identity: ProcessIdentity;
  readonly machine: string;
  readonly pidNamespace: string;
  readonly label: string;
}

const MAX_BYTES = 4096;
const ATTEMPTS = 64;

/**
 * Takes the lock at `path`, or fails at once. The file comes into being whole, by link(2) of a finished one, and says
 * who holds it and for what (`label`, shown to people). A dead holder's lock is broken: whoever breaks lock N must hold
 * the lock `<path>.break.<N>` meanwhile, so two breakers never remove each other's fresh lock, and a breaker that dies
 * is broken in the same way.
 * @throws ColdkeepError `busy` where a live process holds it, naming pid and label; `permission`, `no-space`, else `internal`.
 */
export function acquireLock(path: string, label: string, options: LockOptions = {}): Lock {
  const nonce = randomBytes(8).toString("hex");
  const { machine, pidNamespace } = processRealm();
  const me: Holder = { nonce, identity: processIdentity(), machine, pidNamespace, label };
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    take(path, me, options, 0);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot take the lock", on: path, otherwise: "internal" });
  }
  sweep(path);
  let held = true;
  const release = () => {
    if (held) drop(path, nonce);
    held = false;
  };
  return { path, release, [Symbol.dispose]: release };
}

/** The label and pid of whoever holds the lock now; null where it is free or its holder is dead. */
export function lockHolder(path: string): { readonly pid: number; readonly label: string } | null {
  const holder = readHolder(path);
  if (holder === null || isLeftBehind(path, holder, {})) return null;
  return { pid: holder.identity.pid, label: holder.label };
}

function take(path: string, me: Holder, options: LockOptions, depth: number): void {
  const temp = `${path}.tmp.${me.nonce}.${depth}.${makerMark()}`;
  writeNewFile(temp, Buffer.from(JSON.stringify(me)), 0o600);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (tryLink(temp, path)) return;
      const holder = readHolder(path);
      if (holder === null) continue;
      if (holder.nonce === me.nonce) return;
      if (!isLeftBehind(path, holder, options)) throw busy(path, holder);
      breakLock(path, holder, me, options, depth);
    }
  } finally {
    unlinkIfThere(temp);
  }
  throw new ColdkeepError("busy", {
    what: "the lock changes hands too fast",
    on: showPath(path),
    todo: "Try again in a moment",
    retryable: true,
  });
}

/** Removes a dead holder's lock. Under the break lock of its nonce nobody else may, so looking and removing are one. */
function breakLock(path: string, dead: Holder, me: Holder, options: LockOptions, depth: number): void {
  const base = depth === 0 ? path : path.slice(0, path.lastIndexOf(".break."));
  const claim = `${base}.break.${dead.nonce}`;
  take(claim, me, options, depth + 1);
  try {
    if (readHolder(path)?.nonce === dead.nonce) unlinkIfThere(path);
  } finally {
    unlinkIfThere(claim);
  }
}

function drop(path: string, nonce: string): void {
  try {
    if (readHolder(path)?.nonce === nonce) unlinkIfThere(path);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot give the lock back", on: path, otherwise: "internal" });
  }
}

function tryLink(temp: string, path: string): boolean {
  try {
    linkSync(temp, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

function isLeftBehind(path: string, holder: Holder, options: LockOptions): boolean {
  const here = processRealm();
  if (holder.machine === here.machine && holder.identity.bootId !== processIdentity().bootId) return true;
  if (holder.machine === here.machine && holder.pidNamespace === here.pidNamespace) return !isAlive(holder.identity);
  return options.foreignStaleMs !== undefined && ageOf(path) > options.foreignStaleMs;
}

/** Age by the clock of the file system, which on a network share is neither machine's. */
function ageOf(path: string): number {
  const probe = `${path}.tmp.${randomBytes(8).toString("hex")}.age.${makerMark()}`;
  writeNewFile(probe, new Uint8Array(0), 0o600);
  try {
    return statSync(probe).mtimeMs - statSync(path).mtimeMs;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return 0;
    throw error;
  } finally {
    unlinkIfThere(probe);
  }
}

function readHolder(path: string): Holder | null {
  const bytes = readBounded(path, MAX_BYTES);
  if (bytes === null) return null;
  const holder = parseHolder(bytes);
  if (holder !== null) return holder;
  throw new ColdkeepError("busy", {
    what: "the lock file is not one that coldkeep wrote",
    on: showPath(path),
    why: `its ${bytes.length} bytes do not say who holds it`,
    todo: "Make sure that no coldkeep runs, then remove the file",
  });
}

function parseHolder(bytes: Uint8Array): Holder | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value !== "object" || value === null) return null;
    const { nonce, identity: who, machine, pidNamespace, label } = value as Record<string, unknown>;
    const identity = parseIdentity(who);
    if (identity === null || typeof nonce !== "string" || !/^[0-9a-f]{16}$/.test(nonce)) return null;
    if (typeof machine !== "string" || typeof pidNamespace !== "string" || typeof label !== "string") return null;
    return { nonce, identity, machine, pidNamespace, label };
  } catch {
    return null;
  }
}

function busy(path: string, holder: Holder): ColdkeepError {
  const here = processRealm();
  const local = holder.machine === here.machine && holder.pidNamespace === here.pidNamespace;
  const place = local
    ? ""
    : holder.machine === here.machine
      ? " in another container"
      : ` on machine ${holder.machine}`;
  return new ColdkeepError("busy", {
    what: "another run is active",
    on: showPath(holder.label),
    why: `process ${holder.identity.pid}${place} holds ${showPath(path)}`,
    todo: local ? "Wait for it to end, or stop it" : "Wait for it to end; if it is surely gone, remove the lock file",
    retryable: true,
  });
}

/**
 * Removes what killed processes left beside the lock. Only the lock's holder may: while it lives, every break lock
 * concerns a lock that is gone, so removing one can mislead nobody.
 */
function sweep(path: string): void {
  const prefix = `${basename(path)}.`;
  try {
    for (const name of readdirSync(dirname(path))) {
      if (!name.startsWith(`${prefix}tmp.`) && !name.startsWith(`${prefix}break.`)) continue;
      const file = join(dirname(path), name);
      // Also one whose writer died before a word was in it.
      if (isMakerGone(name)) {
        unlinkIfThere(file);
        continue;
      }
      const bytes = readBounded(file, MAX_BYTES);
      const holder = bytes === null ? null : parseHolder(bytes);
      if (holder !== null && isLeftBehind(file, holder, {})) unlinkIfThere(file);
    }
  } catch {
    // Sweeping is a courtesy: a left file never stands in the way of a lock.
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
