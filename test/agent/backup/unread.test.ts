import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type BackupOptions, type BackupResult, runBackup } from "../../../agent/backup/index.ts";
import { hasHonestTimes } from "../../../agent/freeze/fingerprint.ts";
import type { NodeControl } from "../../../agent/node/types.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import { setXattr } from "../../../posix/xattrs.ts";
import { silent } from "../../../vault/names/index.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";
import { canMount, mountTmpfs, WITH_MOUNTS } from "../../support/tmpfs.ts";

const MIB = 1 << 20;
const honest = hasHonestTimes(tmpdir());
const where = honest ? "" : " (skipped: the temporary folder's file system is not one that is trusted)";
/** So long ago that nothing can have been written since within the same tick of the file system's clock. */
const OLD_MS = 2_100;

/** A manager of a node that is no process. */
function control(onStop: () => Promise<void> = async () => {}): NodeControl {
  let up = true;
  const manager = {
    kind: "test",
    label: "a flag",
    controls: true,
    stop: async () => {
      await onStop();
      up = false;
    },
    start: async () => {
      up = true;
    },
    isRunning: async () => up,
  };
  return { name: NODE, manager, probe: null, limits: { stopMs: 30_000, startMs: 5000, onStopTimeout: "fail" } };
}

/** A host whose node's files are really frozen; `backup` also confirms. */
function frozenHost(globs: { readonly append_only?: readonly string[] }, dir = tempDir()) {
  const host = backupHost(dir, memoryStore());
  const warned: string[] = [];
  const progress = { ...silent, warn: (text: string) => void warned.push(text) };
  const file = join(host.root, "file");
  return {
    ...host,
    file,
    warned,
    async backup(changes: Partial<BackupOptions> = {}): Promise<BackupResult> {
      const profile = captureSetOf("files", globs);
      const done = await runBackup(host.options({ profile, control: control(), progress, ...changes }));
      expect(await host.confirm(done.snapshot)).toBe(true);
      return done;
    },
    /** The file's content as the snapshot has it is `content`, byte for byte. */
    async holds({ snapshot }: BackupResult, content: Uint8Array): Promise<void> {
      const { entries } = await host.read(snapshot);
      const entry = entries.find(({ path }) => Buffer.from(path).toString() === "data/file");
      expect(entry?.type).toBe("file");
      expect(Buffer.compare(entry?.type === "file" ? entry.content : new Uint8Array(0), content)).toBe(0);
    },
  };
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

/** Resolves once the file's last change is too old to hide another one. */
async function growOld(path: string): Promise<void> {
  const { ctimeMs } = lstatSync(path);
  // Beside the root, on the same file system.
  const probe = join(path, "../../now");
  await vi.waitUntil(
    () => {
      writeFileSync(probe, "");
      return statSync(probe).mtimeMs > ctimeMs + OLD_MS;
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe("a file that only grows", () => {
  const old = randomBytes(5.5 * MIB);
  const more = randomBytes(1 * MIB);

  it("is read from its last whole chunk on; its first one is looked at as well", async () => {
    const host = frozenHost({ append_only: ["*"] });
    writeFileSync(host.file, old);
    await host.backup();
    appendFileSync(host.file, more);
    const second = await host.backup();
    expect(second.figures.read).toBe(3.5 * MIB);
    await host.holds(second, Buffer.concat([old, more]));
    const third = await host.backup();
    expect(third.figures.read).toBe(0);
    await host.holds(third, Buffer.concat([old, more]));
    expect(host.warned).toEqual([]);
  });

  it("and is all read in full where it grew past holes and small beginnings", async () => {
    const host = frozenHost({ append_only: ["*"] });
    const parts = [randomBytes(100), Buffer.alloc(6 * MIB - 100), randomBytes(3 * MIB), Buffer.alloc(4 * MIB), more];
    writeFileSync(host.file, "");
    for (const [n, part] of parts.entries()) {
      appendFileSync(host.file, part);
      await host.holds(await host.backup(), Buffer.concat(parts.slice(0, n + 1)));
    }
    expect(host.warned).toEqual([]);
  });

  it.each([
    ["first", 5],
    ["last", 4.5 * MIB],
  ])("but was written to in the %s chunk of what was stored, is read anew, and that is told", async (_, at) => {
    const host = frozenHost({ append_only: ["*"] });
    writeFileSync(host.file, old);
    await host.backup();
    overwrite(host.file, at, Buffer.from("other"));
    overwrite(host.file, 2.5 * MIB, Buffer.from("between"));
    appendFileSync(host.file, more);
    const now = Buffer.concat([old, more]);
    now.set(Buffer.from("other"), at);
    now.set(Buffer.from("between"), 2.5 * MIB);
    const second = await host.backup();
    await host.holds(second, now);
    expect(second.figures.read).toBe(6.5 * MIB);
    expect(host.warned).toEqual([expect.stringContaining("data/file is said to only grow")]);
  });

  it("but was cut shorter, or is another file by now, is read in full", async () => {
    const host = frozenHost({ append_only: ["*"] });
    writeFileSync(host.file, old);
    await host.backup();
    truncateSync(host.file, 5 * MIB);
    const second = await host.backup();
    expect(second.figures.read).toBe(5 * MIB);
    const other = randomBytes(6 * MIB);
    writeFileSync(`${host.file}.new`, other);
    renameSync(`${host.file}.new`, host.file);
    const third = await host.backup();
    expect(third.figures.read).toBe(6 * MIB);
    await host.holds(third, other);
  });
});

describe("a file that may be written anywhere", () => {
  const content = randomBytes(3 * MIB);

  it.skipIf(!honest)(
    `is neither copied nor read while its inode and its times are what they were${where}`,
    async () => {
      const host = frozenHost({});
      writeFileSync(host.file, content);
      await growOld(host.file);
      const first = await host.backup();
      expect(first.figures.freeze.copied + first.figures.freeze.reflinked).toBe(1);
      const second = await host.backup();
      expect(second.figures).toMatchObject({ read: 0, freeze: { copied: 0, reflinked: 0 } });
      await host.holds(second, content);
      await host.holds(await host.backup({ full: true }), content);
    },
  );

  it(`keeps mode and attributes unread, and has the new ones where they were changed${where}`, async () => {
    const host = frozenHost({});
    const attribute = (value: string) => ({ name: "user.test", value: Buffer.from(value) });
    writeFileSync(host.file, content);
    chmodSync(host.file, 0o640);
    setXattr(host.file, attribute("[one]"));
    const told = async ({ snapshot }: BackupResult) => {
      const entry = (await host.read(snapshot)).entries.find(
        ({ path }) => Buffer.from(path).toString() === "data/file",
      );
      return [entry?.mode, entry?.xattrs?.map(({ name, value }) => `${name}=${Buffer.from(value)}`)];
    };
    await growOld(host.file);
    await host.backup();
    const second = await host.backup();
    if (honest) expect(second.figures.read).toBe(0);
    expect(await told(second)).toEqual([0o640, ["user.test=[one]"]]);
    await host.holds(second, content);
    setXattr(host.file, attribute("two"));
    await growOld(host.file);
    expect(await told(await host.backup())).toEqual([0o640, ["user.test=two"]]);
    chmodSync(host.file, 0o600);
    await growOld(host.file);
    expect(await told(await host.backup())).toEqual([0o600, ["user.test=two"]]);
  });

  it("is read where it was written to at the same size, and given its old time again", async () => {
    const host = frozenHost({});
    writeFileSync(host.file, content);
    utimesSync(host.file, 1_700_000_000, 1_700_000_000);
    await growOld(host.file);
    await host.backup();
    overwrite(host.file, MIB, Buffer.from("other"));
    utimesSync(host.file, 1_700_000_000, 1_700_000_000);
    await growOld(host.file);
    const now = Buffer.from(content);
    now.set(Buffer.from("other"), MIB);
    await host.holds(await host.backup(), now);
  });

  it("is read where it was written to while the node was stopping, and given its old time again", async () => {
    const host = frozenHost({});
    writeFileSync(host.file, content);
    utimesSync(host.file, 1_700_000_000, 1_700_000_000);
    await growOld(host.file);
    await host.backup();
    const slow = control(async () => {
      overwrite(host.file, MIB, Buffer.from("other"));
      utimesSync(host.file, 1_700_000_000, 1_700_000_000);
      await growOld(host.file);
    });
    const now = Buffer.from(content);
    now.set(Buffer.from("other"), MIB);
    await host.holds(await host.backup({ control: slow }), now);
  });

  it("is read again where it was so young that the next write could bear the same time", async () => {
    const host = frozenHost({});
    writeFileSync(host.file, content);
    await host.backup();
    const second = await host.backup();
    expect(second.figures.read).toBe(content.length);
  });

  it("is copied and stored again where what holds it is given up for want of origins", async () => {
    const host = frozenHost({});
    writeFileSync(host.file, content);
    await growOld(host.file);
    await host.backup();
    for (let n = 0; n < 4; n += 1) {
      writeFileSync(join(host.root, "news"), randomBytes(1000));
      await host.holds(await host.backup({ maxOrigins: 2 }), content);
    }
  });

  it.skipIf(!canMount)(`is always read where writes to mapped pages go unnoticed ${WITH_MOUNTS}`, async () => {
    const dir = join(tempDir(), "mounted");
    mountTmpfs(dir, "64m");
    const host = frozenHost({}, dir);
    writeFileSync(host.file, content);
    await growOld(host.file);
    await host.backup();
    expect((await host.backup()).figures.read).toBe(content.length);
  });
});
