import type { BlockFile } from "../types.ts";

/** `<chain>/bfdb/<index of its first block>.fdb`, or with `.END` the one that is written to. */
const BLOCK_FILE = /^(?:(.*)\/)?bfdb\/(\d{20})\.fdb(\.END)?$/;

/** Whether a name in a folder is a finished block file; its number. */
export function finishedNumber(name: string): bigint | null {
  const digits = /^(\d{20})\.fdb$/.exec(name)?.[1];
  return digits === undefined ? null : BigInt(digits);
}

/**
 * Which heights the block files hold, by their names: a file is named by the index of its first block, which is its height
 * and one, and ends where the next of its chain begins. Those of a chain may lie in two folders.
 * @param unmerged ranges of heights that were brought back from an archive, whose files end before the next one begins.
 */
export function blockFilesIn(
  paths: readonly string[],
  unmerged: readonly { readonly first: number; readonly last: number }[],
): BlockFile[] {
  const found = paths.flatMap((path) => {
    const [, folder = "", digits, end] = BLOCK_FILE.exec(path) ?? [];
    const first = Number(digits ?? "0") - 1;
    if (digits === undefined || first < 0 || !Number.isSafeInteger(first)) return [];
    return [{ path, chain: folder.slice(folder.lastIndexOf("/") + 1), first, open: end !== undefined }];
  });
  found.sort((a, b) => (a.chain === b.chain ? a.first - b.first : a.chain < b.chain ? -1 : 1));
  return found.map(({ path, chain, first, open }) => {
    const next = found.find((other) => other.chain === chain && other.first > first);
    const known = unmerged.find((range) => range.first === first)?.last;
    const last = open || next === undefined ? null : next.first - 1;
    return { path, chain, first, last: known ?? last };
  });
}
