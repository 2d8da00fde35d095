import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRestore, runRestore } from "../../../agent/restore/index.ts";
import { runVerify } from "../../../agent/verify/index.ts";
import { publicKeyOf } from "../../../vault/card/index.ts";
import { silent } from "../../../vault/names/index.ts";
import { backupHost, NODE, VAULT } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { type Found, readTree } from "../../support/read-tree.ts";
import { tempDir } from "../../support/tmp.ts";
import { anyTree, growTree } from "../../support/trees.ts";

/** What must be the same; how much is allocated is the file systems' affair. */
const essence = (tree: readonly Found[]) => tree.map(({ data: _, ...rest }) => rest);

describe("backup, then restore", () => {
  it("gives the tree back as it was, bytes, modes, owners, times and links", async () => {
    await fc.assert(
      fc.asyncProperty(anyTree, async (plans) => {
        const dir = tempDir();
        const host = backupHost(dir, memoryStore());
        growTree(host.root, plans);
        const { snapshot } = await host.backup();
        const o = {
          store: host.store,
          vault: VAULT,
          node: NODE,
          snapshot,
          identities: [host.keys],
          pinnedKey: publicKeyOf(host.state.signingKey),
          targets: { to: join(dir, "out") },
          assertStopped: async () => {},
          keepOld: false,
          keepSpecialBits: true,
          stateDir: join(dir, "restore-state"),
          workers: 1,
          progress: silent,
          signal: new AbortController().signal,
        };
        const { origin } = await runRestore(await planRestore(o), o);
        expect(origin).toBe("pinned");
        expect(essence(readTree(join(dir, "out/data")))).toEqual(essence(readTree(host.root)));
        const verified = await runVerify({ ...o, readData: true });
        expect(verified).toMatchObject({ ok: true, damages: [] });
      }),
      { numRuns: 6 },
    );
  });
});
