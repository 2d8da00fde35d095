import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "../../../agent/exchange/crc32c.ts";
import { systemClock } from "../../../posix/clock.ts";
import { runHere } from "../../cli/run.ts";
import type { Chance } from "../chance.ts";
import { faultEnv } from "../fault/fault.ts";
import { clear, digestOf, endWorld, faultOfData, makeWorld, stretchQuickly, type World, worldIn } from "../world.ts";

/** Something that coldkeep does and that is killed on the way. */
export interface Deed {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  /** Gets all ready and says what to run. */
  prepare(chance: Chance): Promise<Prepared>;
}

export interface Prepared {
  readonly words: readonly string[];
  /** Where it runs; the campaign's own host unless another is meant. */
  readonly world: World;
  /** Whether snapshots may go by it. */
  readonly removes?: boolean;
  /** Whether its host is one that backs nothing up. */
  readonly isImport?: true;
  /** After `recover`: what is wrong with what it left, or null; brings the deed to its end where that is due. */
  finish(ended: boolean): Promise<string | null>;
}

const fine = async () => null;

/** All of them, on one host. @param imports See `importHost`. */
export function deedsOf(world: World, imports: ImportHost): Deed[] {
  const { home } = world;
  const target = join(home, "target");
  const second = join(home, "second");
  let key = 0;

  /** Days go by, and the index is told of it. */
  const passTime = async (chance: Chance) => {
    world.letPass(chance.whole(3, 9));
    await world.json("rebuild");
    // The others look odd now, as their names tell the time they were made at: the newest must not.
    await world.json("backup");
  };

  return [
    {
      name: "backup",
      weight: 6,
      async prepare(chance) {
        world.compact(chance);
        return { world, words: ["backup", ...(chance.hits(0.25) ? ["--full"] : [])], finish: fine };
      },
    },
    {
      name: "restore into a folder",
      weight: 2,
      async prepare(chance) {
        clear(target);
        const words = ["restore", "latest", "--to", target];
        const goOn = chance.hits(0.7);
        return {
          world,
          words,
          async finish(ended) {
            if (ended && !existsSync(target)) return "it said that it restored, and nothing is there";
            if (!ended && existsSync(target)) {
              // All or nothing: what has its name is whole.
              const fault = faultOfData(join(target, "data"));
              if (fault !== null) return fault;
            } else if (!ended && goOn) {
              const again = await world.here(...words);
              if (again.code !== 0) return `the same restore again ended with ${again.code}: ${again.stderr}`;
            }
            const fault = existsSync(target) ? faultOfData(join(target, "data")) : null;
            if (fault === null) clear(target);
            return fault;
          },
        };
      },
    },
    {
      name: "restore in place",
      weight: 2,
      async prepare() {
        world.node("stop");
        await until(() => !world.node("is-running"));
        const before = digestOf(world.data);
        return {
          world,
          // The folder is looked at before the node writes into it.
          words: ["restore", "latest", "--no-start"],
          async finish() {
            const fault = digestOf(world.data) === before ? null : faultOfData(world.data);
            world.node("start");
            return fault;
          },
        };
      },
    },
    {
      name: "key rotation",
      weight: 2,
      async prepare() {
        const [old, fresh] = [join(home, `key-${key}`), join(home, `key-${key + 1}`)];
        key += 1;
        writeFileSync(fresh, Buffer.alloc(32, `key ${key}`).toString("hex").slice(0, 32), { mode: 0o600 });
        stretchQuickly(world, fresh);
        world.change(/^encrypt_key: .*$/m, `encrypt_key: ${fresh}`);
        const words = ["key", "rotate", "--old", old];
        return {
          world,
          words,
          finish: async (ended) => (ended ? null : faultOfAgain(world, words, "rotation")),
        };
      },
    },
    {
      name: "retention",
      weight: 2,
      async prepare(chance) {
        await passTime(chance);
        // Time jumps, snapshots go and tables are removed as chance will have it: no brake is to take that for a mistake.
        const despite = ["share", "clock", "anomaly"].flatMap((brake) => ["--despite", brake]);
        return { world, words: ["forget", "--apply", ...despite], finish: fine };
      },
    },
    {
      name: "gc",
      weight: 3,
      async prepare(chance) {
        await passTime(chance);
        const words = ["gc", "--apply", "--despite", "share", "--despite", "clock"];
        return {
          world,
          words,
          removes: true,
          finish: async (ended) => (ended ? null : faultOfAgain(world, words, "gc")),
        };
      },
    },
    {
      name: "repair",
      weight: 1,
      async prepare(chance) {
        const snapshots = readdirSync(join(world.vault, "demo/data"));
        // What can be made again whatever the node has done since: of a snapshot that has gone, its manifest has, too.
        const whole = snapshots.filter((id) => existsSync(join(world.vault, "demo/data", id, "manifest")));
        const lists = whole.map((id) => join(world.vault, "demo/data", id, "packs-0000.json")).filter(existsSync);
        clear(chance.pick(lists));
        const words = ["repair"];
        return {
          world,
          words,
          finish: async (ended) => (ended ? null : faultOfAgain(world, words, "repair")),
        };
      },
    },
    {
      // Of a backup that was killed, wherever that was.
      name: "recover",
      weight: 1,
      async prepare(chance) {
        world.compact(chance);
        const roots = [world.vault, world.state, world.frozen];
        const counter = join(home, "..", "counter-before");
        await world.run(["backup"], faultEnv({ roots, counter, fault: { act: "kill", at: chance.whole(1, 40) } }));
        return { world, words: ["recover"], finish: fine };
      },
    },
    {
      name: "drill",
      weight: 1,
      prepare: async () => ({ world, words: ["drill"], finish: fine }),
    },
    {
      name: "copy",
      weight: 2,
      async prepare(chance) {
        if (chance.hits(0.2)) clear(second);
        const words = ["copy", "--from", world.vault, "--to", second, "--all", "--node", "demo"];
        return {
          world,
          words,
          async finish(ended) {
            const half = await faultOfCopy(world, second);
            if (half !== null || ended) return half;
            return (await faultOfAgain(world, words, "copy")) ?? (await faultOfCopy(world, second));
          },
        };
      },
    },
    {
      name: "import",
      weight: 2,
      async prepare(chance) {
        const host = await imports.world();
        for (const folder of [host.vault, host.state]) {
          clear(folder);
          execFileSync("cp", ["-a", `${folder}~`, folder]);
        }
        const backups = join(host.home, "backups");
        clear(backups);
        makeBackups(backups, chance);
        const words = ["import", "rocksdb-backup", backups];
        return {
          world: host,
          words,
          isImport: true,
          async finish() {
            const again = await host.here(...words);
            if (again.code !== 0) return `the same import again ended with ${again.code}: ${again.stderr}`;
            const { snapshots } = await host.json<{ snapshots: { snapshot: string }[] }>("list");
            if (snapshots.length !== 2) return `two backups were imported and ${snapshots.length} are listed`;
            const into = join(host.home, "imported");
            clear(into);
            await host.json("restore", "latest", "--to", into);
            const fault = faultOfBackup(backups, join(into, "data"));
            clear(into);
            return fault;
          },
        };
      },
    },
  ];
}

/** A host of profile rocksdb to import into, which is made when it is first asked for. */
export interface ImportHost {
  /** What is copied anew for each import, vault and state, lies beside with a tilde. */
  world(): Promise<World>;
  end(): void;
}

export function importHost(home: string): ImportHost {
  let made: Promise<World> | undefined;
  const make = async () => {
    const host = await makeWorld(home, { profile: "rocksdb" });
    for (const folder of [host.vault, host.state]) execFileSync("cp", ["-a", folder, `${folder}~`]);
    return host;
  };
  return {
    world() {
      made ??= make();
      return made;
    },
    end() {
      if (made !== undefined) endWorld(worldIn(home));
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 20));
}

/** What is wrong with the second vault, by a configuration that has no other and a state of its own. */
async function faultOfCopy(world: World, second: string): Promise<string | null> {
  // Before that there is no node in it, and nothing to be seen.
  if (!existsSync(join(second, "demo/node.json"))) return null;
  const config = join(world.home, "second.yaml");
  const state = join(world.home, "second-state");
  clear(state);
  execFileSync("cp", ["-a", world.state, state]);
  const text = readFileSync(world.config, "utf8");
  writeFileSync(config, text.replace(world.vault, second).replace(/^state_dir: .*$/m, `state_dir: ${state}`));
  // Keys are rotated in one vault at a time: what was copied before still wants the key it had.
  const keys = readdirSync(world.home).filter((name) => /^key-\d+$/.test(name));
  const identities = keys.flatMap((name) => ["--identity", join(world.home, name)]);
  for (const words of [["rebuild"], ["verify", "--all", "--read-data", ...identities]]) {
    const { code, stderr } = await runHere([...words, "--json", "--config", config], { clock: systemClock });
    if (code !== 0) return `${words.join(" ")} of the copy ended with ${code}: ${stderr}`;
  }
  return null;
}

/** A directory of RocksDB's BackupEngine with two backups that share a table (agent/exchange/meta-file.ts). */
function makeBackups(folder: string, chance: Chance): void {
  for (const name of ["meta", "private/1", "private/2", "shared_checksum"])
    mkdirSync(join(folder, name), { recursive: true });
  const put = (path: string, bytes: Buffer) => {
    writeFileSync(join(folder, path), bytes);
    return `${path} crc32 ${crc32c(bytes)}`;
  };
  const shared = [7, 8, 9].map((number) => {
    const bytes = chance.bytes(chance.whole(20_000, 60_000));
    return put(`shared_checksum/00000${number}_${crc32c(bytes)}_${bytes.length}.sst`, bytes);
  });
  for (const id of [1, 2]) {
    const own = [
      put(`private/${id}/MANIFEST-000005`, chance.bytes(200)),
      put(`private/${id}/CURRENT`, Buffer.from("MANIFEST-000005\n")),
    ];
    const lines = [...shared.slice(0, id + 1), ...own];
    writeFileSync(
      join(folder, "meta", String(id)),
      `${1795866266 + id}\n${id}\n${lines.length}\n${lines.join("\n")}\n`,
    );
  }
}

/** Whether a restored database is the second backup: three tables, a CURRENT, a MANIFEST. */
function faultOfBackup(backups: string, data: string): string | null {
  for (const name of ["CURRENT", "MANIFEST-000005"]) {
    if (!readFileSync(join(data, name)).equals(readFileSync(join(backups, "private/2", name))))
      return `${name} differs`;
  }
  for (const name of readdirSync(join(backups, "shared_checksum"))) {
    const restored = join(data, `${name.slice(0, 6)}.sst`);
    if (!readFileSync(restored).equals(readFileSync(join(backups, "shared_checksum", name))))
      return `${restored} differs`;
  }
  return null;
}

/** What was cut off comes to its end when the same is run again. @returns what is wrong, or null */
async function faultOfAgain(world: World, words: readonly string[], what: string): Promise<string | null> {
  const { code, stderr } = await world.here(...words);
  return code === 0 ? null : `the same ${what} again ended with ${code}: ${stderr}`;
}
