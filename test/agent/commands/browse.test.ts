import { randomBytes } from "node:crypto";
import {
  chmodSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { copyOf, type Host, makeHost } from "../../cli/host.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";

interface Entry {
  readonly path?: string;
  readonly path_raw?: string;
  readonly type: string;
  readonly mode: number;
  readonly size?: number;
  readonly target?: string;
  readonly mtime: readonly [number, number];
}

const home = sharedTempDir("coldkeep-browse");
const LARGE = randomBytes(5_000_000);
let node: Host;
let first = "";
let second = "";

const place = (...names: string[]) => join(node.data, ...names);
/** A name that is no UTF-8, and one that would write on a terminal. */
const RAW = Buffer.from([0x6e, 0xff, 0x6d]);
const BELL = "bell\u0007\u001b[2J";

function fill(): void {
  mkdirSync(place("db", "deep"), { recursive: true });
  mkdirSync(place("db.old"));
  writeFileSync(place("db", "CURRENT"), "MANIFEST-000001\n");
  writeFileSync(place("db", "deep", "000001.log"), "one\n");
  writeFileSync(place("large"), LARGE);
  writeFileSync(Buffer.concat([Buffer.from(`${node.data}/`), RAW]), "raw\n");
  writeFileSync(place(BELL), "ding\n");
  writeFileSync(place("empty"), "");
  writeFileSync(place("run.sh"), "#!/bin/sh\n");
  chmodSync(place("run.sh"), 0o4755);
  linkSync(place("db", "CURRENT"), place("linked"));
  symlinkSync("../elsewhere", place("pointer"));
  const sparse = openSync(place("sparse"), "w");
  writeSync(sparse, "end", 3_000_000);
  ftruncateSync(sparse, 4_000_000);
  utimesSync(place("empty"), 1_700_000_000.5, 1_700_000_000.5);
}

beforeAll(async () => {
  node = await makeHost(home);
  fill();
  first = (await node.json<{ snapshot: string }>("backup")).snapshot;
  writeFileSync(place("db", "CURRENT"), "MANIFEST-000002\n");
  writeFileSync(place("large"), Buffer.concat([LARGE, Buffer.alloc(7, 1)]));
  writeFileSync(place("db", "deep", "000002.log"), "second\n");
  rmSync(place("sparse"));
  chmodSync(place("run.sh"), 0o755);
  rmSync(place("empty"));
  mkdirSync(place("empty"));
  renameSync(place("db.old"), place("db.older"));
  second = (await node.json<{ snapshot: string }>("backup")).snapshot;
});

async function lines(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await node.run(words);
  expect(code, stderr).toBe(0);
  return stdout.trimEnd().split("\n");
}

describe("ls", () => {
  it("shows the roots, and of a folder what lies in it", async () => {
    expect(await lines("ls", first)).toEqual(["data/"]);
    expect(await lines("ls", `${first}:data/db`)).toEqual(["data/db/CURRENT", "data/db/deep/"]);
    expect(await lines("ls", `${first}:/data/db/`)).toEqual(["data/db/CURRENT", "data/db/deep/"]);
    expect(await lines("ls", `${first}:data/db.old`)).toEqual([""]);
  });

  it("shows all that lies below with -R, and a file itself", async () => {
    expect(await lines("ls", "-R", `${first}:data/db`)).toEqual([
      "data/db/CURRENT",
      "data/db/deep/",
      "data/db/deep/000001.log",
    ]);
    expect(await lines("ls", `${first}:data/large`)).toEqual(["data/large"]);
  });

  it("shows names that are no text as escapes, and as they are in JSON", async () => {
    const shown = await lines("ls", `${first}:data`);
    expect(shown).toContain("data/n\\xffm");
    expect(shown).toContain("data/bell\\x07\\x1b[2J");
    const { entries } = await node.json<{ entries: Entry[] }>("ls", `${first}:data`);
    expect(entries.find(({ path_raw }) => path_raw !== undefined)).toMatchObject({
      path_raw: Buffer.concat([Buffer.from("data/"), RAW]).toString("base64url"),
      size: 4,
    });
    expect(entries.map(({ path }) => path)).toContain(`data/${BELL}`);
  });

  it("tells mode, owner, size and time with -l, and all of it in JSON", async () => {
    const shown = await lines("ls", "-l", `${first}:data`);
    const uid = String(process.getuid?.() ?? 0);
    expect(shown.find((line) => line.endsWith("data/run.sh"))).toMatch(
      new RegExp(`^-rwsr-xr-x +${uid} +\\d+ +10 \\d{4}-\\d{2}-\\d{2} `),
    );
    expect(shown.find((line) => line.includes("data/pointer"))).toMatch(
      /^lrwxrwxrwx .* data\/pointer -> \.\.\/elsewhere$/,
    );
    expect(shown.find((line) => line.includes("data/linked"))).toMatch(/ data\/linked == data\/db\/CURRENT$/);
    const { entries, snapshot } = await node.json<{ entries: Entry[]; snapshot: string }>("ls", "-R", first);
    expect(snapshot).toBe(first);
    expect(entries).toHaveLength(15);
    expect(entries.find(({ path }) => path === "data/empty")).toMatchObject({
      type: "file",
      size: 0,
      mtime: [1_700_000_000, 500_000_000],
    });
    expect(entries.find(({ path }) => path === "data/run.sh")).toMatchObject({ mode: 0o4755 });
  });

  it("says what is not there, and nothing else", async () => {
    const { code, stdout, stderr } = await node.run(["ls", `${first}:data/nothing`, "--json"]);
    expect(code).toBe(11);
    expect(stdout).toBe("");
    expect(stderr).toContain("there is no such path in the snapshot");
  });

  it("stops where nobody reads any more", async () => {
    let poured = 0;
    const pour = async () => {
      poured += 1;
      return false;
    };
    expect(await node.run(["ls", "-R", first], { pour })).toMatchObject({ code: 0, stdout: "" });
    expect(poured).toBe(1);
  });
});

describe("cat", () => {
  const cat = async (path: string, snapshot = first) => {
    const { code, stdout, stderr } = await node.run(["cat", `${snapshot}:${path}`]);
    expect(code, stderr).toBe(0);
    return Buffer.from(stdout, "latin1");
  };

  it("writes a file as it was then", async () => {
    expect((await cat("data/large")).equals(LARGE)).toBe(true);
    expect((await cat("data/db/CURRENT")).toString()).toBe("MANIFEST-000001\n");
    expect((await cat("data/db/CURRENT", "latest")).toString()).toBe("MANIFEST-000002\n");
    expect((await cat("data/empty")).length).toBe(0);
  });

  it("writes a hard link's content, and a hole's zeros", async () => {
    expect((await cat("data/linked")).toString()).toBe("MANIFEST-000001\n");
    const sparse = Buffer.alloc(4_000_000);
    sparse.write("end", 3_000_000);
    expect((await cat("data/sparse")).equals(sparse)).toBe(true);
  });

  it("takes a name as ls shows it", async () => {
    expect((await cat("data/n\\xffm")).toString()).toBe("raw\n");
    expect((await cat("data/bell\\x07\\x1b[2J")).toString()).toBe("ding\n");
  });

  it.each([
    ["data/db", 12, "it is a directory"],
    ["data/pointer", 12, "it is a symlink to ../elsewhere"],
    ["data/nothing", 11, "there is no such path"],
    ["", 2, "which file is meant?"],
  ])("refuses %j", async (path, code, why) => {
    const ran = await node.run(["cat", `${first}:${path}`]);
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toContain(why);
  });

  it("writes no binary to a terminal, unless told to", async () => {
    const screen = { isTTY: true, write: () => {} };
    const refused = await node.run(["cat", `${first}:data/large`], { stdout: screen });
    expect(refused).toMatchObject({ code: 12, stdout: "" });
    const told = await node.run(["cat", `${first}:data/large`, "--binary"], { stdout: screen });
    expect(told.stdout.length).toBe(LARGE.length);
    expect((await node.run(["cat", `${first}:data/db/CURRENT`], { stdout: screen })).code).toBe(0);
  });

  it("writes nothing of a damaged piece, and says so", async () => {
    const copy = copyOf(node, tempDir("coldkeep-browse"));
    const data = join(copy.vault, "demo", "data", first);
    const packs = readdirSync(data).filter((name) => name.endsWith(".pack"));
    const size = (name: string) => statSync(join(data, name)).size;
    const [largest = ""] = packs.sort((a, b) => size(b) - size(a));
    const pack = join(data, largest);
    const bytes = readFileSync(pack);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    chmodSync(pack, 0o600);
    writeFileSync(pack, bytes);
    const { code, stdout, stderr } = await copy.run(["cat", `${first}:data/large`]);
    expect(code).toBe(9);
    expect(stderr).toContain(largest);
    expect(LARGE.subarray(0, stdout.length).equals(Buffer.from(stdout, "latin1"))).toBe(true);
    expect(stdout.length).toBeLessThan(LARGE.length);
  });
});

describe("find", () => {
  it("looks through all snapshots, newest first", async () => {
    expect(await lines("find", "CURRENT")).toEqual([`${second}:data/db/CURRENT`, `${first}:data/db/CURRENT`]);
    expect(await lines("find", "0000*.log")).toEqual([
      `${second}:data/db/deep/000001.log`,
      `${second}:data/db/deep/000002.log`,
      `${first}:data/db/deep/000001.log`,
    ]);
    expect(await lines("find", "sparse", "--limit", "1")).toEqual(["Nothing matches in 1 snapshot."]);
    expect(await lines("find", "data/*/CURRENT", "--snapshot", first)).toEqual([`${first}:data/db/CURRENT`]);
  });

  it("answers in JSON", async () => {
    const found = await node.json<{ matches: (Entry & { snapshot: string })[]; searched: number }>("find", "sparse");
    expect(found).toMatchObject({ searched: 2, matches: [{ snapshot: first, path: "data/sparse", size: 4_000_000 }] });
  });

  it("goes on past a snapshot that cannot be opened, and tells", async () => {
    const copy = copyOf(node, tempDir("coldkeep-browse"));
    const manifest = join(copy.vault, "demo", "data", second, "manifest");
    chmodSync(manifest, 0o600);
    writeFileSync(manifest, "nothing");
    const { code, stdout, stderr } = await copy.run(["find", "CURRENT"]);
    expect(code).toBe(9);
    expect(stdout).toBe(`${first}:data/db/CURRENT\n`);
    expect(stderr).toContain(`${second} was not searched to its end`);
  });
});

describe("diff", () => {
  interface Diff {
    readonly differences: readonly {
      readonly kind: string;
      readonly bytes: number;
      readonly fields?: readonly string[];
      readonly before: Entry | null;
      readonly after: Entry | null;
    }[];
    readonly totals: Readonly<Record<string, { readonly entries: number; readonly bytes: number }>>;
  }

  it("tells what was added, removed and changed, and how much of it is new", async () => {
    const { differences, totals } = await node.json<Diff>("diff", first, second);
    const found = differences.map(({ kind, before, after }) => `${kind} ${(after ?? before)?.path}`);
    expect(found.filter((line) => !line.startsWith("metadata"))).toEqual([
      "content data/db/CURRENT",
      "added data/db/deep/000002.log",
      "removed data/db.old",
      "added data/db.older",
      "type data/empty",
      "content data/large",
      "removed data/sparse",
    ]);
    expect(found).toContain("metadata data/run.sh");
    expect(differences.find(({ after }) => after?.path === "data/run.sh")?.fields).toEqual(["mode"]);
    const large = differences.find(({ after }) => after?.path === "data/large");
    // The chunks that have not changed count for nothing.
    expect(large?.bytes).toBeGreaterThanOrEqual(7);
    expect(large?.bytes).toBeLessThan(2_000_000);
    expect(totals).toMatchObject({ removed: { entries: 2, bytes: 4_000_000 }, added: { entries: 2, bytes: 7 } });
  });

  it("says the same in words, and the reverse the other way round", async () => {
    const there = await lines("diff", first, second);
    expect(there).toContain("+  data/db/deep/000002.log");
    expect(there).toContain("-  data/sparse");
    expect(there).toContain("T  data/empty/  (file, now directory)");
    expect(there).toContain("U  data/run.sh  (mode)");
    const back = await lines("diff", second, first);
    expect(back).toContain("-  data/db/deep/000002.log");
    expect(back).toContain("+  data/sparse");
    expect(await lines("diff", first, first)).toEqual(["Nothing differs."]);
  });
});
