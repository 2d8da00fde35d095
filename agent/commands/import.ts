import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { listSnapshots } from "../../keeper/index.ts";
import { ColdkeepError, isColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { listRocksdbBackups, type RocksdbBackup, stageRocksdbBackup } from "../exchange/index.ts";
import { counted } from "../report/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { backUp } from "./backup.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import type { ImportFlags } from "./import.command.ts";
import { openVault } from "./opened.ts";
import { recover } from "./recover.ts";
import { openSession, type Session, scopeOf } from "./session.ts";

/** `coldkeep import rocksdb-backup <folder>`. */
export async function run(call: Call<ImportFlags>, _kind: string, path: string): Promise<Answer> {
  const session = openSession(call);
  const { config, node } = session;
  assertRocksdb(node);
  const dir = resolve(path);
  const backups = listRocksdbBackups(dir, call.flags.only);
  const there = await tagsOf(session, call);
  const state = openNodeState(config.stateDir, node.name);
  {
    // What follows takes the node for one that nobody stops, and could not undo what a killed backup left behind.
    using _lock = state.lock(`coldkeep import --node ${node.name}`);
    await recover(session, controlOf(node), call);
  }

  const imported: { id: number; snapshot: string | null }[] = [];
  for (const backup of backups) {
    const tags = tagsFor(backup);
    if (tags.every((tag) => there.has(tag))) {
      imported.push({ id: backup.id, snapshot: null });
      continue;
    }
    const work = makeWorkFolder(dir, state.folder);
    try {
      call.progress.stage(`check backup ${backup.id}`);
      const roots = rootsIn(node, work);
      stageRocksdbBackup(dir, backup, roots);
      const done = await backUp({ config, node: stagedNode(node, roots, tags) }, { ...call, flags: { ...call.flags } });
      if (done.failure !== undefined) throw done.failure;
      imported.push({ id: backup.id, snapshot: (done.document as { snapshot: string }).snapshot });
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { document: { node: node.name, imported }, text: textOf(imported) };
}

function assertRocksdb({ name, profile }: NodeSettings): void {
  if (profile === "rocksdb") return;
  throw new ColdkeepError("refused", {
    what: "this node is no RocksDB",
    on: name,
    why: `its profile is ${profile}`,
    todo: "name another with --node, or add one of profile rocksdb to the configuration",
  });
}

/** All tags of the node's snapshots, pair by pair as `tagsFor` makes them. */
async function tagsOf({ config, node }: Session, call: Call): Promise<ReadonlySet<string>> {
  const store = await openVault(config, call, "read");
  const all = new Set<string>();
  try {
    for await (const { tags } of listSnapshots({ store, ...scopeOf(config, node.name) }))
      for (const tag of tags) all.add(tag);
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) throw error;
  }
  return all;
}

/** Of another backup the second tag is another, even where ids are given out anew. */
function tagsFor({ id, timestamp }: RocksdbBackup): string[] {
  const taken = new Date(timestamp * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
  return [`rocksdb-backup:${id}`, `taken:${taken}:${id}`];
}

/** Beside the backups, where files can be linked rather than copied; where nothing may be written there, in the state. */
function makeWorkFolder(dir: string, stateFolder: string): string {
  try {
    return mkdtempSync(join(dirname(dir), ".coldkeep-import-"));
  } catch (error) {
    if (!["EACCES", "EROFS", "EPERM"].includes(systemCode(error) ?? "")) throw error;
    return mkdtempSync(join(stateFolder, ".coldkeep-import-"));
  }
}

/** The node's first root holds the database; one that is called wal, its WAL. */
function rootsIn({ roots }: NodeSettings, work: string): { readonly data: string; readonly wal: string } {
  const data = join(work, roots.find(({ name }) => name !== "wal")?.name ?? "data");
  return { data, wal: roots.some(({ name }) => name === "wal") ? join(work, "wal") : data };
}

/** The node as its backup has it: other folders, and nobody to stop or to ask. */
function stagedNode(
  node: NodeSettings,
  { data, wal }: { data: string; wal: string },
  tags: readonly string[],
): NodeSettings {
  const { health: _health, height: _height, freezeDir: _freezeDir, ...rest } = node;
  const named = (path: string) => ({ name: path.slice(path.lastIndexOf("/") + 1), path });
  return {
    ...rest,
    roots: data === wal ? [named(data)] : [named(data), named(wal)],
    service: { manager: "none" },
    tags: [...node.tags, ...tags],
  };
}

function textOf(imported: readonly { readonly id: number; readonly snapshot: string | null }[]): string {
  const lines = imported.map(({ id, snapshot }) => `backup ${id}  ${snapshot ?? "was imported before"}`);
  const count = imported.filter(({ snapshot }) => snapshot !== null).length;
  return `${lines.join("\n")}\n\n${counted(count, "backup")} imported`;
}
