import {
  appendFileSync,
  closeSync,
  existsSync,
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
