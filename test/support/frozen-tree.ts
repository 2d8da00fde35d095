import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from "node:fs";
import type { FreezeOptions, FreezeRoot, FrozenEntry, FrozenTree, PreparedFreeze } from "../../agent/freeze/types.ts";
import type { Heights } from "../../vault/card/types.ts";

export interface TreeRules {
  readonly heights?: Heights;
  readonly omitted?: readonly string[];
  /** Latin1 paths as in entries: `<root name>/<path>`. */
  readonly isImmutable?: (path: string) => boolean;
  readonly isSecret?: (path: string) => boolean;
  readonly capturedAt?: number;
  readonly onCapture?: () => unknown;
  readonly onRelease?: () => void;
  /** Called before an entry is told; all have been listed before the first. */
  readonly onEntry?: (path: string) => void;
}

/**
 * Freeze's place taken by the tree itself: whatever lies below the roots is the frozen tree. For tests that need no
 * node to stop, and want to touch frozen files.
 */
export function fakeFreeze(rules: TreeRules = {}): (o: FreezeOptions) => Promise<PreparedFreeze> {
  return async (o) => ({
    bytesToCopy: 0,
    rooms: () => [],
    prelinked: 0,
    found: { files: 0, bytes: 0 },
    linked: () => [],
    heights: rules.heights ?? null,
    capture: async () => {
      o.signal.throwIfAborted();
      rules.onCapture?.();
      return frozenTree(o.roots, rules);
    },
    abandon: async () => {},
  });
}

function frozenTree(roots: readonly FreezeRoot[], rules: TreeRules = {}): FrozenTree {
  const sorted = [...roots].sort((a, b) => (a.name < b.name ? -1 : 1));
  const all = () => sorted.flatMap((root) => [...walk(root, rules)]);
  const files = all().filter((entry) => entry.type === "file");
  return {
    capturedAt: rules.capturedAt ?? 1_768_435_200_000,
    heights: rules.heights ?? null,
    roots: sorted,
    figures: {
      files: files.length,
      bytes: files.reduce((sum, entry) => sum + entry.size, 0),
      linked: 0,
      copied: 0,
      copiedBytes: 0,
      reflinked: 0,
      freezeMs: 0,
      downtimeMs: null,
    },
    omitted: rules.omitted ?? [],
    entries: function* () {
      for (const entry of all()) {
        rules.onEntry?.(Buffer.from(entry.path).toString("latin1"));
        yield entry;
      }
    },
    release: async () => rules.onRelease?.(),
  } as Omit<FrozenTree, "__brand"> as FrozenTree;
}

function* walk(root: FreezeRoot, rules: TreeRules): Generator<FrozenEntry> {
  const seen = new Map<string, string>();
  yield* visit(Buffer.from(root.path), Buffer.from(root.name), rules, seen);
}

function* visit(path: Buffer, shown: Buffer, rules: TreeRules, seen: Map<string, string>): Generator<FrozenEntry> {
  const info = lstatSync(path, { bigint: true });
  const entry = entryOf(path, shown, info, rules, seen);
  if (entry !== null) yield entry;
  if (!info.isDirectory()) return;
  const names = readdirSync(path, { encoding: "buffer" }).sort(Buffer.compare);
  for (const name of names) {
    yield* visit(Buffer.concat([path, SLASH, name]), Buffer.concat([shown, SLASH, name]), rules, seen);
  }
}

const SLASH = Buffer.from("/");

function entryOf(
  path: Buffer,
  shown: Buffer,
  info: BigIntStats,
  rules: TreeRules,
  seen: Map<string, string>,
): FrozenEntry | null {
  const text = shown.toString("latin1");
  const immutable = rules.isImmutable?.(text) ?? false;
  const base = {
    path: shown,
    mode: Number(info.mode & 0o7777n),
    uid: Number(info.uid),
    gid: Number(info.gid),
    mtime: { seconds: Number(info.mtimeNs / 1_000_000_000n), nanoseconds: Number(info.mtimeNs % 1_000_000_000n) },
    size: 0,
    source: Buffer.alloc(0),
    offset: 0,
    linked: immutable,
    mutability: immutable ? ("immutable" as const) : ("mutable" as const),
    secret: false,
    sparse: false,
    known: false,
    fingerprint: "",
  };
  if (info.isDirectory()) return { ...base, type: "directory" };
  if (info.isSymbolicLink()) return { ...base, type: "symlink", target: readlinkSync(path, "buffer") };
  if (!info.isFile()) return null;
  const inode = `${info.dev}:${info.ino}`;
  const first = seen.get(inode);
  if (first !== undefined) return { ...base, type: "hardlink", target: Buffer.from(first, "latin1") };
  if (info.nlink > 1n) seen.set(inode, text);
  return {
    ...base,
    type: "file",
    size: Number(info.size),
    source: path,
    offset: 0,
    secret: rules.isSecret?.(text) ?? false,
    sparse: info.blocks * 512n < info.size,
    fingerprint: immutable ? `${inode}:${info.size}:${info.mtimeNs}` : "",
  };
}
