import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeCopyReader } from "../../../agent/backup/copy-reader.ts";
import { type BackupOptions, runBackup } from "../../../agent/backup/index.ts";
import type { SealPool } from "../../../agent/backup/seal-pool.ts";
import { makeSmallCopies } from "../../../agent/backup/small-copies.ts";
import { type InTurn, makeWindow } from "../../../agent/backup/window.ts";
import type { FrozenEntry } from "../../../agent/freeze/types.ts";
import type { NodeControl } from "../../../agent/node/types.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

/** The same bytes for the same number, of which nothing repeats. */
function noise(seed: number, length: number): Buffer {
  return createHash("shake256", { outputLength: length }).update(`${seed}`).digest();
}

/** A node that is stopped for the backup: nothing is sealed before it runs again. */
function stoppedNode(): NodeControl {
  let running = true;
  const manager: NodeControl["manager"] = {
    kind: "test",
    label: "a flag",
    controls: true,
    stop: async () => {
      running = false;
    },
    start: async () => {
      running = true;
    },
    isRunning: async () => running,
  };
  return { name: NODE, manager, probe: null, limits: { stopMs: 5000, startMs: 5000, onStopTimeout: "fail" } };
}

/** Files of all sizes that are copied beside others, and what lies between them. */
function fill(root: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const sizes = [0, 1, 511, 4096, 65_536, 262_144, 262_145, 1_500_000];
  for (let n = 0; n < 1500; n += 1) {
    const size = n % 50 === 0 ? (sizes[(n / 50) % sizes.length] ?? 0) : 300 + (n % 700);
    files.set(`${n % 7}/${n % 3 === 0 ? "deep/" : ""}${n}`, n % 31 === 0 ? Buffer.alloc(size) : noise(n, size));
  }
  for (const [path, content] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  symlinkSync("deep", join(root, "0/link"));
  return files;
}

describe.each([
  ["sealed once the node runs again", stoppedNode],
  ["sealed while others are copied, where nobody stops the node", undefined],
])("copies of small files, %s", (_, control) => {
  const kept = (): Partial<BackupOptions> => (control === undefined ? {} : { control: control() });

  it("are in the snapshot as they were, each read once, and known by the next one", async () => {
    const host = backupHost(tempDir(), memoryStore());
    const files = fill(host.root);
    const profile = captureSetOf("files", { immutable: ["1/*"] });
    const done = await runBackup(host.options({ profile, ...kept() }));
    const { entries } = await host.read(done.snapshot);
    const found = entries.flatMap((entry) =>
      entry.type === "file" ? [[Buffer.from(entry.path).toString().slice(5), Buffer.from(entry.content)] as const] : [],
    );
    expect(found.length).toBe(files.size);
    for (const [path, content] of found) expect(content.equals(files.get(path) ?? Buffer.alloc(1)), path).toBe(true);
    // What is nothing but zeros is a hole.
    const content = [...files.values()].filter((bytes) => bytes.some((byte) => byte !== 0));
    expect(done.figures.read).toBe(content.reduce((sum, { length }) => sum + length, 0));
    expect(await host.confirm(done.snapshot)).toBe(true);
    const next = await runBackup(host.options({ profile, ...kept() }));
    expect(next.figures.stored).toBeLessThan(done.figures.stored / 2);
  });

  it("lie in one pack with what else is new, where that is little, however many threads seal", async () => {
    const host = backupHost(tempDir(), memoryStore());
    for (let n = 0; n < 40; n += 1) writeFileSync(join(host.root, `${n}`), noise(n, 500));
    writeFileSync(join(host.root, "large"), noise(100, 1_500_000));
    writeFileSync(join(host.root, "linked"), noise(101, 700_000));
    const profile = captureSetOf("files", { immutable: ["linked"] });
    const done = await runBackup(host.options({ profile, workers: 3, ...kept() }));
    // And one for the list of files.
    expect((await host.read(done.snapshot)).manifest.packs).toHaveLength(2);
  });

  it("are sealed apart where they are secret, whichever of their names is", async () => {
    const host = backupHost(tempDir(), memoryStore());
    for (let n = 0; n < 40; n += 1) writeFileSync(join(host.root, `${n}`), noise(n, 500));
    writeFileSync(join(host.root, "5.key"), noise(100, 700));
    writeFileSync(join(host.root, "3.other-name"), noise(101, 900));
    linkSync(join(host.root, "3.other-name"), join(host.root, "9.key"));
    const profile = captureSetOf("files", { secret: ["*.key"] });
    const done = await runBackup(host.options({ profile, ...kept() }));
    const { manifest } = await host.read(done.snapshot);
    expect(manifest.packs.filter(({ secret }) => secret)).toHaveLength(1);
    // One that was sealed with the others first would have been read twice.
    expect(done.figures.read).toBe(40 * 500 + 700 + 900);
  });
});

describe("what waits for copies", () => {
  /** A pool that answers each job when the test says. */
  function slowPool() {
    const jobs: (() => void)[] = [];
    const pool = {
      room: async () => {},
      copies: ({ offsets }: { offsets: Float64Array }) =>
        new Promise((resolve) =>
          jobs.push(() => resolve({ pieces: offsets, figures: { read: 0, known: 0, added: 0 } })),
        ),
    } as unknown as SealPool;
    return { pool, jobs };
  }

  const copyAt = (offset: number, source: Uint8Array) =>
    ({ type: "file", spooled: true, secret: false, sparse: false, size: 9, offset, source }) as unknown as FrozenEntry;

  it("is written in the order of the tree, whichever job is done first", async () => {
    const kinds = fc.constantFrom("copy", "copy elsewhere", "known", "file", "send");
    await fc.assert(
      fc.asyncProperty(fc.array(kinds, { maxLength: 60 }), fc.infiniteStream(fc.nat()), async (plan, picks) => {
        const { pool, jobs } = slowPool();
        const window = makeWindow();
        const written: string[] = [];
        const started: Promise<void>[] = [];
        const give = (head: string, pieces: readonly number[]) => written.push(`${head}=${pieces.join()}`);
        const done = () => window.drain();
        const copies = makeSmallCopies({ pool, window, give, done, start: (job) => started.push(job) });
        const sources = [Buffer.from("a"), Buffer.from("b")] as const;
        const expected: string[] = [];
        const files: { ready: boolean }[] = [];
        for (const [n, kind] of plan.entries()) {
          const head = `${n}`;
          if (kind === "send") await copies.send();
          else expected.push(`${head}=${n}`);
          if (kind === "copy" || kind === "copy elsewhere") {
            const entry = copyAt(n, sources[kind === "copy" ? 0 : 1]);
            if (!copies.fits(entry)) await copies.send();
            copies.add(entry, head, head, null);
          } else if (kind === "known") {
            if (window.isEmpty) give(head, [n]);
            else if (!copies.follow(head, [n], null))
              window.add(
                entryOf(
                  () => true,
                  () => give(head, [n]),
                ),
              );
          } else if (kind === "file") {
            const file = { ready: false };
            files.push(file);
            window.add(
              entryOf(
                () => file.ready,
                () => give(head, [n]),
              ),
            );
          }
        }
        await copies.send();
        while (jobs.length + files.length > 0) {
          const pick = (picks.next().value ?? 0) % (jobs.length + files.length);
          const [job] = pick < jobs.length ? jobs.splice(pick, 1) : [];
          const [file] =
            pick < jobs.length + (job === undefined ? 0 : 1) && job !== undefined ? [] : files.splice(0, 1);
          job?.();
          if (file !== undefined) file.ready = true;
          await new Promise((resolve) => setImmediate(resolve));
          window.drain();
          expect(written).toEqual(expected.slice(0, written.length));
        }
        await Promise.all(started);
        window.drain();
        expect(written).toEqual(expected);
        expect(window.size).toBe(0);
        expect(window.isEmpty).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  function entryOf(isReady: () => boolean, write: () => void): InTurn {
    return { entries: 1, isReady, write };
  }
});

describe("reading copies that lie in one file", () => {
  it("gives each one's bytes, wherever they lie", () => {
    const source = join(tempDir(), "copies");
    const content = noise(7, 3_000_000);
    writeFileSync(source, content);
    const reader = makeCopyReader();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2_700_000), fc.integer({ min: 1, max: 262_144 })), { minLength: 1 }),
        (at) => {
          const offsets = Float64Array.from(at, ([offset]) => offset);
          const sizes = Uint32Array.from(at, ([, size]) => size);
          for (const [n, [offset, size]] of at.entries()) {
            const bytes = reader.read({ source, offsets, sizes, paths: "" }, n);
            expect(Buffer.compare(bytes, content.subarray(offset, offset + size))).toBe(0);
          }
        },
      ),
    );
    reader.close();
  });

  it("tells of the very file that is cut off, or gone", () => {
    const source = join(tempDir(), "copies");
    writeFileSync(source, noise(7, 1000));
    const job = (of: string) => ({
      source: of,
      offsets: Float64Array.of(0, 600),
      sizes: Uint32Array.of(600, 400),
      paths: "data/a\0data/b",
    });
    truncateSync(source, 900);
    const reader = makeCopyReader();
    expect(Buffer.from(reader.read(job(source), 0)).equals(readFileSync(source).subarray(0, 600))).toBe(true);
    expect(() => reader.read(job(source), 1)).toThrow(/data\/b: .*ends at byte 300, 400 bytes were captured/s);
    expect(() => reader.read(job(`${source}.gone`), 0)).toThrow(/data\/a: .*it is gone/s);
    reader.close();
  });
});
