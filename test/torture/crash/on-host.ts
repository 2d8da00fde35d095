import { join } from "node:path";
import { faultLibrary } from "../fault/fault.ts";
import type { Campaign, Context } from "../types.ts";
import { endWorld, makeWorld, type World } from "../world.ts";
import { type ImportHost, importHost } from "./deeds.ts";

/** A campaign whose calamities come by the fault library, on a host of its own with something to import. */
export function onHost(
  play: (context: Context, world: World, imports: ImportHost) => Promise<void>,
): Pick<Campaign, "missing" | "run"> {
  return {
    async missing() {
      const library = faultLibrary();
      return typeof library === "string" ? null : library.missing;
    },
    async run(context) {
      const world = await makeWorld(join(context.scratch, "host"));
      const imports = importHost(join(context.scratch, "imports"));
      try {
        await play(context, world, imports);
      } finally {
        endWorld(world);
        imports.end();
      }
    },
  };
}
