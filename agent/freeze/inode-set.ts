/** A set of inode numbers of one device, 16 bytes each: a million files take 16 to 32 MiB. */
export interface InodeSet {
  readonly size: number;
  add(ino: number): void;
  has(ino: number): boolean;
  /** Gives the memory back; the set is empty then. */
  clear(): void;
}

const LEAST = 1024;

/** Open addressing, at most half full. Inode 0 is never used by Linux and means an empty place. */
export function makeInodeSet(): InodeSet {
  let table = new Float64Array(LEAST);
  let size = 0;

  function placeOf(ino: number): number {
    const mask = table.length - 1;
    // Two halves mixed, since inode numbers beyond 32 bits differ in either.
    let at =
      (Math.imul((ino % 0x1_0000_0000) | 0, 0x9e3779b1) ^ Math.imul((ino / 0x1_0000_0000) | 0, 0x85ebca6b)) >>> 0;
    at = (at ^ (at >>> 15)) & mask;
    while (table[at] !== 0 && table[at] !== ino) at = (at + 1) & mask;
    return at;
  }

  function grow(): void {
    const old = table;
    table = new Float64Array(old.length * 2);
    for (const ino of old) if (ino !== 0) table[placeOf(ino)] = ino;
  }

  return {
    get size() {
      return size;
    },
    add(ino) {
      const at = placeOf(ino);
      if (table[at] === ino) return;
      table[at] = ino;
      size += 1;
      if (size * 2 > table.length) grow();
    },
    has: (ino) => table[placeOf(ino)] === ino && ino !== 0,
    clear: () => {
      table = new Float64Array(LEAST);
      size = 0;
    },
  };
}
