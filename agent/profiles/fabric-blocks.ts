import { leveldb } from "./leveldb.ts";
import { foldersIn } from "./search.ts";
import type { CaptureRule, FolderRule, FolderView, Look, RootView } from "./types.ts";

/** Files of a channel's blocks (fabric/common/ledger/blkstorage): numbered from 0, the one of the highest number grows. */
const BLOCKS = /^blockfile_(\d{6,})$/;

/** The private half of an MSP or of TLS: written by cryptogen and fabric-ca under these names. */
const KEY = /(?:^|_)sk$|^(?:key|server\.key|client\.key|.*\.key)(?:\.pem)?$/;

/** What peers and orderers have in common: block files, databases of goleveldb, and keys where an MSP lies in a root. */
export const FABRIC_RULES: readonly CaptureRule[] = [
  {
    files: "*_sk, *.key, key.pem, and all of keystore/",
    mutability: "mutable",
    secret: true,
    why: "private keys of an MSP or of TLS, where one lies in a root: in packs of their own, and in no share",
    of:
      ({ path }) =>
      (name) =>
        /(?:^|\/)keystore$/.test(path) || KEY.test(name),
  },
  {
    files: "blockfile_*, but the one of the highest number",
    mutability: "immutable",
    why: "once the next file of a channel is begun, a block file is never written again (but by `peer node rollback` and `reset`)",
    of(folder) {
      const highest = highestBlockFile(folder);
      return (name) => BLOCKS.test(name) && numberOf(name) < highest;
    },
  },
  {
    files: "blockfile_*, the one of the highest number",
    mutability: "append-only",
    why: "blocks are appended to it",
    of: () => (name) => BLOCKS.test(name),
  },
];

/** Of goleveldb: what else lies there. */
export const FABRIC_DATABASES: readonly CaptureRule[] = leveldb.rules;

/** A rule for folders of these paths, below any root. */
export function foldersOf(folder: string, pattern: RegExp, why: string): FolderRule {
  return { folder, why, matches: (path) => pattern.test(path) };
}

/** Channels whose blocks lie below the roots, by their folders; `parent` is how the folder above them ends. */
export function channelsIn(look: Look, roots: readonly RootView[], parent: RegExp): readonly string[] {
  const found = new Set<string>();
  for (const { folder, files } of foldersIn(look, roots)) {
    const [, above, channel] = /^(.*)\/([^/]+)$/.exec(folder) ?? [];
    if (above === undefined || channel === undefined || !parent.test(above)) continue;
    if (files.some((name) => BLOCKS.test(name))) found.add(channel);
  }
  return [...found].sort();
}

function highestBlockFile({ files }: FolderView): bigint {
  return files.reduce((highest, name) => {
    const number = BLOCKS.test(name) ? numberOf(name) : -1n;
    return number > highest ? number : highest;
  }, -1n);
}

function numberOf(name: string): bigint {
  return BigInt(BLOCKS.exec(name)?.[1] ?? -1);
}
