import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeTool } from "./tool.ts";
import type { CallOptions } from "./types.ts";

/** A folder in a container that is no volume, and the folder of this host that it is copied to. */
export interface CopiedFolder {
  readonly inside: string;
  /** Absolute, existing; what is in it is replaced. */
  readonly outside: string;
}

/** Beside the files that it will become: a copy that was cut off is never taken for one that was not. */
const STAGED = ".coldkeep-copy";

/**
 * Copies folders out of a stopped container, as `docker cp` streams them: with owners, modes and times. Each is copied
 * whole and only then put in the place of the copy before, as other files: nothing that was linked from that one changes.
 */
export function copyOut(program: "docker" | "podman", container: string, folders: readonly CopiedFolder[]) {
  const docker = makeTool([program]);
  return async (options: CallOptions): Promise<void> => {
    for (const { inside, outside } of folders) {
      const staged = join(outside, STAGED);
      rmSync(staged, { recursive: true, force: true });
      mkdirSync(staged, { mode: 0o700 });
      // The dot is for what is in the folder, and not the folder itself.
      const words = ["cp", "--archive", `${container}:${inside}/.`, staged];
      await docker.must(words, options, "node-stop", "the container's files could not be copied out of it");
      for (const name of readdirSync(outside)) {
        if (name !== STAGED) rmSync(join(outside, name), { recursive: true, force: true });
      }
      for (const name of readdirSync(staged)) renameSync(join(staged, name), join(outside, name));
      rmSync(staged, { recursive: true, force: true });
    }
  };
}
