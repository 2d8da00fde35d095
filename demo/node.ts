/**
 * The demo's node: a small blockchain of one. It commits blocks to LevelDB, holds the database's lock as a real node
 * does, and tells its height over HTTP on 127.0.0.1. SIGTERM stops it cleanly.
 *
 *     node demo/node.ts <home> [--until <height>] [--every <ms>] [--while <pid>]
 *
 * `<home>/data` is its database; `<home>/run/port` the port it answers on, kept over restarts. It first commits blocks
 * as fast as it can until `--until`, then five every `--every` milliseconds (20). With `--while` it stops by itself
 * once that process is gone: a tour that was killed leaves no node behind.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ClassicLevel } from "classic-level";
import { type Block, blockKey, encodeBlock, GENESIS, nextBlock } from "./blocks.ts";

type Tip = Pick<Block, "height" | "hash">;
type Database = ClassicLevel<string, Buffer>;

const BULK_BLOCKS = 500;
const STEADY_BLOCKS = 5;

const { home, until, every, guardian } = readArguments();
mkdirSync(join(home, "run"), { recursive: true });
const database: Database = new ClassicLevel(join(home, "data"), { keyEncoding: "utf8", valueEncoding: "buffer" });
await database.open();
let tip = await readTip(database);
let stopping = false;

const server = createServer((request, response) => {
  answer(request.url ?? "/", response).catch((error: unknown) => response.writeHead(500).end(`${String(error)}\n`));
});
await listen(portBefore());
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    stopping = true;
  });
}

while (!stopping && (guardian === undefined || isAlive(guardian))) {
  const bulk = tip.height < until;
  tip = await commit(tip, bulk ? Math.min(BULK_BLOCKS, until - tip.height) : STEADY_BLOCKS);
  await pause(bulk ? 0 : every);
}
server.closeAllConnections();
server.close();
await database.close();

function readArguments(): { home: string; until: number; every: number; guardian: number | undefined } {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      until: { type: "string", default: "0" },
      every: { type: "string", default: "20" },
      while: { type: "string" },
    },
  });
  const [folder] = positionals;
  if (folder === undefined)
    throw new Error("usage: node demo/node.ts <home> [--until <height>] [--every <ms>] [--while <pid>]");
  const guardian = values.while === undefined ? undefined : Number(values.while);
  return { home: folder, until: Number(values.until), every: Number(values.every), guardian };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Where the chain stands; a new database stands at height 0. */
async function readTip(from: Database): Promise<Tip> {
  for await (const [key, value] of from.iterator({ gte: "block/", lt: "block0", reverse: true, limit: 1 })) {
    return { height: Number(key.slice("block/".length)), hash: value.subarray(0, 32) };
  }
  return { height: 0, hash: GENESIS };
}

/** Commits `count` blocks in one batch, on disk before anyone is told of them. */
async function commit(from: Tip, count: number): Promise<Tip> {
  const batch = database.batch();
  let last = from;
  for (let index = 0; index < count; index++) {
    const block = nextBlock(last);
    batch.put(blockKey(block.height), encodeBlock(block));
    last = block;
  }
  batch.put("tip", Buffer.from(String(last.height)));
  await batch.write({ sync: true });
  return { height: last.height, hash: last.hash };
}

/** `/height` → `{"height":12}`; `/block/12` → the block's hash and size, from the database. */
async function answer(url: string, response: ServerResponse): Promise<void> {
  if (url === "/height") return sendJson(response, 200, { height: tip.height });
  const wanted = /^\/block\/(\d{1,12})$/.exec(url)?.[1];
  const value = wanted === undefined ? undefined : await database.get(blockKey(Number(wanted)));
  if (value === undefined) return sendJson(response, 404, { error: "no such block" });
  sendJson(response, 200, { height: Number(wanted), hash: value.toString("hex", 0, 32), size: value.length - 32 });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}

function portFile(): string {
  return join(home, "run", "port");
}

function portBefore(): number {
  try {
    return Number(readFileSync(portFile(), "utf8"));
  } catch {
    return 0;
  }
}

/** Listens on `port`, so that the node is found where it was before, and writes down which one it got. */
async function listen(port: number): Promise<void> {
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", done);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  writeFileSync(`${portFile()}.new`, String(address.port));
  renameSync(`${portFile()}.new`, portFile());
}

/** Waits, and lets requests and signals in; 0 still gives them their turn. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => (milliseconds === 0 ? setImmediate(done) : setTimeout(done, milliseconds)));
}
