import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { planRestore, runRestore } from "../../../agent/restore/index.ts";
import { runVerify } from "../../../agent/verify/index.ts";
import { isVaultId, silent, toNodeName, toSnapshotId } from "../../../vault/names/index.ts";
import { keyIdentity } from "../../../vault/sealed/index.ts";
import { openDirectoryStore } from "../../../vault/store/index.ts";
import { tempDir } from "../../support/tmp.ts";
import { readTree, takesXattrs } from "./read-tree.ts";

const xattrsHere = takesXattrs();
const root = process.getuid?.() === 0;
const compat = fileURLToPath(new URL("../../compat/v1/", import.meta.url));
const expected = JSON.parse(readFileSync(join(compat, "expected.json"), "utf8"));
const latin1 = (base64url: string) => Buffer.from(base64url, "base64url").toString("latin1");

/** One line of expected.json as `readTree` tells it. */
function lineOf(line: Record<string, unknown>) {
  const { path, target, mtime, mode, uid, gid, type, size, sha256, xattrs } = line;
  return {
    path: latin1(path as string),
    type,
    mode: type === "symlink" ? 0o777 : mode,
    ...(root ? { uid, gid } : {}),
    mtime,
    ...(size === undefined ? {} : { size, sha256 }),
    ...(target === undefined ? {} : { target: latin1(target as string) }),
    ...(xattrs === undefined || !xattrsHere ? {} : { xattrs }),
  };
}

describe("the first vault ever written", () => {
  const key = Buffer.from(expected.key);
  const options = async (id: string, to: string, stateDir: string) => {
    if (!isVaultId(expected.vault)) throw new Error("expected.json names no vault");
    return {
      store: await openDirectoryStore(join(compat, "vault"), { readonly: true }),
      vault: expected.vault,
      node: toNodeName(expected.node),
      snapshot: toSnapshotId(id),
      identities: [keyIdentity(key)],
      pinnedKey: expected.pin as string,
      targets: { to },
      assertStopped: async () => {},
      keepOld: false,
      keepSpecialBits: true,
      stateDir,
      workers: 1,
      progress: silent,
      signal: new AbortController().signal,
    };
  };

  it.each(Object.keys(expected.snapshots))("%s comes back bit for bit", async (id) => {
    const dir = tempDir();
    const o = await options(id, join(dir, "out"), join(dir, "state"));
    const { origin } = await runRestore(await planRestore(o), o);
    expect(origin).toBe("pinned");
    const found = readTree(join(dir, "out"));
    const wanted = expected.snapshots[id].map(lineOf);
    expect(found.map(({ path }) => path)).toEqual(wanted.map(({ path }: { path: string }) => path));
    for (const [n, line] of wanted.entries()) expect(found[n]).toMatchObject(line);
  });

  it.each(Object.keys(expected.snapshots))("%s is verified with its data", async (id) => {
    const dir = tempDir();
    const result = await runVerify({ ...(await options(id, "", dir)), readData: true });
    expect(result).toMatchObject({ ok: true, damages: [], origin: "pinned" });
  });
});
