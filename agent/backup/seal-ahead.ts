import type { FrozenEntry, LinkedFile, SharedCopies } from "../freeze/types.ts";
import { makeCopiesAhead } from "./copies-ahead.ts";
import { latin1 } from "./entry-line.ts";
import { piecesOfTasks, tasksOf } from "./file-tasks.ts";
import type { FileTask, JobFigures } from "./seal-messages.ts";
import type { SealPool } from "./seal-pool.ts";

/** Files that are sealed while the tree is still being frozen. */
export interface SealedAhead {
  /** Begins nothing more. */
  stop(): void;
  /** What was sealed of an entry, or is being; null where it must be read, as all of it must where it has changed since. */
  take(entry: FrozenEntry): SealedPrefix | null;
  /** Seals copies; what comes of each is told by `pieceOf`. */
  copied(copies: SharedCopies): void;
  /** The only piece of a small copy, once it is sealed; null where it must be read. */
  pieceOf(entry: FrozenEntry): number | Promise<number> | null;
  /** Once all that was begun is done: what that was, taken or not. */
  end(): Promise<JobFigures>;
}

export interface SealedPrefix {
  readonly pieces: Promise<readonly number[]>;
  /** Where in the file it ends: on a chunk boundary, or at the file's end. */
  readonly to: number;
}

interface Ahead {
  readonly file: LinkedFile;
  readonly parts: Promise<readonly number[]>[];
  to: number;
}

/** Smaller files are not worth a job each; bytes. */
const LEAST = 256 * 1024;
/** What threads have before them while the main one is busy for some 100 ms; bytes. */
const MOST_BYTES = 96 << 20;
/** Files that are remembered until their entry comes. */
const MOST_FILES = 16_384;

/**
 * Seals files that never change from the moment they are linked on, so that no thread waits for the freeze. Only for where
 * no outage could become longer by it. What comes of it is in no snapshot unless the frozen tree has the very same file:
 * `take` looks at each again.
 */
export function sealAhead(files: Iterable<LinkedFile>, pool: SealPool): SealedAhead {
  const begun = new Map<string, Ahead>();
  const running = new Set<Promise<unknown>>();
  const figures = { read: 0, known: 0, added: 0 };
  const copies = makeCopiesAhead(pool, count);
  let underWay = 0;
  let stopped = false;

  function count({ read, known, added }: JobFigures): void {
    figures.read += read;
    figures.known += known;
    figures.added += added;
  }

  function seal(task: FileTask): Promise<readonly number[]> {
    const length = task.to - task.from;
    underWay += length;
    // Whether it is as it was linked is asked when it is taken, and is no error before.
    const pieces = pool.files([{ ...task, mtimeNs: null }], false).then((done) => {
      count(done.figures);
      return piecesOfTasks(done.pieces);
    });
    // Where a job fails the whole pool does, and whoever takes this or gives the pool anything else is told.
    const settled: Promise<void> = pieces.then(noted, noted).finally(() => {
      underWay -= length;
      running.delete(settled);
    });
    running.add(settled);
    return pieces;
  }

  async function begin(): Promise<void> {
    for (const file of files) {
      if (stopped || begun.size >= MOST_FILES) return;
      if (file.size < LEAST) continue;
      const ahead: Ahead = { file, parts: [], to: 0 };
      begun.set(latin1(file.source), ahead);
      for (const task of tasksOf(file, 0, file.size)) {
        while (underWay >= MOST_BYTES) await Promise.race(running);
        if (stopped) return;
        ahead.parts.push(seal(task));
        ahead.to = task.to;
      }
    }
  }
  begin().catch((error: unknown) => {
    if (!stopped) pool.fail(error);
  });

  return {
    stop: () => {
      stopped = true;
    },
    take(entry) {
      if (!entry.linked) return null;
      const source = latin1(entry.source);
      const found = begun.get(source);
      if (found === undefined) return null;
      begun.delete(source);
      const { file, parts, to } = found;
      if (to === 0 || entry.size !== file.size || entry.offset !== file.offset || !file.isAsLinked()) return null;
      return { pieces: Promise.all(parts).then((all) => all.flat()), to };
    },
    copied: copies.seal,
    pieceOf: copies.pieceOf,
    async end() {
      while (running.size > 0) await Promise.all(running);
      await copies.end();
      return figures;
    },
  };
}

function noted(): void {}
