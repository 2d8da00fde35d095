import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { planRestore, runRestore } from "../../../agent/restore/index.ts";
import { readShareToken } from "../../../agent/share/index.ts";
import { runVerify } from "../../../agent/verify/index.ts";
import { isVaultId, silent, toNodeName, toSnapshotId } from "../../../vault/names/index.ts";
import { keyIdentity } from "../../../vault/sealed/index.ts";
import { openDirectoryStore } from "../../../vault/store/index.ts";
import { localTicketMac, readTicket } from "../../../vault/ticket/index.ts";
import { asFound, COMPAT_SECRETS, type ExpectedEntry } from "../../compat/tree.ts";
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

  it("its share, whose ticket is still taken, gives what is not secret to somebody without any key", async () => {
    const { ticket, key: shareKey } = readShareToken(expected.share);
    const {
      tid,
      snapshot = "",
      ...said
    } = await readTicket(ticket, localTicketMac(Buffer.from(expected.ticket_key, "base64url")));
    expect(said).toMatchObject({ kind: "share", node: expected.node, card_key: expected.pin });
    const dir = tempDir();
    const o = { ...(await options(snapshot, join(dir, "out"), join(dir, "state"))), identities: [] };
    const shared = { ...o, share: { tid, key: shareKey } };
    await runRestore(await planRestore(shared), shared);
    const open = (expected.snapshots[snapshot] as ExpectedEntry[]).filter(({ path }) => !COMPAT_SECRETS.includes(path));
    expect(readTree(join(dir, "out"))).toMatchObject(open.map((entry) => asFound(entry, can)));
    const other = { ...o, share: { tid, key: shareKey.map((byte) => byte ^ 1) } };
    await expect(planRestore(other)).rejects.toThrow(/wrong key or damaged header/);
  });

  it.each(Object.keys(expected.snapshots))("%s is verified with its data", async (id) => {
    const dir = tempDir();
    const result = await runVerify({ ...(await options(id, "", dir)), readData: true });
    expect(result).toMatchObject({ ok: true, damages: [], origin: "pinned" });
  });
});
