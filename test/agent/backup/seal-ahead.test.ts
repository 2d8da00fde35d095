import { randomBytes } from "node:crypto";
import { closeSync, openSync, renameSync, statSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type BackupOptions, runBackup } from "../../../agent/backup/index.ts";
import { hasHonestTimes } from "../../../agent/freeze/fingerprint.ts";
import { prepareFreeze } from "../../../agent/freeze/index.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import { backupHost } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

const MIB = 1 << 20;
const honest = hasHonestTimes(tmpdir());
const where = honest ? "" : " (skipped: the temporary folder's file system is not one that is trusted)";
/** More than fills a pack, so that one is put while the rest is still to come. */
const content = randomBytes(28 * MIB);

/** A host with one file that is linked before the stop, and a vault that tells of the first pack. */
function linkedHost(globs: Parameters<typeof captureSetOf>[1]) {
  const packed = Promise.withResolvers<void>();
  const store = memoryStore();
  const puts: string[] = [];
  const create: typeof store.create = (name, body) => {
    puts.push(name);
    if (name.endsWith(".pack")) packed.resolve();
    return store.create(name, body);
  };
  const host = backupHost(tempDir(), { ...store, create });
  const file = join(host.root, "table");
  writeFileSync(file, content);
  return {
    ...host,
    file,
    packed: packed.promise,
    puts,
    /** `meanwhile` comes between the preparation and the freeze. */
    backup: (meanwhile: () => Promise<void>, changes: Partial<BackupOptions> = {}) =>
      runBackup(host.options({ profile: captureSetOf("files", globs), ...changes }), async (o) => {
        const prepared = await prepareFreeze(o);
        await nextTick(file);
        return {
          ...prepared,
          async capture(known) {
            try {
              await meanwhile();
            } catch (error) {
              // As capture does where it fails.
              await prepared.abandon();
              throw error;
            }
            return prepared.capture(known);
          },
        };
      }),
  };
}

/** Resolves once a change of the file would bear another time than its last one. */
async function nextTick(file: string): Promise<void> {
  const probe = join(file, "../../now");
  await vi.waitUntil(
    () => {
      writeFileSync(probe, "");
      return statSync(probe, { bigint: true }).mtimeNs > statSync(file, { bigint: true }).ctimeNs;
    },
    { timeout: 10_000, interval: 5 },
  );
}

function overwrite(path: string, at: number): void {
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.from("other"), 0, 5, at);
  closeSync(fd);
}

async function contentIn(host: ReturnType<typeof linkedHost>, snapshot: Parameters<typeof host.read>[0]) {
  const { entries } = await host.read(snapshot);
  const entry = entries.find(({ path }) => Buffer.from(path).toString() === "data/table");
  return entry?.type === "file" ? Buffer.from(entry.content) : null;
}

describe.skipIf(!honest)(`where nobody stops the node for coldkeep${where}`, () => {
  it.each([["immutable"], ["append_only"]])(
    "a file that is %s is sealed while the rest is frozen, once",
    async (kind) => {
      const host = linkedHost({ [kind]: ["*"] });
      const done = await host.backup(() => host.packed);
      expect(done.figures).toMatchObject({ read: content.length, reused: 0 });
      expect(content.equals((await contentIn(host, done.snapshot)) ?? Buffer.alloc(0))).toBe(true);
      expect(host.puts.findIndex((name) => name.endsWith("key.json"))).toBeLessThan(
        host.puts.findIndex((name) => name.endsWith(".pack")),
      );
    },
  );

  it.each([["immutable"], ["append_only"]])(
    "a file that is %s, and yet was written to after it was sealed, is read again as it is",
    async (kind) => {
      const host = linkedHost({ [kind]: ["*"] });
      const { atime, mtime } = statSync(host.file);
      const done = await host.backup(async () => {
        await host.packed;
        overwrite(host.file, MIB);
        utimesSync(host.file, atime, mtime);
      });
      const now = Buffer.from(content);
      now.write("other", MIB);
      expect(now.equals((await contentIn(host, done.snapshot)) ?? Buffer.alloc(0))).toBe(true);
    },
  );

  it("another file that has taken the name of one that was sealed is the one in the snapshot", async () => {
    const host = linkedHost({ immutable: ["*"] });
    const other = randomBytes(content.length);
    const done = await host.backup(async () => {
      await host.packed;
      writeFileSync(`${host.file}.new`, other);
      renameSync(`${host.file}.new`, host.file);
    });
    expect(other.equals((await contentIn(host, done.snapshot)) ?? Buffer.alloc(0))).toBe(true);
  });

  it("and the freeze then fails, nothing is visible and no thread is left waiting", async () => {
    const host = linkedHost({ immutable: ["*"] });
    const failed = host.backup(async () => {
      await host.packed;
      throw new Error("the freeze failed");
    });
    await expect(failed).rejects.toThrow("the freeze failed");
    expect(host.puts.some((name) => name.endsWith(".card.json"))).toBe(false);
    const done = await host.backup(async () => {});
    expect(content.equals((await contentIn(host, done.snapshot)) ?? Buffer.alloc(0))).toBe(true);
  });
});

describe("where the node is stopped for the backup", () => {
  it("nothing is sealed before it is up again", async () => {
    const host = linkedHost({ immutable: ["*"] });
    const { control } = host.options();
    let up = true;
    const manager = {
      ...control.manager,
      controls: true,
      stop: async () => {
        up = false;
      },
      start: async () => {
        expect(host.puts.filter((name) => name.includes("/data/"))).toEqual([]);
        up = true;
      },
      isRunning: async () => up,
    };
    const done = await host.backup(async () => {}, { control: { ...control, manager } });
    expect(done.figures.read).toBe(content.length);
  });
});
