import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { arch, cpus, freemem, release, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { writeNewFile } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, messageOf, names, VERSION } from "../../vault/names/index.ts";
import { type Config, DEFAULT_CONFIG, readConfigText, readLooseYaml } from "../config/index.ts";
import { type TarItem, tarBytes } from "../exchange/index.ts";
import { makeScrub, scrubDocument } from "../report/index.ts";
import { nodeFolder, openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { run as doctor } from "./doctor.ts";
import { openOneVault } from "./opened.ts";
import { readConfig } from "./session.ts";
import { run as status } from "./status.ts";
import type { SupportFlags } from "./support-bundle.command.ts";
import { redactConfig } from "./support-config.ts";

const MAX_LOG = 1 << 20;
const MAX_REPORT = 64 << 10;
const JOBS = ["retention", "verifier", "indexer"];

/** `coldkeep support-bundle`. */
export async function run(call: Call<SupportFlags>): Promise<Answer> {
  const { flags, io } = call;
  if (flags.to === undefined) throw new ColdkeepError("usage", { what: "where to?", todo: "name a file: --to FILE" });
  const to = resolve(flags.to);
  const raw = rawConfig(flags.config ?? DEFAULT_CONFIG);
  const { document, known } = redactConfig(raw);
  const scrub = makeScrub(known);
  const config = await settle(async () => readConfig(call));
  const parts: Record<string, unknown> = {
    "system.json": systemOf(io.clock.now()),
    "config.json": raw === undefined ? { unread: "no YAML that can be read" } : document,
  };
  // What is wrong with a file that cannot be read is told in its own words: these stay here.
  if (raw !== undefined) {
    for (const node of "value" in config ? config.value.nodes : [null]) {
      const own = node === null ? flags : { ...flags, node: node.name };
      const found = await settle(async () => (await doctor({ ...call, flags: { ...own } })).document);
      parts[node === null ? "doctor.json" : `doctor-${scrub(node.name).match(/\w+/g)?.join("-")}.json`] = found;
    }
    parts["status.json"] = await settle(async () => (await status({ ...call, flags: { ...flags } })).document);
  }
  if ("value" in config) {
    parts["state.json"] = config.value.nodes.map(({ name }) => ({ node: name, ...stateOf(config.value, name) }));
    parts["vaults.json"] = await reportsOf(config.value, call);
  }
  const files = Object.entries(parts).map(
    ([name, part]) => [name, `${JSON.stringify(scrubDocument(part, scrub), null, 2)}\n`] as const,
  );
  const log = flags.logDir === undefined ? null : newestLogs(flags.logDir);
  const all = log === null ? files : [...files, ["log.txt", scrub(log)] as const];
  await write(to, all, io.clock.now());
  return {
    document: { to, files: all.map(([name]) => name) },
    text: `${to} holds ${all.map(([name]) => name).join(", ")}. Nothing was sent: look through it first (tar -xzOf ${to} | less).`,
  };
}

/** The configuration as YAML has it; undefined where it is none. @throws ColdkeepError where there is none to read. */
function rawConfig(path: string): unknown {
  return readLooseYaml(readConfigText(path));
}

type Settled<T> = { readonly value: T } | { readonly error: string };

/** What fails is as telling as what does not. */
async function settle<T>(look: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await look() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function systemOf(now: number): object {
  return {
    coldkeep: VERSION,
    node: process.versions.node,
    platform: process.platform,
    arch: arch(),
    kernel: release(),
    processors: cpus().length,
    memory: { total: totalmem(), free: freemem() },
    root: process.getuid?.() === 0,
    terminal: process.stderr.isTTY === true,
    time: new Date(now).toISOString(),
  };
}

/** What lies in a node's state, by names, sizes and times alone, and what the last runs cost. */
function stateOf({ stateDir }: Config, node: Config["nodes"][number]["name"]): object {
  const folder = nodeFolder(stateDir, node);
  try {
    const files = readdirSync(folder).map((name) => {
      const { size, mode, mtimeMs } = lstatSync(join(folder, name));
      return { name, size, mode: (mode & 0o7777).toString(8), changed: new Date(mtimeMs).toISOString() };
    });
    const journals = files.filter(({ name }) => name.endsWith(".journal")).map(({ name }) => name);
    const state = openNodeState(stateDir, node);
    return { files, journals, runs: state.runs.list().length, outages: state.outages.list() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** What the keeper's jobs last said in each vault. */
async function reportsOf({ vaults, nodes }: Config, call: Call): Promise<object[]> {
  const found: object[] = [];
  for (const vault of vaults) {
    const reports = await settle(async () => {
      const store = await openOneVault(vault, call, "read");
      const told: object[] = [];
      for (const { name } of nodes) {
        for (const job of JOBS) {
          const read = await store.get(names.report(name, job), { maxBytes: MAX_REPORT });
          if (read !== null)
            told.push({ node: name, job, report: JSON.parse(Buffer.from(read.bytes).toString("utf8")) });
        }
      }
      return told;
    });
    found.push({ vault: vault.name, kind: vault.url.replace(/:.*/s, ""), reports });
  }
  return found;
}

/** The ends of the newest logs: this run adds to the last one itself. */
function newestLogs(folder: string): string | null {
  const newest = readdirSync(folder)
    .filter((name) => /^coldkeep-\d{8}\.log$/.test(name))
    .sort()
    .slice(-3);
  return newest.length === 0 ? null : newest.map((name) => endOf(join(folder, name))).join("");
}

function endOf(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const from = Math.max(0, fstatSync(fd).size - MAX_LOG);
    const buffer = Buffer.alloc(MAX_LOG);
    const text = buffer.toString("utf8", 0, readSync(fd, buffer, 0, MAX_LOG, from));
    // A token of which the beginning is cut off would not be known for one.
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    closeSync(fd);
  }
}

async function write(
  to: string,
  files: readonly (readonly [name: string, text: string])[],
  now: number,
): Promise<void> {
  async function* items(): AsyncGenerator<TarItem> {
    const mtime = Math.floor(now / 1000);
    for (const [name, text] of files) {
      const bytes = Buffer.from(text);
      const path = Buffer.from(`coldkeep-support/${name}`);
      yield { entry: { path, type: "file", mode: 0o600, uid: 0, gid: 0, mtime, size: bytes.length } };
      if (bytes.length > 0) yield { bytes };
    }
  }
  const parts: Uint8Array[] = [];
  for await (const part of tarBytes(items())) parts.push(part);
  try {
    writeNewFile(to, gzipSync(Buffer.concat(parts)), 0o600);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write the bundle", on: to, otherwise: "refused" });
  }
}
