import { openTree, readTree } from "../../../agent/browse/index.ts";
import { isColdkeepError, messageOf, type SnapshotId, silent } from "../../../vault/names/index.ts";
import type { SmallVault } from "./vault.ts";

/** Everything there is in the snapshot, compared with what was captured. @returns what was said of damage. */
export async function readAll(vault: SmallVault, snapshot: SnapshotId, pinnedKey?: string): Promise<string[]> {
  const { store, node, identities, contents } = vault;
  const said: string[] = [];
  const progress = { ...silent, warn: (text: string) => void said.push(text) };
  const signal = new AbortController().signal;
  const pinned = pinnedKey === undefined ? {} : { pinnedKey };
  const got = new Map<string, Buffer[]>();
  try {
    const tree = await openTree({
      store,
      vault: node.vault,
      node: node.name,
      snapshot,
      identities,
      progress,
      signal,
      ...pinned,
    });
    let path = "";
    for await (const step of readTree(tree, () => true)) {
      if ("entry" in step) {
        path = Buffer.from(step.entry.path).toString("latin1");
        if (step.entry.type === "file") got.set(path, []);
      } else got.get(path)?.push(Buffer.from(step.bytes));
    }
  } catch (error) {
    if (!isColdkeepError(error) || error.kind === "internal") throw error;
    // Whatever was given out before it is right.
    assertRight(contents.get(snapshot), got, false);
    return [...said, messageOf(error)];
  }
  assertRight(contents.get(snapshot), got, true);
  return said;
}

function assertRight(
  wanted: ReadonlyMap<string, Buffer> | undefined,
  got: Map<string, Buffer[]>,
  whole: boolean,
): void {
  if (whole && got.size !== wanted?.size) throw new Error(`${got.size} files were read, ${wanted?.size} were captured`);
  for (const [path, pieces] of got) {
    const bytes = Buffer.concat(pieces);
    const right = wanted?.get(path);
    const same = right !== undefined && (whole ? right.equals(bytes) : right.subarray(0, bytes.length).equals(bytes));
    if (!same) throw new Error(`${path} was read, and is not what was captured`);
  }
}
