import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { readDatabaseFile } from "./database-file.ts";
import { DATABASES } from "./databases.ts";
import { must, quoted } from "./shell.ts";
import { askServer, type Serving } from "./standing.ts";
import type { Cluster, Database, Member } from "./types.ts";

/** Raft indexes by "nb" and "sb". */
type Heights = Readonly<Record<string, number>>;

/** A database of some hundred MB takes seconds. */
const BACKUP_S = 600;

/**
 * Both databases as their servers tell them, in a folder that is not there yet; the servers stay up. Each is one moment
 * of its own, the two are not of the same one: ovn-northd makes southbound from northbound, and makes up the rest.
 * @returns the raft index of each by "nb" and "sb"; null where they are standalone. What is in the files is not older.
 * @throws ColdkeepError `node-down` where no server with a leader answers; `integrity` where what came is not whole.
 */
export async function captureOnline(cluster: Cluster, to: string, signal: AbortSignal): Promise<Heights | null> {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const heights: Record<string, number> = {};
  for (const database of DATABASES) {
    const { member, serving } = await speakerOf(cluster, database, signal);
    const output = join(to, database.file);
    const socket = quoted(`unix:${member.run}/${database.stem}.sock`);
    const script = `ovsdb-client --timeout=${BACKUP_S} --no-leader-only backup ${socket} ${database.schema}`;
    const options = { signal, output, timeoutMs: (BACKUP_S + 10) * 1000 };
    await must(member, script, `${database.schema} could not be read from its server`, options);
    const found = readDatabaseFile(output);
    if (found.database !== database || found.clustered || found.records < 2) {
      throw new ColdkeepError("integrity", {
        what: `${database.schema} did not come whole`,
        on: member.name,
        why: `${found.records} records of ${found.database.schema}`,
        todo: "run it again",
      });
    }
    await likeTheFile(member, database, output, signal);
    if (serving.index !== null) heights[database.key] = serving.index;
  }
  return Object.keys(heights).length === 0 ? null : heights;
}

/** The raft index of each database, by "nb" and "sb", the highest that a member tells; null where none tells any. */
export async function positions(cluster: Cluster, signal: AbortSignal): Promise<Heights | null> {
  const heights: Record<string, number> = {};
  for (const database of DATABASES) {
    for (const member of cluster.members) {
      const index = (await askServer(member, database, signal))?.index ?? null;
      if (index !== null) heights[database.key] = Math.max(heights[database.key] ?? 0, index);
    }
  }
  return Object.keys(heights).length === 0 ? null : heights;
}

/** The leader where there is one, else the member that is furthest of those that are connected to one. */
async function speakerOf(
  { members, label }: Cluster,
  database: Database,
  signal: AbortSignal,
): Promise<{ readonly member: Member; readonly serving: Serving }> {
  const seen: string[] = [];
  const able: { readonly member: Member; readonly serving: Serving }[] = [];
  for (const member of members) {
    const serving = await askServer(member, database, signal);
    const isWell = serving?.connected === true && serving.leader !== "unknown";
    if (serving !== null && isWell) able.push({ member, serving });
    else seen.push(`${member.name}: ${serving === null ? "no server answers" : serving.status}`);
  }
  able.sort((a, b) => rank(b.serving) - rank(a.serving));
  const [best] = able;
  if (best !== undefined) return best;
  throw new ColdkeepError("node-down", {
    what: `no server of ${database.schema} can be asked`,
    on: label,
    why: seen.join("; "),
    todo: "see `coldkeep ovn status`; a cold backup takes what is in the files",
  });
}

function rank({ role, index }: Serving): number {
  return role === "leader" || role === "standalone" ? Number.MAX_SAFE_INTEGER : (index ?? 0);
}

/** Owner and mode are those of the server's own file, where this user may give files away. */
async function likeTheFile(member: Member, { file }: Database, path: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await member.sh(`stat -c '%u %g %a' ${quoted(`${member.data}/${file}`)}`, { signal });
  const [uid, gid, mode] = stdout.trim().split(" ");
  if (!/^[0-7]{3,4}$/.test(mode ?? "")) return;
  chmodSync(path, Number.parseInt(mode ?? "600", 8) & 0o777);
  if (process.geteuid?.() === 0) chownSync(path, Number(uid), Number(gid));
}
