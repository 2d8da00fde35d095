import { statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LARGE, makeHost } from "../cli/host.ts";
import { FILE_SYSTEMS, mountToMove, obstacleTo } from "./support/loop.ts";

interface Answer {
  readonly figures: { readonly read: number; readonly reused: number };
}

describe("a boot that gives a disk another number", () => {
  for (const system of FILE_SYSTEMS) {
    const obstacle = obstacleTo(system);
    const title = obstacle === null ? system.name : `${system.name} (${obstacle})`;
    it.skipIf(obstacle !== null)(`has nothing read again: ${title}`, async () => {
      const { mounted, move } = mountToMove(system, 320);
      const host = await makeHost(mounted);
      host.change(/^( +)profile: files$/m, "$&\n$1immutable: ['**']");
      // Written long before: what is younger than the clock is coarse is read again anyway.
      for (const name of ["large", "small"]) utimesSync(join(host.data, name), 1_600_000_000, 1_600_000_000);
      const first = await host.json<Answer>("backup");
      expect(first.figures.read).toBeGreaterThanOrEqual(LARGE);
      const was = statSync(host.data).dev;
      move();
      expect(statSync(host.data).dev).not.toBe(was);
      const second = await host.json<Answer>("backup");
      expect(second.figures.read).toBe(0);
      await host.json("restore", "latest", "--to", join(mounted, "restored"));
    });
  }
});
