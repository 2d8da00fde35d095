import type { WrittenConfig } from "./schema.ts";

interface Place {
  readonly node: string;
  readonly root: string;
  readonly path: string;
}

/**
 * Each folder is one node's and one root's: two nodes on the same files damage them, and one that is stopped would be
 * backed up while the other goes on writing.
 */
export function sharedRoots({ nodes }: Pick<WrittenConfig, "nodes">): { path: readonly string[]; words: string }[] {
  const all = Object.entries(nodes).flatMap(([node, { roots }]) =>
    Object.entries(roots).map(([root, path]): Place => ({ node, root, path })),
  );
  return all.flatMap((one, i) => {
    const other = all.slice(0, i).find(({ path }) => isIn(path, one.path) || isIn(one.path, path));
    if (other === undefined) return [];
    const where = one.path === other.path ? "the same folder as" : "inside, or around,";
    const words = `${one.path} is ${where} root ${other.root} of node ${other.node}, ${other.path}; a folder is one node's only`;
    return [{ path: ["nodes", one.node, "roots", one.root], words }];
  });
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
