import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { planRestore, runRestore } from "../../../agent/restore/index.ts";
import { runVerify } from "../../../agent/verify/index.ts";
import { isVaultId, silent, toNodeName, toSnapshotId } from "../../../vault/names/index.ts";
import { keyIdentity } from "../../../vault/sealed/index.ts";
import { openDirectoryStore } from "../../../vault/store/index.ts";
import { asFound, type ExpectedEntry } from "../../compat/tree.ts";
import { readTree, takesXattrs } from "../../support/read-tree.ts";
import { tempDir } from "../../support/tmp.ts";

const can = { owners: process.getuid?.() === 0, xattrs: takesXattrs() };

describe.each(["v1", "v1-sm4"])("the first vault ever written, %s", (name) => {
  const compat = fileURLToPath(new URL(`../../compat/${name}/`, import.meta.url));
  const expected = JSON.parse(readFileSync(join(compat, "expected.json"), "utf8"));
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
    expect(found).toMatchObject(expected.snapshots[id].map((entry: ExpectedEntry) => asFound(entry, can)));
  });

  it.each(Object.keys(expected.snapshots))("%s is verified with its data", async (id) => {
    const dir = tempDir();
    const result = await runVerify({ ...(await options(id, "", dir)), readData: true });
    expect(result).toMatchObject({ ok: true, damages: [], origin: "pinned" });
  });
});
