import type { Archive, ArchiveSpeed } from "../../vault/store/archive.ts";

/** An object in it, and how many looks after it was asked for it is there. */
interface Kept {
  readonly size: number;
  looks: number | null;
}

export interface SlowArchive extends Archive {
  /** Looks at single objects, and listings by their folder. */
  readonly calls: readonly string[];
  /** Whether this user may list. */
  lists: boolean;
  readonly asked: readonly (readonly [name: string, speed: ArchiveSpeed])[];
  freeze(name: string, size: number): void;
}

/**
 * A FAKE of S3's archive classes, for what no emulator has: theirs bring back at once, this one takes a while. What was
 * asked for it remembers, whoever asks again.
 */
export function slowArchive(looks: number): SlowArchive {
  const kept = new Map<string, Kept>();
  const asked: [string, ArchiveSpeed][] = [];
  const calls: string[] = [];
  const archive: SlowArchive = {
    asked,
    calls,
    lists: true,
    among: async (folder, first, last) => {
      calls.push(`LIST ${folder}`);
      const inside = [...kept.keys()].filter((name) => name.startsWith(folder) && name >= first && name <= last);
      return archive.lists ? new Set(inside) : null;
    },
    freeze: (name, size) => void kept.set(name, { size, looks: null }),
    look: async (name) => {
      calls.push(`HEAD ${name}`);
      const found = kept.get(name);
      if (found === undefined || found.looks === 0) return null;
      const coming = found.looks !== null;
      if (found.looks !== null) found.looks -= 1;
      return { class: "DEEP_ARCHIVE", size: found.size, coming };
    },
    bringBack: async (name, { speed }) => {
      const found = kept.get(name);
      if (found === undefined) throw new Error(`${name} is in no archive`);
      asked.push([name, speed]);
      found.looks ??= looks;
    },
  };
  return archive;
}
