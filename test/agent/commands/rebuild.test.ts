import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import type { openStore } from "../../../vault/store/index.ts";
import { runHere } from "../../cli/run.ts";
import { cardWorld } from "../../support/cards.ts";
import type { MemoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

let store: MemoryStore | undefined;

// Hundreds of snapshots are made faster in memory than on a disk; what is counted is the same.
vi.mock(import("../../../vault/store/index.ts"), async (original) => ({
  ...(await original()),
  openStore: (async () => store) as unknown as typeof openStore,
}));

it("counts all snapshots, also those that left index.json for the file of their month", async () => {
  const world = await cardWorld();
  for (let made = 0; made < 503; made += 1) await world.snapshot({ packs: 1 });
  store = world.store;
  const config = join(tempDir(), "config.yaml");
  const text = `version: 1
vault: file:///nowhere
vault_id: ${world.vault}
state_dir: /nowhere/state
encrypt_key: /nowhere/key
nodes:
  ${world.node}: { profile: files, roots: { data: /nowhere/data }, service: { manager: none } }
`;
  writeFileSync(config, text);
  const run = (...words: string[]) => runHere([...words, "--config", config]);
  expect(await run("rebuild")).toMatchObject({
    code: 0,
    stdout: `The index of ${world.node} was made anew: 503 snapshots.\n`,
  });
  expect(JSON.parse((await run("rebuild", "--json")).stdout)).toMatchObject({ changed: false, snapshots: 503 });
  expect((await run("list")).stdout.trim().split("\n")).toHaveLength(504);
  expect((await run("list", "--limit", "502")).stdout.trim().split("\n")).toHaveLength(503);
});
