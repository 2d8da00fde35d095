import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { names, toSnapshotId } from "../../../vault/names/index.ts";
import { openDirectoryStore } from "../../../vault/store/index.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { tempDir } from "../../support/tmp.ts";
import { partBytes } from "../../support/trees.ts";

const isImmutable = (path: string) => path.endsWith(".ldb");
const MIB = 1 << 20;

/** A host with a directory vault and some 3 MiB, of which a secret file has its own pack. */
async function host(dir: string) {
  const store = await openDirectoryStore(join(dir, "vault"), { create: true });
  const made = backupHost(dir, store);
  for (let n = 0; n < 3; n += 1)
    writeFileSync(join(made.root, `${n}.ldb`), partBytes({ seed: 3 * n + 1, length: MIB }));
  mkdirSync(join(made.root, "empty"));
  return made;
}

function killed(dir: string, ordinal: number, when: "before" | "after") {
  const child = join(import.meta.dirname, "../../support/backup-child.ts");
  return spawnSync(process.execPath, [child, dir, String(ordinal), when], { encoding: "utf8" });
}

function loadKeys(dir: string, keys: Map<string, Uint8Array>): void {
  for (const line of readFileSync(join(dir, "keys"), "utf8").trim().split("\n")) {
    const [id = "", hex = ""] = line.split(" ");
    keys.set(id, new Uint8Array(Buffer.from(hex, "hex")));
  }
}

async function cards(store: Awaited<ReturnType<typeof openDirectoryStore>>): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list(names.snapshotsFolder(NODE))) {
    const bytes = (await store.get(name))?.bytes ?? new Uint8Array();
    if (Buffer.from(bytes).toString().startsWith('{"core":')) found.push(name);
  }
  return found;
}

// The creates of such a run: node.json, begin, key.json, data pack, segment pack, pack list, manifest, card.
const CREATES = ["node.json", "begin", "key.json", "data pack", "segment pack", "pack list", "manifest", "card"];

/** Some points for real; the fault tests end the run around every call by throwing, which is far cheaper. */
const KILLS = [
  ["after", "key.json", 3],
  ["after", "data pack", 4],
  ["before", "segment pack", 5],
  ["before", "card", 8],
  ["after", "card", 8],
] as const;

describe("a backup killed by SIGKILL", () => {
  it.each(KILLS)(
    "%s the create of its %s leaves nothing visible or all, and the next run goes on from what was received",
    async (when, what, ordinal) => {
      const dir = tempDir();
      const made = await host(dir);
      const child = killed(dir, ordinal, when);
      expect(child.signal).toBe("SIGKILL");
      const committed = what === "card" && when === "after";
      expect(await cards(made.store as never)).toHaveLength(committed ? 1 : 0);

      const next = await made.backup({ isImmutable });
      if (ordinal > 1) loadKeys(dir, made.keys.keys);
      const read = await made.read(next.snapshot);
      expect(read.entries.filter((e) => e.type === "file")).toHaveLength(3);
      for (let n = 0; n < 3; n += 1) {
        const file = read.entries.find((e) => Buffer.from(e.path).toString() === `data/${n}.ldb`);
        expect(file?.content.equals(partBytes({ seed: 3 * n + 1, length: MIB }))).toBe(true);
      }
      // The data pack counts as received once its receipt is on disk: when the next create is reached.
      const adopted = ordinal > CREATES.indexOf("data pack") + 1 && !committed;
      // A segment pack that was received holds the very list of entries that the next run writes.
      expect(read.card.core.origins).toHaveLength(adopted && what === "segment pack" ? 2 : 1);
      expect(next.card.core.bytes.added).toBe(adopted ? 0 : 3 * MIB);
    },
  );

  it("three times in a row loses nothing that was received: adopters are adopted in their turn", async () => {
    const dir = tempDir();
    const made = await host(dir);
    killed(dir, 6, "before");
    // The second run dies right after closing the first, before it put anything of its own.
    killed(dir, 2, "before");
    writeFileSync(join(made.root, "3.ldb"), partBytes({ seed: 31, length: MIB }));
    killed(dir, 6, "before");
    loadKeys(dir, made.keys.keys);
    const last = await made.backup({ isImmutable });
    expect(last.card.core.bytes.added).toBe(0);
    expect((await made.read(last.snapshot)).entries.filter((e) => e.type === "file")).toHaveLength(4);
    const begin = await made.store.get(names.begin(NODE, last.snapshot));
    const { adopts } = JSON.parse(Buffer.from(begin?.bytes ?? []).toString()) as { adopts: string[] };
    expect(adopts).toHaveLength(3);
    for (const id of adopts) {
      const card = await made.store.get(names.card(NODE, toSnapshotId(id)));
      expect(Buffer.from(card?.bytes ?? []).toString()).toContain('"state":"adopted"');
    }
  });
});
