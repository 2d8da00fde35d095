import {
  closeSync,
  createWriteStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { fsyncFolder } from "../../posix/durable.ts";
import { ColdkeepError, messageOf, VERSION } from "../../vault/names/index.ts";
import { uploadStream } from "../../vault/store/index.ts";
import { listTree, readTree, type Tree } from "../browse/index.ts";
import {
  iconArchiveLine,
  iconArchiveName,
  isInIconArchive,
  notIcon,
  type TarItem,
  tarBytes,
  withBackupLine,
} from "../exchange/index.ts";
import { profileOf } from "../profiles/index.ts";
import { formatBytes } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { openBrowsing } from "./browsing.ts";
import type { Call } from "./define.ts";
import type { ExportFlags } from "./export.command.ts";
import { openPlace } from "./opened.ts";

/** Stands for an address in what is of no host, as ICON's guide has it. */
const NOBODYS = "CHANGEIP";
const MAX_LIST = 1 << 20;
/** Somebody else's changes of the list that are given way to. */
const TRIES = 10;

/** Writes a snapshot as the guide's archive, as it comes out of the vault: into a file, or below a bucket's prefix. */
export async function exportIcon(call: Call<ExportFlags>, id: string | undefined): Promise<Answer> {
  const { flags, io, progress } = call;
  const { open } = await openBrowsing(call);
  const tree = await open(id);
  const { core } = tree.opened.card;
  const name = iconArchiveName(core.heights?.[""] ?? null, core.captured);
  const items = await archiveItems(tree);
  progress.stage("write", core.bytes.total);
  const counted = async function* () {
    for await (const item of items) {
      if ("bytes" in item) progress.advance(item.bytes.length);
      yield item;
    }
  };
  // Level 1 costs a third of the time, and databases are compressed already.
  const bytes = Readable.from(tarBytes(counted())).compose(createGzip({ level: 1 })) as AsyncIterable<Uint8Array>;
  const note = "NOT ENCRYPTED. It unpacks into the folder of .score_data and .storage, as ICON's guide has it.";
  if (flags.to === undefined) {
    const file = await writeFile(resolve(flags.output ?? "."), name, bytes, io.signal);
    return {
      document: { snapshot: core.snapshot, format: "icon", output: file },
      text: `${core.snapshot} is ${file}\n\n${note}`,
    };
  }
  const line = iconArchiveLine(name);
  const at = `${flags.to}/${line}`;
  const options = { version: VERSION, now: () => io.clock.now(), clock: io.clock, signal: io.signal };
  const size = await uploadStream(flags.to, line, bytes, options);
  if (size === null) throw thereAlready(at);
  if (flags.publish === true) await publish(flags.to, line, call);
  const listed = flags.publish === true ? `, the first of ${flags.to}/backup_list` : "";
  return {
    document: { snapshot: core.snapshot, format: "icon", output: at, bytes: size, published: flags.publish === true },
    text: `${core.snapshot} is ${at}, ${formatBytes(size)}${listed}\n\n${note}`,
  };
}

/** What of a snapshot belongs in the archive, under the names that the guide has for it. */
async function archiveItems(tree: Tree): Promise<AsyncIterable<TarItem>> {
  const { roots } = tree.opened.manifest;
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    throw new ColdkeepError("refused", {
      what: "an archive of a P-Rep holds one root",
      why: `the snapshot has ${roots.length}`,
    });
  }
  const below = `${root.name}/`;
  const renames = (await guideNames(tree, root.name)).map(({ from, to }) => ({ from: bytesOf(from), to: bytesOf(to) }));
  const wants = (path: Uint8Array) => {
    const text = textOf(path);
    return text.startsWith(below) && isInIconArchive(text.slice(below.length));
  };
  const named = (path: Uint8Array) => {
    const own = path.subarray(below.length);
    const rename = renames.find(({ from }) => startsWith(own, from));
    return rename === undefined ? own : Buffer.concat([rename.to, own.subarray(rename.from.length)]);
  };
  async function* all(): AsyncGenerator<TarItem> {
    for await (const walked of readTree(tree, wants)) {
      if ("bytes" in walked) {
        yield walked;
        continue;
      }
      const { path, type, target, mtime, ...rest } = walked.entry;
      const to = target === undefined ? {} : { target: type === "hardlink" ? named(target) : target };
      yield { entry: { ...rest, ...to, path: named(path), type, mtime: mtime.seconds } };
    }
  }
  return all();
}

/** The profile's own renames, asked about a host that has nobody's address and the snapshot's folders; paths below the root. */
async function guideNames(
  tree: Tree,
  root: string,
): Promise<readonly { readonly from: string; readonly to: string }[]> {
  const names: string[] = [];
  const storage = bytesOf(`${root}/.storage`);
  try {
    for await (const entries of listTree(tree, { path: storage, deep: false })) {
      for (const { path, type } of entries)
        names.push(`${textOf(path.subarray(storage.length + 1))}${type === "directory" ? "/" : ""}`);
    }
  } catch (error) {
    throw notIcon(tree.opened.manifest.snapshot, messageOf(error));
  }
  const look = { list: (folder: string) => (folder === `/${root}/.storage` ? names : null), read: () => null };
  const all = profileOf("icon").renames?.(look, [{ name: root, path: `/${root}` }], { ownIp: () => NOBODYS }) ?? [];
  const own = (path: string) => path.slice(root.length + 2);
  return all.map(({ from, to }) => ({ from: own(from), to: own(to) }));
}

/** The file appears when it is whole; in a folder it gets the guide's name. */
async function writeFile(
  out: string,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const file = existsSync(out) && statSync(out).isDirectory() ? join(out, name) : out;
  if (existsSync(file)) throw thereAlready(file);
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.from(bytes), createWriteStream(partial, { mode: 0o600 }), { signal });
    const fd = openSync(partial, "r+");
    fsyncSync(fd);
    closeSync(fd);
    renameSync(partial, file);
    fsyncFolder(dirname(file));
    return file;
  } finally {
    rmSync(partial, { force: true });
  }
}

/** The archive becomes the first line of `backup_list`, which the guide's restore script reads. */
async function publish(to: string, line: string, call: Call<ExportFlags>): Promise<void> {
  const store = await openPlace({ url: to }, call, {});
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const found = await store.get("backup_list", { maxBytes: MAX_LIST });
    const list = withBackupLine(found === null ? "" : Buffer.from(found.bytes).toString("latin1"), line);
    const { replaced } = await store.replace("backup_list", Buffer.from(list, "latin1"), found?.info.etag ?? null);
    if (replaced) return;
  }
  throw new ColdkeepError("vault", {
    what: "backup_list changes all the time",
    on: `${to}/backup_list`,
    why: `somebody else was faster ${TRIES} times`,
    todo: `the archive is there: put ${line} before its first line`,
  });
}

function thereAlready(on: string): ColdkeepError {
  return new ColdkeepError("refused", { what: "the archive is there already", on, todo: "name another place" });
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** Whether a path is that of a folder, or below it. */
function startsWith(path: Uint8Array, folder: Uint8Array): boolean {
  const text = textOf(path);
  const start = textOf(folder);
  return text === start || text.startsWith(`${start}/`);
}
