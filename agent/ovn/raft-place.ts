import { chmodSync, chownSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { describeFailure, runCommand } from "../node/index.ts";
import { type DatabaseFile, readDatabaseFile } from "./database-file.ts";

/** What becomes of a raft member's file at a restore. */
export type RaftAs = "standalone" | "member";

const LIMIT_MS = 600_000;

/**
 * Makes of the raft members' files in these folders what may be placed. A member that comes back with an older log than it
 * promised to have can make the others lose what they agreed on, so it is never done unasked: `standalone` makes a
 * database of its own of each, which begins a new cluster; `member` leaves them, where their address is this host's.
 * @throws ColdkeepError `refused` without `as`, or where the address is another host's; `config` without ovsdb-tool.
 */
export async function placeRaft(
  folders: readonly string[],
  as: RaftAs | undefined,
  isOwn: (address: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((each) => each.endsWith(".db"))) {
      const path = join(folder, name);
      const found = read(path);
      if (found?.clustered !== true) continue;
      if (as === undefined) throw undecided(found);
      if (as === "standalone") await convert(path, signal);
      else assertOwn(found, isOwn);
    }
  }
}

/** Null for what is no database of OVN: other servers of ovsdb may keep theirs beside it. */
function read(path: string): DatabaseFile | null {
  try {
    return readDatabaseFile(path);
  } catch (error) {
    if (error instanceof ColdkeepError && error.kind === "refused") return null;
    throw error;
  }
}

function undecided({ database, sid, address }: DatabaseFile): ColdkeepError {
  return new ColdkeepError("refused", {
    what: `${database.file} is a member of a raft cluster`,
    on: `${sid?.slice(0, 8)}, ${address}`,
    why: "a member that comes back with an older log can make the others lose what they agreed on",
    todo: "--raft standalone begins a new cluster with it, when all others are gone or stopped and their files moved away; --raft member puts it back as this very member, which must be down and not kicked, and whose file must not have been newer",
  });
}

function assertOwn({ database, address }: DatabaseFile, isOwn: (address: string) => boolean): void {
  const [, bracketed, plain] = /^\w+:(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(address ?? "") ?? [];
  const host = bracketed ?? plain ?? "";
  if (isOwn(host)) return;
  throw new ColdkeepError("refused", {
    what: `${database.file} is the member of another host`,
    on: address ?? "no address",
    why: "two servers with one server id tear a cluster apart",
    todo: "restore it on that host, or with --raft standalone; a lost member of a living cluster is best taken out with `coldkeep ovn kick`, and joins anew",
  });
}

/** Only what could be converted whole takes the file's place, with its owner and mode. */
async function convert(path: string, signal: AbortSignal): Promise<void> {
  const made = `${path}.standalone`;
  rmSync(made, { force: true });
  for (const words of [
    ["check-cluster", path],
    ["cluster-to-standalone", made, path],
  ]) {
    const result = await runCommand(["ovsdb-tool", ...words], { timeoutMs: LIMIT_MS, signal });
    signal.throwIfAborted();
    if (result.status === 0) continue;
    rmSync(made, { force: true });
    const absent = result.ending.includes("ENOENT");
    throw new ColdkeepError(absent ? "config" : "integrity", {
      what: absent ? "ovsdb-tool is not installed" : "a raft member's file could not be converted",
      on: path.slice(path.lastIndexOf("/") + 1),
      why: describeFailure(result),
      todo: absent ? "install it, or restore with --to and convert the files where it is" : "restore another snapshot",
    });
  }
  const { uid, gid, mode } = statSync(path);
  chmodSync(made, mode & 0o777);
  if (process.geteuid?.() === 0) chownSync(made, uid, gid);
  renameSync(made, path);
}
