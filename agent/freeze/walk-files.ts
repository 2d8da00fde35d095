import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { comparePaths, isBelow, type Latin1 } from "./bytes.ts";
import { addCounts, type Counts, type FileRow, type FolderHead, NO_COUNTS } from "./records.ts";
import { createHeads, createRows, openHeads, openRows, type RecordReader } from "./row-files.ts";

/** What the walks of one run found, on disk, so that a million files take no memory. */
export interface WalkFiles {
  /** Begins the next walk: its heads come in the order of the tree. */
  begin(): WalkWriter;
  /** The heads of a finished walk, in its order. */
  heads(walk: number): Generator<FolderHead>;
  /** The rows of one folder, in the order of their names. */
  rows(head: FolderHead): Iterable<FileRow>;
  /** Lets go of the files; what is asked for later opens them again. */
  close(): void;
}

export interface WalkWriter {
  readonly walk: number;
  /** Sum of all heads so far. */
  readonly counts: Counts;
  /** Begins a folder's rows; `end` writes its head. Folders do not overlap. */
  row(row: FileRow): void;
  end(head: Omit<FolderHead, "rows">): void;
  /** Takes a folder over from an earlier walk, rows and all. */
  keep(head: FolderHead): void;
  finish(): void;
}

const NO_ROWS: readonly FileRow[] = [];

/** In a fresh folder of its own. @throws the system's error. */
export function createWalkFiles(folder: string): WalkFiles {
  mkdirSync(folder, { mode: 0o700 });
  const headsOf = (walk: number) => join(folder, `folders-${walk}`);
  const rowsOf = (walk: number) => join(folder, `rows-${walk}`);
  const readers = new Map<number, RecordReader<FileRow>>();
  let walks = 0;

  function reader(walk: number): RecordReader<FileRow> {
    const found = readers.get(walk) ?? openRows(rowsOf(walk));
    readers.set(walk, found);
    return found;
  }

  function begin(): WalkWriter {
    const walk = walks++;
    const heads = createHeads(headsOf(walk));
    const rows = createRows(rowsOf(walk));
    let counts = NO_COUNTS;
    let offset = 0;
    const keep = (head: FolderHead) => {
      counts = addCounts(counts, head.counts);
      heads.write(head);
    };
    return {
      walk,
      get counts() {
        return counts;
      },
      row: (row) => rows.write(row),
      end(head) {
        keep({ ...head, rows: { walk, offset, length: rows.length - offset } });
        offset = rows.length;
      },
      keep,
      finish() {
        heads.close();
        rows.close();
      },
    };
  }

  return {
    begin,
    *heads(walk) {
      const path = headsOf(walk);
      const heads = openHeads(path);
      try {
        yield* heads.rows(0, statSync(path).size);
      } finally {
        heads.close();
      }
    },
    rows: ({ rows: { walk, offset, length } }) => (length === 0 ? NO_ROWS : reader(walk).rows(offset, length)),
    close() {
      for (const open of readers.values()) open.close();
      readers.clear();
    },
  };
}

/** The heads of an earlier walk, taken in the order in which a later walk comes by. */
export interface HeadCursor {
  /** The next head where it lies directly in `folder`. */
  peekChild(root: number, folder: Latin1): FolderHead | null;
  /** The head of this very path, or null where the earlier walk did not see it. Drops all heads before it. */
  take(root: number, path: Latin1): FolderHead | null;
  /** Drops the heads of folders inside `folder` that are left. */
  leave(root: number, folder: Latin1): void;
  close(): void;
}

export function makeCursor(heads: Generator<FolderHead>): HeadCursor {
  let next = heads.next();
  const current = () => (next.done === true ? null : next.value);
  const drop = () => {
    next = heads.next();
  };
  return {
    peekChild(root, folder) {
      const head = current();
      if (head === null || head.root !== root || !isBelow(head.path, folder)) return null;
      return head;
    },
    take(root, path) {
      for (let head = current(); head !== null; head = current()) {
        const order = head.root - root || comparePaths(head.path, path);
        if (order > 0) return null;
        drop();
        if (order === 0) return head;
      }
      return null;
    },
    leave(root, folder) {
      for (let head = current(); head !== null; head = current()) {
        if (head.root !== root || !isBelow(head.path, folder)) return;
        drop();
      }
    },
    close: () => void heads.return(undefined),
  };
}
