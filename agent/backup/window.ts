/** What waits to be written in its turn: an entry, or several that follow each other. */
export interface InTurn {
  /** Entries in it. */
  readonly entries: number;
  isReady(): boolean;
  /** Called once, when all before it were written. */
  write(): void;
}

/** What waits, in the order of the tree: nothing is written before what comes before it. */
export interface Window {
  /** Nothing waits: what comes next may be written at once. */
  readonly isEmpty: boolean;
  /** Entries that wait. */
  readonly size: number;
  add(next: InTurn): void;
  /** Tells of entries that were added to what waits already. */
  grow(entries: number): void;
  isLast(one: InTurn): boolean;
  /** Writes all that is ready and in its turn. */
  drain(): void;
}

/** Gone through so far, the list is cut off. */
const CUT = 1024;

export function makeWindow(): Window {
  const waiting: InTurn[] = [];
  let first = 0;
  let size = 0;
  return {
    get isEmpty() {
      return first === waiting.length;
    },
    get size() {
      return size;
    },
    add(next) {
      waiting.push(next);
      size += next.entries;
    },
    grow(entries) {
      size += entries;
    },
    isLast: (one) => first < waiting.length && waiting.at(-1) === one,
    drain() {
      for (; first < waiting.length; first += 1) {
        const next = waiting[first];
        if (next?.isReady() !== true) break;
        size -= next.entries;
        next.write();
      }
      if (first <= CUT) return;
      waiting.splice(0, first);
      first = 0;
    },
  };
}
