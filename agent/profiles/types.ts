/**
 * How a file may be frozen, so that the restarted node cannot change what was captured:
 * immutable: hardlink, made before the stop; append-only: hardlink, length pinned; mutable: reflink, else copy;
 * omitted: rebuildable or a cache, left out and said so in the manifest.
 */
export type Mutability = "immutable" | "append-only" | "mutable" | "omitted";

export interface FolderView {
  /** Path below the root, `/`-separated, `""` for the root itself; latin1 so that any bytes survive. */
  readonly path: string;
  /** Names of the plain files in it, latin1. */
  readonly files: readonly string[];
}

export interface FileRule {
  readonly mutability: Mutability;
  /** Identity or key material: own packs, left out of shares. */
  readonly secret?: boolean;
  /** For `omitted`: why, in words. */
  readonly why?: string;
}

/** Knowledge of one system: data and small predicates, no I/O. */
export interface Profile {
  readonly name: string;
  /** One line for `init` and `doctor`. */
  readonly summary: string;
  /** Whether to leave a whole folder out; asked before it is read. Null: go in. */
  omitFolder(path: string): string | null;
  /** One rule for each name of `folder.files`, in the same order. Whatever is not known is `mutable`. */
  classify(folder: FolderView): readonly FileRule[];
}
