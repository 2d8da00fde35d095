import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FILE_SYSTEMS, mountFresh, obstacleTo } from "./support/loop.ts";
import { makeWorld } from "./support/world.ts";

interface BackupAnswer {
  readonly figures: {
    readonly freeze: { readonly reflinked: number; readonly linked: number; readonly copied: number };
  };
}

describe("a node on a real file system", () => {
  for (const system of FILE_SYSTEMS) {
    const obstacle = obstacleTo(system);
    const title = obstacle === null ? system.name : `${system.name} (${obstacle})`;
    it.skipIf(obstacle !== null)(`is backed up twice and restored: ${title}`, async () => {
      const world = await makeWorld({ blocks: 8000, home: join(mountFresh(system, 768), "home") });
      const { figures } = await world.json<BackupAnswer>("backup");
      // A LevelDB fresh from its bulk load has no table older than its log; after a restart all of them are.
      if (system.reflinks) expect(figures.freeze.reflinked).toBeGreaterThan(0);
      else expect(figures.freeze.copied).toBeGreaterThan(0);
      await world.node.reach((await world.node.height()) + 200, new AbortController().signal);
      const second = await world.json<BackupAnswer>("backup");
      expect(second.figures.freeze.linked).toBeGreaterThan(0);
      const { blocks, recorded } = await world.restoreAndCompare("restored");
      expect(blocks).toBeGreaterThanOrEqual(recorded);
      expect(recorded).toBeGreaterThanOrEqual(8200);
    });
  }
});
