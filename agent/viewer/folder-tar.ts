import { findEntry, type Listed, readContent, readTree, type Tree } from "../browse/index.ts";
import { type TarItem, tarBytes } from "../exchange/index.ts";

const SLASH = 0x2f;

/**
 * A folder of a snapshot with all that lies below as a tar archive, in which names begin with the folder's own; of no path
 * all of the snapshot. Made as it is read: memory does not grow with it.
 * @throws as `readTree`, in the middle of it.
 */
export function folderTar(tree: Tree, folder: Uint8Array): AsyncGenerator<Uint8Array> {
  const cut = folder.lastIndexOf(SLASH) + 1;
  return tarBytes(itemsOf(tree, folder, cut));
}

async function* itemsOf(tree: Tree, folder: Uint8Array, cut: number): AsyncGenerator<TarItem> {
  for await (const walked of readTree(tree, (path) => isIn(path, folder))) {
    if ("bytes" in walked) {
      yield walked;
      continue;
    }
    const { entry } = walked;
    // A link to what is not in the archive would come to nothing, so it brings the content along.
    const outside = entry.type === "hardlink" && entry.target !== undefined && !isIn(entry.target, folder);
    const from = outside && entry.target !== undefined ? await findEntry(tree, entry.target) : null;
    if (from === null) {
      yield { entry: named(entry, cut) };
      continue;
    }
    const { target: _, ...own } = named(entry, cut);
    yield { entry: { ...own, type: "file", size: from.size } };
    for await (const bytes of readContent(tree, from.path)) yield { bytes };
  }
}

function named({ path, type, mode, uid, gid, mtime, size, target }: Listed, cut: number) {
  const to = target === undefined ? {} : { target: type === "hardlink" ? target.subarray(cut) : target };
  return { path: path.subarray(cut), type, mode, uid, gid, mtime: mtime.seconds, size, ...to };
}

/** The folder itself, and what lies below. */
function isIn(path: Uint8Array, folder: Uint8Array): boolean {
  if (folder.length === 0) return true;
  if (path.length < folder.length || Buffer.compare(path.subarray(0, folder.length), folder) !== 0) return false;
  return path.length === folder.length || path[folder.length] === SLASH;
}
