import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { isColdkeepError } from "../../../vault/names/index.ts";
import type { ApprovedPlan } from "../../../vault/store/facets.ts";
import { hashed } from "../../../vault/store/hashed.ts";
import { openStore } from "../../../vault/store/index.ts";
import { retrying } from "../../../vault/store/retrying.ts";
import { tempDir } from "../../support/tmp.ts";

/** A disk or a share of which some fsyncs fail; all others go well, as they do on Linux after one that did not. */
const disk = vi.hoisted(() => ({
  fails: null as ((isFolder: boolean) => string | null) | null,
  failed: [] as string[],
}));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const errorOf = (fd: number) => {
    const code = disk.fails?.(real.fstatSync(fd).isDirectory()) ?? null;
    if (code === null) return null;
    disk.failed.push(code);
    return Object.assign(new Error(`${code}: fsync`), { code, syscall: "fsync" });
  };
  return {
    ...real,
    fsync: (fd: number, done: (error: Error | null) => void) => {
      const error = errorOf(fd);
      if (error === null) real.fsync(fd, done);
      else setImmediate(() => done(error));
    },
    fsyncSync: (fd: number) => {
      const error = errorOf(fd);
      if (error !== null) throw error;
      real.fsyncSync(fd);
    },
  };
});

const noWait = { clock: { monotonic: () => 0 }, wait: async () => {} };
const isFinal = (error: unknown) => isColdkeepError(error, "vault") && !error.retryable;
/** Those that pass by themselves where anything but an fsync meets them. */
const PASSING = ["ESTALE", "ETIMEDOUT"];

beforeEach(() => {
  disk.fails = null;
  disk.failed = [];
});

describe.each(PASSING)("a vault in a folder whose fsync answers %s once", (code) => {
  /** The first fsync of a folder, or of a file, from now on; or the one after so many. */
  const failOnce = (of: "folder" | "file", after = 0) => {
    disk.failed = [];
    let left = after;
    disk.fails = (isFolder) => (isFolder === (of === "folder") && left-- === 0 ? code : null);
  };
  const made = async () => {
    const store = retrying(await openStore(tempDir("vault")), noWait);
    await store.create("n/there", hashed(Buffer.from("x")));
    return store;
  };

  it("puts the bytes anew, into a file that nothing was lost of", async () => {
    const store = await made();
    failOnce("file");
    expect(await store.create("n/a", hashed(Buffer.from("y")))).toMatchObject({ created: true });
    const { info } = (await store.get("n/there", { maxBytes: 9 })) ?? {};
    // The first is of its lock.
    failOnce("file", 1);
    expect(await store.replace("n/there", Buffer.from("z"), info?.etag ?? null)).toMatchObject({ replaced: true });
    expect(disk.failed).toEqual([code]);
  });

  it("does not believe the next one of the same folder: a name, a new one or another's, that may be lost is not told as put", async () => {
    const store = await made();
    failOnce("folder");
    await expect(store.create("n/a", hashed(Buffer.from("y")))).rejects.toSatisfy(isFinal);
    failOnce("folder");
    await expect(store.create("n/new/a", hashed(Buffer.from("y")))).rejects.toSatisfy(isFinal);
    const there = await store.head("n/there");
    failOnce("folder");
    await expect(store.replace("n/there", Buffer.from("z"), there?.etag ?? null)).rejects.toSatisfy(isFinal);
    expect(disk.failed).toEqual([code]);
  });

  it("leaves no folder open behind what failed", async () => {
    const store = await made();
    // Made by another process, so that the name is put on disk by whoever comes next.
    mkdirSync(join(store.url.slice("file://".length), "n/theirs"));
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    failOnce("folder");
    await expect(store.create("n/theirs/a", hashed(Buffer.from("y")))).rejects.toSatisfy(isFinal);
    expect(disk.failed).toEqual([code]);
    expect(open()).toBe(before);
  });

  it("does not believe the next one of a file that lies there already", async () => {
    const store = await made();
    // The first is of the file that is to be put, the second of the one that has the name.
    failOnce("file", 1);
    await expect(store.create("n/there", hashed(Buffer.from("x")))).rejects.toSatisfy(isFinal);
    expect(disk.failed).toEqual([code]);
  });

  it("does not say that it deleted what may come back", async () => {
    const store = await openStore(tempDir("vault"));
    await store.create("n/there", hashed(Buffer.from("x")));
    const { etag } = (await store.head("n/there")) ?? {};
    const plan = { objects: [{ name: "n/there", etag }] } as unknown as ApprovedPlan;
    failOnce("folder");
    await expect(store.delete(plan)[Symbol.asyncIterator]().next()).rejects.toSatisfy(isFinal);
    expect(disk.failed).toEqual([code]);
  });
});
