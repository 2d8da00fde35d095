import { ColdkeepError } from "../../vault/names/index.ts";
import { listTree, type Tree } from "../browse/index.ts";
import { type BlockFile, profileOf } from "../profiles/index.ts";

/** Heights that are asked for, of one chain or of all. */
export interface BlockRange {
  readonly chain?: string;
  readonly first: number;
  readonly last: number;
}

/** A snapshot's files of blocks, told by their names. @throws ColdkeepError `usage` where its profile knows none. */
export async function blockFilesOf(tree: Tree): Promise<readonly BlockFile[]> {
  const { core } = tree.opened.card;
  const { blockFiles } = profileOf(core.profile);
  if (blockFiles === undefined) {
    const why = `profile ${core.profile} knows no files that are named by heights`;
    throw new ColdkeepError("usage", { what: "--blocks means nothing here", on: core.snapshot, why });
  }
  const paths: string[] = [];
  for await (const entries of listTree(tree, { path: null, deep: true })) {
    for (const { path, type } of entries)
      if (type === "file" || type === "hardlink") paths.push(Buffer.from(path).toString("latin1"));
  }
  return blockFiles(paths, unmergedIn(core.tags));
}

/** The files that hold these heights. @throws ColdkeepError `not-found` where none does. */
export async function filesHolding(tree: Tree, { chain, first, last }: BlockRange): Promise<readonly string[]> {
  const files = await blockFilesOf(tree);
  const heights = tree.opened.card.core.heights;
  const found = files.filter(
    (file) =>
      (chain === undefined || file.chain === chain) &&
      file.first <= last &&
      (file.last ?? heights?.[file.chain] ?? heights?.[""] ?? Number.MAX_SAFE_INTEGER) >= first,
  );
  if (found.length > 0) return found.map(({ path }) => path);
  const lowest = files.reduce((least, file) => Math.min(least, file.first), Number.MAX_SAFE_INTEGER);
  throw new ColdkeepError("not-found", {
    what: "no file of the snapshot holds these heights",
    on: `${first}-${last}${chain === undefined ? "" : ` of ${chain}`}`,
    why: files.length === 0 ? "it holds no block files" : `the lowest it holds is ${lowest}`,
    todo: `\`coldkeep show ${tree.opened.manifest.snapshot} --blocks\` lists what it holds`,
  });
}

/** Of a card's tags: heights that were brought back from an archive. */
function unmergedIn(tags: readonly string[]) {
  return tags.flatMap((tag) => {
    const [, first, last] = /(?:^|:)unmerged:(\d+)-(\d+)$/.exec(tag) ?? [];
    return first === undefined ? [] : [{ first: Number(first), last: Number(last) }];
  });
}
