import { type Dirent, readdirSync } from "node:fs";
import type { ListedObject, Lister } from "../facets.ts";
import { isNamePart, splitPrefix } from "../object-name.ts";
import { vaultError } from "./errors.ts";
import { infoOf, statObject } from "./files.ts";
import { inTheWay, type OpenFolder, openFolder, type VaultRoot } from "./folders.ts";

/**
 * Lister over a folder. What cannot be an object's name (hidden files, `lost+found`, an editor's `~` copies) is not
 * listed. A symbolic link or a special file under a legal name is an error: what lies behind it could not be told.
 */
export function directoryLister(root: VaultRoot): Lister {
  return {
    list: (prefix) => {
      const { folder, start } = splitPrefix(prefix);
      return listFolder(root, folder, start);
    },
  };
}

async function* listFolder(root: VaultRoot, parts: readonly string[], start: string): AsyncGenerator<ListedObject> {
  const path = parts.map((part) => `${part}/`).join("");
  const folder = guarded(root, path, () => openFolder(root, parts, false));
  if (folder === null) return;
  try {
    for (const entry of guarded(root, path, () => readSorted(folder, start))) {
      const name = path + entry.name;
      if (entry.folder) {
        yield* listFolder(root, [...parts, entry.name], "");
        continue;
      }
      const stats = guarded(root, name, () => statObject(root, folder, entry.name, name));
      if (stats !== null) yield { name, info: infoOf(stats) };
    }
  } finally {
    folder.close();
  }

  function readSorted(opened: OpenFolder, beginning: string) {
    const found = readdirSync(opened.at("."), { withFileTypes: true, encoding: "buffer" });
    const entries = found.map((entry) => ({ name: entry.name.toString("latin1"), entry }));
    return entries
      .filter(({ name }) => isNamePart(name) && name.startsWith(beginning))
      .map(({ name, entry }) => ({ name, folder: isFolder(root, path + name, entry) }))
      .sort(byWholeName);
  }
}

function isFolder(root: VaultRoot, name: string, entry: Dirent<Buffer>): boolean {
  if (entry.isDirectory()) return true;
  if (entry.isFile()) return false;
  throw inTheWay(root, name, entry.isSymbolicLink() ? "a symbolic link" : "a special file");
}

/** A folder sorts as the names in it do, that is with its slash: `a-b` comes before `a/b`. */
function byWholeName(a: SortedEntry, b: SortedEntry): number {
  const left = a.folder ? `${a.name}/` : a.name;
  const right = b.folder ? `${b.name}/` : b.name;
  return left < right ? -1 : left > right ? 1 : 0;
}

interface SortedEntry {
  readonly name: string;
  readonly folder: boolean;
}

function guarded<T>(root: VaultRoot, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw vaultError(error, "cannot list the vault", `${root.path}/${name}`);
  }
}
