import { sign, verify } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { initNodeState, openNodeState } from "../../../agent/state/index.ts";
import { isColdkeepError, toNodeName, toSnapshotId } from "../../../vault/names/index.ts";
import { tempDir } from "../../support/tmp.ts";

const node = toNodeName("icon-1");
const asRoot = process.geteuid?.() === 0;

function failure(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (isColdkeepError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a node's state", () => {
  it("is private: folders 0700 and files 0600, whatever the umask", () => {
    const dir = join(tempDir(), "state");
    const before = process.umask(0);
    try {
      const { state } = initNodeState(dir, node);
      state.chunkKey("aes-256-gcm");
      state.nextSequence(0);
      state.runs.make(toSnapshotId("20260115T000000Z-0123456789abcdef"));
      for (const path of [dir, state.folder, join(state.folder, "runs")]) {
        expect(lstatSync(path).mode & 0o777, path).toBe(0o700);
      }
      const files = readdirSync(state.folder).filter((n) => n !== "runs");
      expect(files.sort()).toEqual(["card-signing.pem", "chunk-aes-256-gcm.key", "sequence.json"]);
      for (const name of files) expect(lstatSync(join(state.folder, name)).mode & 0o777, name).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  it("keeps one signing key for ever, and never makes one in silence", () => {
    const dir = tempDir();
    const missing = failure(() => openNodeState(dir, node));
    expect(missing.kind).toBe("not-found");
    expect(missing.message).toContain("coldkeep init");
    const first = initNodeState(dir, node);
    const second = initNodeState(dir, node);
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.state.publicKey).toBe(first.state.publicKey);
    const signature = sign(null, Buffer.from("card"), first.state.signingKey);
    expect(verify(null, Buffer.from("card"), openNodeState(dir, node).signingKey, signature)).toBe(true);
    expect(Buffer.from(first.state.publicKey, "base64url")).toHaveLength(32);
  });

  it("refuses a damaged signing key without showing any of it, and does not replace it", () => {
    const dir = tempDir();
    const { state } = initNodeState(dir, node);
    const path = join(state.folder, "card-signing.pem");
    const broken = readFileSync(path, "utf8").replace("MC4C", "XXXX");
    writeFileSync(path, broken);
    const error = failure(() => initNodeState(dir, node));
    expect(error.kind).toBe("key");
    expect(error.message).not.toContain(broken.split("\n")[1]);
    expect(readFileSync(path, "utf8")).toBe(broken);
  });

  it.each([
    ["folder", "", 0o750],
    ["signing key", "card-signing.pem", 0o640],
    ["chunk key", "chunk-aes-256-gcm.key", 0o604],
  ])("refuses a %s that others can get at, and says how to close it", (_what, name, mode) => {
    const dir = tempDir();
    const { state } = initNodeState(dir, node);
    state.chunkKey("aes-256-gcm");
    chmodSync(join(state.folder, name), mode);
    const error = failure(() => openNodeState(dir, node).chunkKey("aes-256-gcm"));
    expect(error.kind).toBe("permission");
    expect(error.message).toContain(mode.toString(8));
    expect(error.message).toContain("chmod");
  });

  it("follows no symlink in place of the key, and takes no file in place of the folder", () => {
    const dir = tempDir();
    const elsewhere = initNodeState(join(dir, "a"), node).state;
    mkdirSync(join(dir, "b", node), { recursive: true, mode: 0o700 });
    symlinkSync(join(elsewhere.folder, "card-signing.pem"), join(dir, "b", node, "card-signing.pem"));
    expect(failure(() => openNodeState(join(dir, "b"), node)).message).toContain("ELOOP");
    writeFileSync(join(dir, "file"), "");
    expect(failure(() => openNodeState(join(dir, "file"), node)).kind).toBe("refused");
    expect(failure(() => openNodeState(join(dir, "c", "file"), node)).kind).toBe("not-found");
  });

  it.skipIf(asRoot)("says so where it may not make its folder (needs a user that is not root)", () => {
    const dir = tempDir();
    chmodSync(dir, 0o500);
    expect(failure(() => initNodeState(join(dir, "state"), node)).kind).toBe("permission");
  });

  it("gives each suite its own chunk key, the same one each time, and refuses one of a wrong length", () => {
    const { state } = initNodeState(tempDir(), node);
    const aes = state.chunkKey("aes-256-gcm");
    expect(aes).toHaveLength(32);
    expect(state.chunkKey("aes-256-gcm")).toEqual(aes);
    expect(state.chunkKey("sm4-gcm")).not.toEqual(aes);
    writeFileSync(join(state.folder, "chunk-sm4-gcm.key"), "short");
    const error = failure(() => state.chunkKey("sm4-gcm"));
    expect(error.kind).toBe("key");
    expect(error.message).toContain("5 bytes");
  });

  it("stretches a key once: the same parameters by label and suite, whatever the label spells", () => {
    const { state } = initNodeState(tempDir(), node);
    let made = 0;
    const make = () => ({ kdf: "scrypt", salt: `s${++made}`, n: 131072, r: 8, p: 1 });
    const first = state.stretch("__proto__", "aes-256-gcm", make);
    expect(state.stretch("__proto__", "aes-256-gcm", make)).toEqual(first);
    expect(state.stretch("file", "aes-256-gcm", make)).not.toEqual(first);
    expect(state.stretch("toString", "sm4-gcm", make).salt).toBe("s3");
    writeFileSync(join(state.folder, "stretch.json"), '{"aes-256-gcm file": 7}');
    expect(failure(() => state.stretch("file", "aes-256-gcm", make)).kind).toBe("integrity");
  });

  it("never gives a sequence number twice, and goes above what the vault bears", () => {
    const dir = tempDir();
    const { state } = initNodeState(dir, node);
    expect(state.nextSequence(0)).toBe(1);
    expect(openNodeState(dir, node).nextSequence(0)).toBe(2);
    expect(state.nextSequence(40)).toBe(41);
    expect(state.nextSequence(7)).toBe(42);
    expect(state.lastSequence).toBe(42);
    writeFileSync(join(state.folder, "sequence.json"), '{"last": -1}');
    expect(failure(() => state.nextSequence(0)).kind).toBe("integrity");
  });

  it("remembers its parent, and tells a torn file from none", () => {
    const { state } = initNodeState(tempDir(), node);
    expect(state.parent).toBeNull();
    const id = toSnapshotId("20260115T000000Z-bh7-0123456789abcdef");
    state.setParent(id);
    expect(state.parent).toBe(id);
    writeFileSync(join(state.folder, "parent.json"), '{"snapshot": "2026');
    const error = failure(() => state.parent);
    expect(error.kind).toBe("integrity");
    expect(error.message).toContain("remove the file");
  });

  it("lists runs and nothing else, and forgets them on request", () => {
    const { state } = initNodeState(tempDir(), node);
    const [a, b] = ["20260115T000000Z-0123456789abcdef", "20260114T000000Z-bh9-0123456789abcdef"].map(toSnapshotId);
    if (a === undefined || b === undefined) throw new Error("two ids");
    state.runs.make(a);
    state.runs.make(b);
    mkdirSync(join(state.folder, "runs", "notes"));
    expect(state.runs.list()).toEqual([b, a]);
    state.runs.remove(b);
    expect(state.runs.list()).toEqual([a]);
    expect(existsSync(state.runs.folder(a))).toBe(true);
  });

  it("lets one work on a node at a time", () => {
    const { state } = initNodeState(tempDir(), node);
    const lock = state.lock("backup of icon-1");
    const error = failure(() => state.lock("restore of icon-1"));
    expect(error.kind).toBe("busy");
    expect(error.message).toContain("backup of icon-1");
    lock.release();
    state.lock("restore of icon-1").release();
  });
});
