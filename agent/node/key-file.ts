import { closeSync, constants, fchmodSync, fsyncSync, openSync, statSync, writeSync } from "node:fs";
import { messageOf, type Progress } from "../../vault/names/index.ts";
import type { CallOptions, NodeControl } from "./types.ts";

/** A file that a node reads its key from when it starts, and empties: somebody has to fill it before each start. */
export interface NodeKeyFile {
  /** Absolute. */
  readonly path: string;
  /** What belongs in it. @throws ColdkeepError, which never tells it. */
  read(): Buffer;
}

/**
 * Fills the node's key file, readable by its owner alone, where the node does not run. A running node has read it already,
 * and would leave the key lying on the disk. What fails is warned of: the node is asked to start all the same.
 */
export async function fillKeyFile(control: NodeControl, progress: Progress, options: CallOptions): Promise<void> {
  const { keyFile, manager } = control;
  if (keyFile === undefined) return;
  try {
    if (await manager.isRunning(options)) return;
    const key = keyFile.read();
    try {
      write(keyFile.path, key);
    } finally {
      key.fill(0);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    progress.warn(
      `the node's key file ${keyFile.path} could not be filled, and without it the node may not start: ${messageOf(error)}`,
    );
  }
}

/** Says so where the key still lies there though the node is up. */
export function lookAtKeyFile({ keyFile }: NodeControl, progress: Progress): void {
  const size = keyFile === undefined ? 0 : (statSync(keyFile.path, { throwIfNoEntry: false })?.size ?? 0);
  if (size > 0) progress.warn(`the node runs, but has not emptied its key file ${keyFile?.path}`);
}

/** In place, so that a file of the node's own user stays its own. */
function write(path: string, key: Buffer): void {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_TRUNC } = constants;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(fd, 0o600);
    for (let at = 0; at < key.length; ) at += writeSync(fd, key, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
