import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readIconArchive } from "../../../agent/exchange/index.ts";
import { TarGuard } from "../../../agent/exchange/tar-guard.ts";
import { isColdkeepError } from "../../../vault/names/index.ts";
import { mutateBytes } from "./mutate.ts";
import { BadOutcome } from "./outcome.ts";
import { type Dice, diceOf } from "./random.ts";

/** Reads one hostile archive as whoever unpacks it does, in two pieces. @throws ColdkeepError `integrity` */
export function guardTar(dice: Dice): void {
  const bytes = makeArchive(dice, "/outside");
  const guard = new TarGuard("a.tar", (path) => {
    if (isUnsafe(path)) throw new BadOutcome(`a path leads elsewhere: ${JSON.stringify(path)}`);
  });
  const at = dice.below(bytes.length);
  const passed = Buffer.concat([guard.let(bytes.subarray(0, at)), guard.let(bytes.subarray(at))]);
  guard.end();
  // It ends with zeros of the guard's own; all before them is what came.
  const own = passed.subarray(0, -1024);
  if (!own.equals(bytes.subarray(0, own.length))) throw new BadOutcome("other bytes are unpacked than came");
}

const isUnsafe = (path: string) => path.split("/").some((part) => part === "" || part === "." || part === "..");

/**
 * Imports one hostile archive into a folder of its own, and looks whether anything else was touched.
 * @returns null where all is well
 */
export async function playTar(seed: number, nth: number, scratch: string): Promise<string | null> {
  const dice = diceOf(seed, nth);
  const home = mkdtempSync(join(scratch, "tar-"));
  const outside = join(home, "outside");
  const into = join(home, "a", "b", "into");
  mkdirSync(outside);
  mkdirSync(join(home, "a", "b"), { recursive: true });
  writeFileSync(join(outside, "kept"), "kept");
  const before = lookAt(home);
  try {
    const packed = gzipSync(makeArchive(dice, outside));
    const bytes = dice.once(4) ? mutateBytes(dice, packed) : packed;
    await readIconArchive("a.tar.gz", chunksOf(bytes), into, AbortSignal.timeout(60_000));
    if (statSync(join(outside, "kept")).nlink !== 1) return "a hard link leads out of the folder";
  } catch (error) {
    if (!isColdkeepError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (error.kind === "internal") return `an internal error: ${error.message}`;
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
  const after = lookAt(home);
  rmSync(home, { recursive: true, force: true });
  return after === before ? null : `something was written outside: ${after}`;
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 100);
  yield bytes.subarray(100);
}

function lookAt(home: string): string {
  const all = readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith("a/b/into"));
  return all
    .sort()
    .map((name) => `${name} ${lstatSync(join(home, name)).size * Number(name.includes("kept"))}`)
    .join(", ");
}

/** A few entries of a P-Rep's archive with hostile ones among them. */
function makeArchive(dice: Dice, outside: string): Uint8Array {
  const up = "../".repeat(dice.below(6));
  const paths = [
    ".storage/x",
    `${up}outside/kept`,
    `${outside}/kept`,
    `${up}evil`,
    ".storage/l/evil",
    ".storage/./../../evil",
    ".score_data",
    ".storage",
  ];
  const targets = [`${up}outside`, outside, "/", "..", `${outside}/kept`, ".storage/x", ""];
  const blocks: Uint8Array[] = [entry(dice, ".storage/", "5", "", 0), entry(dice, ".score_data/", "5", "", 0)];
  for (let left = 2 + dice.below(6); left > 0; left -= 1) {
    const type = dice.pick(["0", "0", "1", "2", "2", "3", "4", "5", "6", "7", "L", "K", "x", "g", "S", "?"]);
    const path = dice.pick(type === "2" ? [...paths, ".storage/l", ".storage/l"] : paths);
    const body = dice.pick([
      Buffer.alloc(0),
      Buffer.from("evil"),
      Buffer.from(`30 path=${up}outside/kept\n`),
      Buffer.from(outside),
    ]);
    const size = dice.once(8) ? dice.pick([1, 511, 8 ** 11 - 1, 1e9]) : body.length;
    blocks.push(entry(dice, path, type, dice.pick(targets), size), padded(body));
  }
  if (!dice.once(6)) blocks.push(new Uint8Array(1024));
  const tar = Buffer.concat(blocks);
  return dice.once(3) ? mutateBytes(dice, tar) : tar;
}

function entry(dice: Dice, path: string, type: string, link: string, size: number): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(path.slice(0, 99), 0, "latin1");
  header.write(dice.pick(["0000644\0", "0007777\0", "0000000\0"]), 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write(dice.pick(["00000000000\0", "77777777777\0"]), 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link.slice(0, 99), 157, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((all, byte) => all + byte, 0) + (dice.once(12) ? 1 : 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function padded(body: Uint8Array): Uint8Array {
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
