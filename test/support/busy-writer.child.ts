import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { ClassicLevel } from "classic-level";

/**
 * A node that writes as fast as it can, until SIGTERM: busy-writer <kind> <folder> <milliseconds>. Prints "wrote" once it
 * has written for so long.
 */
const [kind = "", folder = "", spell = "0"] = process.argv.slice(2);
let stopped = false;
process.once("SIGTERM", () => {
  stopped = true;
});
const until = performance.now() + Number(spell);
let round = Date.now() * 1000;

interface Writer {
  step(): unknown;
  close?(): unknown;
}

/** A LevelDB with small tables, so that it compacts and deletes them all the time. */
async function leveldb(at: string): Promise<Writer> {
  mkdirSync(at, { recursive: true });
  const db = new ClassicLevel<string, string>(at, { writeBufferSize: 256 << 10, maxFileSize: 256 << 10 });
  await db.open();
  return {
    async step() {
      const batch = Array.from({ length: 64 }, (_, i) => {
        const key = `key${((round + i) * 7919) % 5003}`;
        return { type: "put" as const, key, value: `${round} ${"x".repeat(400 + (i % 7) * 90)}` };
      });
      await db.batch(batch);
    },
    close: () => db.close(),
  };
}

/** Tables that come and go and never change, a log beside them, and CURRENT renamed, as RocksDB has them. */
function tables(at: string): Writer {
  mkdirSync(at, { recursive: true });
  const name = () => join(at, `${String(round % 1_000_000).padStart(6, "0")}.sst`);
  return {
    step() {
      appendFileSync(join(at, "000001.log"), Buffer.alloc(900, round & 255));
      appendFileSync(join(at, "MANIFEST-000002"), `${round}\n`);
      if (round % 10 !== 0) return;
      if (!existsSync(name())) writeFileSync(name(), Buffer.alloc(20_000, round & 255));
      const all = readdirSync(at).filter((each) => each.endsWith(".sst"));
      if (all.length > 40) rmSync(join(at, all[0] ?? ""));
      writeFileSync(join(at, "CURRENT.tmp"), `MANIFEST-000002 ${round}\n`);
      renameSync(join(at, "CURRENT.tmp"), join(at, "CURRENT"));
    },
  };
}

/** A file that grows, and is now and then replaced by a shorter one, as ovsdb compacts. */
function growing(at: string, name: string): Writer {
  mkdirSync(at, { recursive: true });
  return {
    step() {
      appendFileSync(join(at, name), `OVSDB JSON 20 ${round}\n{"n":${round},"pad":"${"y".repeat(round % 600)}"}\n`);
      if (round % 4000 !== 0) return;
      writeFileSync(join(at, `${name}.tmp`), `OVSDB JSON 20 ${round}\n{"compacted":${round}}\n`);
      renameSync(join(at, `${name}.tmp`), join(at, name));
    },
  };
}

/** What may be written anywhere: in place, longer, shorter, by another name. */
function anywhere(at: string): Writer {
  mkdirSync(at, { recursive: true });
  const paths = ["a", "b", "c"].map((name) => join(at, name));
  const open = () => paths.map((path) => openSync(path, existsSync(path) ? "r+" : "w+"));
  let fds = open();
  const bytes = Buffer.alloc(3000);
  return {
    step() {
      bytes.fill(round & 255);
      for (const [i, fd] of fds.entries()) writeSync(fd, bytes, 0, bytes.length, ((round * (i + 7)) % 400) * 1000);
      if (round % 500 === 0) ftruncateSync(fds[0] ?? 0, round % 90_000);
      if (round % 900 === 0) {
        for (const fd of fds) closeSync(fd);
        renameSync(paths[0] ?? "", join(at, "moved"));
        fds = open();
      }
      if (round % 100 === 0) writeFileSync(join(at, `${round}.done`), bytes);
      const done = round % 2000 === 0 ? readdirSync(at).filter((name) => name.endsWith(".done")) : [];
      for (const name of done.slice(0, -20)) rmSync(join(at, name));
    },
  };
}

interface Rolling {
  /** The file of a number; such names sort as their numbers do. */
  readonly name: (n: number) => string;
  readonly isOne: RegExp;
  /** Allocated ahead and written in place, so many bytes; else it is appended to. */
  readonly ahead?: number;
  /** Done to the live file before the node begins to write: what its kind of node does when it starts. */
  readonly atStart?: (path: string) => void;
  /** Done to the live file when the next one begins. */
  readonly finish?: (path: string) => void;
}

/** Files of which the newest is written and the others are finished, as block files, segments and logs are. */
function rolling(at: string, { name, isOne, ahead, atStart, finish }: Rolling): Writer {
  mkdirSync(at, { recursive: true });
  const all = () =>
    readdirSync(at)
      .filter((each) => isOne.test(each))
      .sort();
  let live = join(at, all().at(-1) ?? name(round));
  if (existsSync(live)) atStart?.(live);
  let count = 0;
  const bytes = Buffer.alloc(700);
  return {
    step() {
      bytes.fill(round & 255);
      if (ahead === undefined) appendFileSync(live, bytes);
      else {
        if (!existsSync(live)) writeFileSync(live, Buffer.alloc(ahead));
        const fd = openSync(live, "r+");
        writeSync(fd, bytes, 0, bytes.length, (count * bytes.length) % (ahead - bytes.length));
        closeSync(fd);
      }
      count += 1;
      if (count % 300 !== 0) return;
      finish?.(live);
      live = join(at, name(round));
      for (const old of all().slice(0, -20)) rmSync(join(at, old));
    },
  };
}

/** Cuts the end of a file off in place, as a start does that finds it torn, or takes back what was not committed. */
function cut(path: string): void {
  const fd = openSync(path, "r+");
  ftruncateSync(fd, Math.trunc(fstatSync(fd).size / 2));
  closeSync(fd);
}

const digits = (n: number) => String(n).padStart(20, "0");
const blocks = (at: string) => rolling(at, { name: (n) => `blockfile_${n}`, isOne: /^blockfile_\d+$/ });

/** A partition of Kafka: segments, the end of the newest cut off by a start, indexes written in place, and a checkpoint. */
function partition(at: string): Writer[] {
  const index = { name: (n: number) => `${digits(n)}.index`, isOne: /\.index$/, ahead: 8000, finish: cut };
  const checkpoint = () => {
    writeFileSync(join(at, "checkpoint.tmp"), `${round}\n`);
    renameSync(join(at, "checkpoint.tmp"), join(at, "leader-epoch-checkpoint"));
  };
  return [
    rolling(at, { name: (n) => `${digits(n)}.log`, isOne: /^\d+\.log$/, atStart: cut, finish: checkpoint }),
    rolling(at, index),
  ];
}

/**
 * Logs of ZooKeeper and its snapshots. A start takes back what was not committed: the newest log goes, the end of the one
 * before is cut off; and it writes the newest snapshot anew.
 */
function transactions(at: string): Writer[] {
  mkdirSync(at, { recursive: true });
  const [before, last] = readdirSync(at)
    .filter((name) => name.startsWith("log."))
    .sort()
    .slice(-2);
  if (before !== undefined) cut(join(at, before));
  if (last !== undefined) rmSync(join(at, last));
  const hex = (n: number) => n.toString(16);
  const newest = { name: (n: number) => `snapshot.${hex(n)}`, isOne: /^snapshot\./ };
  return [
    rolling(at, { name: (n) => `log.${hex(n)}`, isOne: /^log\./, ahead: 64 << 10 }),
    rolling(at, { ...newest, atStart: (path) => writeFileSync(path, Buffer.alloc(5000, round & 255)) }),
  ];
}

/** Block files of ChainMaker: a start cuts off the end of the live one, and moves the highest of the others there again. */
function chainBlocks(at: string): Writer {
  mkdirSync(at, { recursive: true });
  const moved = readdirSync(at)
    .filter((name) => name.endsWith(".fdb"))
    .sort()
    .at(-1);
  if (moved !== undefined) writeFileSync(join(at, moved), Buffer.alloc(5000, round & 255));
  const finish = (path: string) => renameSync(path, path.replace(/\.END$/, ""));
  return rolling(at, { name: (n) => `${digits(n)}.fdb.END`, isOne: /\.fdb(?:\.END)?$/, atStart: cut, finish });
}

async function writersOf(): Promise<Writer[]> {
  switch (kind) {
    case "rocksdb":
      return [tables(folder)];
    case "ovn":
      return [growing(folder, "ovnnb_db.db"), growing(folder, "ovnsb_db.db")];
    case "files":
      return [anywhere(folder), growing(folder, "only-grows.log")];
    case "icon":
      return [await leveldb(join(folder, ".storage/db_icon_dex")), await leveldb(join(folder, ".score_data/db"))];
    case "leveldb":
      return [await leveldb(join(folder, "db"))];
    case "chainmaker":
      return [await leveldb(join(folder, "state/chain1")), chainBlocks(join(folder, "chain1/bfdb"))];
    case "couchdb":
      return [growing(join(folder, "shards/00000000-ffffffff"), "ch_.1.couch"), growing(folder, "_dbs.couch")];
    case "fabric-orderer":
      return [
        await leveldb(join(folder, "index")),
        blocks(join(folder, "chains/ch")),
        anywhere(join(folder, "etcdraft/wal/ch")),
      ];
    case "fabric-peer":
      return [
        await leveldb(join(folder, "ledgersData/stateLeveldb")),
        blocks(join(folder, "ledgersData/chains/chains/ch")),
      ];
    case "goloop":
      return [await leveldb(join(folder, "bf62b4/db/bf62b4")), anywhere(join(folder, "bf62b4/wal"))];
    case "kafka":
      return partition(join(folder, "ch-0"));
    case "zookeeper":
      return transactions(join(folder, "version-2"));
    default:
      // Systems of several engines: databases, files that only grow, and what may be written anywhere.
      return [await leveldb(join(folder, "db")), growing(folder, "blockfile_000000"), anywhere(join(folder, "other"))];
  }
}

const writers = await writersOf();
for (let said = false; !stopped; round += 1) {
  for (const writer of writers) await writer.step();
  if (round % 16 === 0) await turn();
  if (!said && performance.now() >= until) {
    said = true;
    process.stdout.write("wrote\n");
  }
}
for (const writer of writers) await writer.close?.();
