import type { EntryType } from "../../vault/sealed/types.ts";

/** One thing of a snapshot as it is shown: all that is known of it but its content. */
export interface Listed {
  /** `<root>/<path below the root>`, as bytes. */
  readonly path: Uint8Array;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** Bytes; 0 for anything but a file. */
  readonly size: number;
  /** Of a symlink; of a hard link the path whose content it shares. */
  readonly target?: Uint8Array;
  readonly secret?: true;
}

export type DifferenceKind = "added" | "removed" | "content" | "metadata" | "type";

/** One path that is not the same in two snapshots. */
export interface Difference {
  readonly kind: DifferenceKind;
  /** As it is in the first snapshot; null where it is not there. */
  readonly before: Listed | null;
  /** As it is in the second. */
  readonly after: Listed | null;
  /** What the second has that the first has not at the same place, bytes; of what was removed, its size. */
  readonly bytes: number;
  /** What else differs: mode, owner, mtime, target, attributes, secret. */
  readonly fields: readonly string[];
}
