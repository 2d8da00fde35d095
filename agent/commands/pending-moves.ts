import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fsyncFolder, readBounded, writeFileDurable } from "../../posix/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { type RestoreOptions, type RestorePlan, type RestoreResult, runRestore } from "../restore/index.ts";
import { nodeFolder } from "../state/index.ts";
import { findingOf } from "./look.ts";
import { arrangeBlocks, type Placed } from "./place-blocks.ts";

const MAX_BYTES = 1 << 20;

/**
 * What is still to be moved after a restore is in place, as long as it is not done: on disk before the restore begins, so
 * that a run that dies between the swap and the moves is finished by the next one, and the node does not start on
 * half of it.
 */
export function pendingMoves(stateDir: string, node: NodeSettings) {
  const folder = nodeFolder(stateDir, node.name);
  const path = join(folder, "moves.json");
  let swapped = false;
  const write = ({ snapshot, roots }: Placed) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const targets = roots.map(({ target }) => target);
    writeFileDurable(path, Buffer.from(JSON.stringify({ format: 1, swapped, snapshot, targets })), 0o600);
  };
  const done = () => {
    if (!existsSync(path)) return;
    rmSync(path);
    fsyncFolder(folder);
  };
  return {
    plan: write,
    /** It is in place. */
    swapped(plan: Placed) {
      swapped = true;
      write(plan);
    },
    /** It failed: nothing is to be moved, unless it is in place. */
    failed() {
      if (!swapped) done();
    },
    /** Moves what is to be moved, and forgets it. In words. @throws ColdkeepError. */
    carryOut(plan: Placed): string[] {
      const here = findingOf(node);
      const moved = here === null ? [] : arrangeBlocks(here, plan);
      done();
      return moved;
    },
    /** Of a run that died: the moves are carried out where what it restored is in place. @throws ColdkeepError. */
    settle(isInPlace: boolean): string[] {
      const found = read(path);
      if (found === null) return [];
      if (isInPlace || found.swapped) return this.carryOut(found.plan);
      done();
      return [];
    },
  };
}

/** `runRestore`, and whoever dies after its swap has left word of what is still to be moved; null where nothing is in place. */
export async function restoreWith(
  pending: ReturnType<typeof pendingMoves> | null,
  plan: RestorePlan,
  options: RestoreOptions,
): Promise<RestoreResult> {
  pending?.plan(plan);
  try {
    return await runRestore(plan, { ...options, onSwapped: () => pending?.swapped(plan) });
  } catch (error) {
    pending?.failed();
    throw error;
  }
}

function read(path: string): { readonly swapped: boolean; readonly plan: Placed } | null {
  const bytes = readBounded(path, MAX_BYTES);
  if (bytes === null) return null;
  try {
    const { format, swapped, snapshot, targets } = JSON.parse(bytes.toString("utf8"));
    const isWell =
      format === 1 && typeof swapped === "boolean" && typeof snapshot === "string" && Array.isArray(targets);
    if (isWell && targets.every((target) => typeof target === "string")) {
      return { swapped, plan: { snapshot, roots: targets.map((target) => ({ target })) } };
    }
  } catch {
    // Told below.
  }
  throw new ColdkeepError("integrity", {
    what: "it cannot be read what an interrupted restore had still to move",
    on: path,
    why: "it is damaged, or of another version of coldkeep",
    todo: "run the same restore once more, then remove the file",
  });
}
