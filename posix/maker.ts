import { createHash } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlive, type ProcessIdentity, parseIdentity, processIdentity, processRealm } from "./process.ts";

/** `<realm>-<boot>-<pid>-<start>`, somewhere in a name. */
const MARK = /([0-9a-f]{16})-([0-9a-f-]{36})-(\d{1,10})-(\d{1,20})/;

/**
 * What this process writes into the names of its temporary files and folders, so that others can tell whose they are and
 * remove what a killed one left: its realm (machine and pid namespace, hashed), boot, pid and start.
 * @throws ColdkeepError `refused` without a readable /proc.
 */
export function makerMark(): string {
  const { pid, startTime, bootId } = processIdentity();
  return `${realmHash()}-${bootId}-${pid}-${startTime}`;
}

/** Who made what has this name; null where it bears no mark. */
export function makerOf(name: string): { readonly here: boolean; readonly identity: ProcessIdentity } | null {
  const [, realm, bootId, pid, startTime] = MARK.exec(name) ?? [];
  const identity = parseIdentity({ pid: Number(pid), startTime, bootId });
  return identity === null ? null : { here: realm === realmHash(), identity };
}

/** Whether its maker was a process of this machine that is surely dead. */
export function isLeftBehind(name: string): boolean {
  const maker = makerOf(name);
  return maker?.here === true && !isAlive(maker.identity);
}

/**
 * Removes from a folder what killed processes of this machine left there: entries whose names hold `label` and right
 * after it a mark. Never throws: sweeping is a courtesy, and what cannot be removed is tried again next time.
 */
export function sweepLeft(folder: string, label: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const at = name.indexOf(label);
      const rest = name.slice(at + label.length);
      if (at < 0 || MARK.exec(rest)?.index !== 0 || !isLeftBehind(rest)) continue;
      const path = join(folder, name);
      rmSync(path, { recursive: lstatSync(path).isDirectory(), force: true });
    }
  } catch {
    // As said.
  }
}

let hash: string | undefined;

function realmHash(): string {
  const { machine, pidNamespace } = processRealm();
  hash ??= createHash("sha256").update(`${machine}\n${pidNamespace}`).digest("hex").slice(0, 16);
  return hash;
}
