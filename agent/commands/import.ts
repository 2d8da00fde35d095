import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { indexSnapshots, listSnapshots } from "../../keeper/index.ts";
import { makerMark, removeDurably, sweepLeft } from "../../posix/index.ts";
import { ColdkeepError, isColdkeepError, systemCode } from "../../vault/names/index.ts";
import { unconfirmedRuns } from "../backup/index.ts";
import type { NodeSettings } from "../config/index.ts";
import {
  listRocksdbBackups,
  parseIconArchiveName,
  type RocksdbBackup,
  readIconArchive,
  stageRocksdbBackup,
} from "../exchange/index.ts";
import { readDatabaseFile } from "../ovn/index.ts";
import { counted } from "../report/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { backUp } from "./backup.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import type { ImportFlags, ImportKind } from "./import.command.ts";
import { rocksdbMetaTag } from "./meta.ts";
import { openPlace, openVault } from "./opened.ts";
import { recover } from "./recover.ts";
import { openSession, pickVault, type Session, scopeOf } from "./session.ts";

/** One backup of another tool's, as it can become a snapshot. */
interface Foreign {
  /** What it is called there. */
  readonly id: string;
  /** Together they name it: with all of them it was imported before. */
  readonly tags: readonly string[];
  readonly height?: number;
  /** Of the application, as a tag; no part of what tells it apart. */
  readonly meta?: string;
  /** Lays it out in folders that do not exist yet. */
  stage(roots: Staged): Promise<void>;
}

interface Staged {
  readonly data: string;
  readonly wal: string;
}

/** `coldkeep import rocksdb-backup <folder>`, `coldkeep import icon <archive>` and `coldkeep import ovn <file>`. */
export async function run(call: Call<ImportFlags>, kind: ImportKind, given: string): Promise<Answer> {
  const session = openSession(call);
  const { config, node } = session;
  const path = given.startsWith("s3://") ? given : resolve(given);
  assertProfile(node, kind === "rocksdb-backup" ? "rocksdb" : kind);
  const backups =
    kind === "icon"
      ? [await iconArchive(path, call)]
      : kind === "ovn"
        ? [ovnDatabase(path)]
        : rocksdbBackups(path, call);
  const state = openNodeState(config.stateDir, node.name);
  {
    // What follows takes the node for one that nobody stops, and could not undo what a killed backup left behind.
    using _lock = state.lock(`coldkeep import --node ${node.name}`);
    await recover(session, controlOf(node), call);
  }
  for (const folder of workFoldersOf(path, state.folder)) sweepLeft(folder, LABEL);
  await listEarlier(session, call);
  const there = await tagsOf(session, call);

  const imported: { id: string; snapshot: string | null }[] = [];
  for (const backup of backups) {
    if (backup.tags.every((tag) => there.has(tag))) {
      imported.push({ id: backup.id, snapshot: null });
      continue;
    }
    const work = makeWorkFolder(path, state.folder);
    try {
      call.progress.stage(`check ${backup.id}`);
      const roots = rootsIn(node, work);
      await backup.stage(roots);
      const done = await backUp(
        { config, node: stagedNode(node, roots, backup) },
        // No node is stopped, so nothing that keeps one from being stopped is in the way.
        { ...call, flags: { ...call.flags, anyway: true } },
      );
      if (done.failure !== undefined) throw done.failure;
      imported.push({ id: backup.id, snapshot: (done.document as { snapshot: string }).snapshot });
    } finally {
      removeDurably(work);
    }
  }
  return { document: { node: node.name, imported }, text: textOf(imported) };
}

function assertProfile({ name, profile }: NodeSettings, wanted: string): void {
  if (profile === wanted) return;
  throw new ColdkeepError("refused", {
    what: "this node is of another system",
    on: name,
    why: `its profile is ${profile}, not ${wanted}`,
    todo: `name another with --node, or add one of profile ${wanted} to the configuration`,
  });
}

function rocksdbBackups(dir: string, { flags, progress }: Call<ImportFlags>): Foreign[] {
  return listRocksdbBackups(dir, flags.only).map((backup) => {
    const meta = backup.metadata === null ? null : rocksdbMetaTag(backup.metadata);
    if (backup.metadata !== null && meta === null)
      progress.warn(
        `the metadata of backup ${backup.id} is too long for a snapshot and is left out: ${backup.metadata.length} bytes`,
      );
    return {
      id: String(backup.id),
      tags: tagsFor(backup),
      ...(meta === null ? {} : { meta }),
      stage: async (roots) => stageRocksdbBackup(dir, backup, roots),
    };
  });
}

async function iconArchive(file: string, call: Call): Promise<Foreign> {
  const { io, progress } = call;
  const name = basename(file);
  const named = parseIconArchiveName(name);
  const bytes = await archiveBytes(file, call);
  if (named === null) progress.warn("the archive has not the guide's name: its height is not known");
  const tag = (named?.taken ?? name).replace(/[^A-Za-z0-9._:-]/g, "_").slice(0, 40);
  return {
    id: name,
    tags: ["icon-archive", `taken:${tag}:${named?.height ?? 0}`],
    ...(named === null ? {} : { height: named.height }),
    stage: ({ data }) => readIconArchive(name, bytes(), data, io.signal),
  };
}

/** Bytes fetched from a bucket at once; while one such piece is unpacked, the next one is on its way. */
const PIECE = 8 << 20;
/** What an archive may be called in a bucket. */
const OBJECT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;

/** The bytes of an archive, as often as they are asked for. @throws ColdkeepError `not-found`. */
async function archiveBytes(file: string, call: Call): Promise<() => AsyncIterable<Uint8Array>> {
  const absent = () => new ColdkeepError("not-found", { what: "there is no such archive", on: file });
  if (!file.startsWith("s3://")) {
    if (!existsSync(file)) throw absent();
    return () => createReadStream(file, { highWaterMark: PIECE });
  }
  const slash = file.lastIndexOf("/");
  const name = file.slice(slash + 1);
  if (!OBJECT.test(name) || slash < "s3://x".length) {
    throw new ColdkeepError("usage", {
      what: "this names no archive in a bucket",
      on: file,
      todo: "s3://bucket/…/PRep_….tar.gz",
    });
  }
  const store = await openPlace({ url: file.slice(0, slash) }, call, { readonly: true });
  const found = await store.head(name);
  if (found === null) throw absent();
  const { size } = found;
  const fetchAt = (at: number) => {
    const piece = at < size ? store.getRange(name, at, Math.min(PIECE, size - at)) : Promise.resolve(null);
    // Told where it is waited for; until then it is no failure that nobody handles.
    piece.catch(() => {});
    return piece;
  };
  return async function* () {
    let next = fetchAt(0);
    for (let at = 0; at < size; at += PIECE) {
      const bytes = await next;
      if (bytes === null) throw absent();
      next = fetchAt(at + PIECE);
      yield bytes;
    }
  };
}

/** One database of OVN, of one server or a raft member; the same bytes are imported once. */
function ovnDatabase(file: string): Foreign {
  const { database } = readDatabaseFile(file);
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 40);
  return {
    id: basename(file),
    tags: [`ovn-${database.key}`, `sha256:${digest}`],
    async stage({ data }) {
      mkdirSync(data, { recursive: true, mode: 0o700 });
      copyFileSync(file, join(data, database.file));
      chmodSync(join(data, database.file), 0o600);
    },
  };
}

/** What an import that was killed has committed and not listed: it would be imported again. */
async function listEarlier({ config, node }: Session, call: Call): Promise<void> {
  const ids = unconfirmedRuns({ stateDir: config.stateDir, node: node.name });
  if (ids.length === 0) return;
  const settings = pickVault(config, call.flags.vault);
  if (settings.putOnly === true) return;
  await indexSnapshots({ store: await openVault(config, call, "write"), ...scopeOf(config, node.name), ids });
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

const LABEL = ".coldkeep-import-";

/** Beside the backups, where files can be linked rather than copied; where nothing may be written there, in the state. */
function workFoldersOf(path: string, stateFolder: string): string[] {
  return path.startsWith("s3://") ? [stateFolder] : [dirname(path), stateFolder];
}

function makeWorkFolder(path: string, stateFolder: string): string {
  const [first = stateFolder, ...others] = workFoldersOf(path, stateFolder);
  try {
    return mkdtempSync(join(first, `${LABEL}${makerMark()}-`));
  } catch (error) {
    const [second] = others;
    if (second === undefined || !["EACCES", "EROFS", "EPERM"].includes(systemCode(error) ?? "")) throw error;
    return mkdtempSync(join(second, `${LABEL}${makerMark()}-`));
  }
}

/** The node's first root holds the database; one that is called wal, its WAL. */
function rootsIn({ roots }: NodeSettings, work: string): { readonly data: string; readonly wal: string } {
  const data = join(work, roots.find(({ name }) => name !== "wal")?.name ?? "data");
  return { data, wal: roots.some(({ name }) => name === "wal") ? join(work, "wal") : data };
}

/** The node as its backup has it: other folders, and nobody to stop or to ask. */
function stagedNode(node: NodeSettings, { data, wal }: Staged, { tags, height, meta }: Foreign): NodeSettings {
  const { health: _health, height: _height, freezeDir: _freezeDir, ovn: _ovn, ...rest } = node;
  const named = (path: string) => ({ name: path.slice(path.lastIndexOf("/") + 1), path });
  return {
    ...rest,
    roots: data === wal ? [named(data)] : [named(data), named(wal)],
    service: { manager: "none" },
    stop: { windows: [], timezone: node.stop.timezone },
    tags: [...node.tags, ...tags, ...(meta === undefined ? [] : [meta])],
    // Nobody is there to ask: its name told it.
    ...(height === undefined ? {} : { height: { command: ["echo", String(height)] } }),
  };
}

function textOf(imported: readonly { readonly id: string; readonly snapshot: string | null }[]): string {
  const lines = imported.map(({ id, snapshot }) => `backup ${id}  ${snapshot ?? "was imported before"}`);
  const count = imported.filter(({ snapshot }) => snapshot !== null).length;
  return `${lines.join("\n")}\n\n${counted(count, "backup")} imported`;
}
