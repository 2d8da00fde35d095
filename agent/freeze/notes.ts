import { showPath } from "../../posix/system-error.ts";
import { type Latin1, toText } from "./bytes.ts";

/** What was left out, in words, with a bound on how many paths are named. */
export interface Notes {
  /** `path` is `<root name>/<path below it>`. */
  add(why: string, path: Latin1): void;
  list(): string[];
}

const NAMED = 20;

export function makeNotes(): Notes {
  const reasons = new Map<string, { readonly paths: Latin1[]; count: number }>();
  return {
    add(why, path) {
      const known = reasons.get(why) ?? { paths: [], count: 0 };
      reasons.set(why, known);
      // A folder that is read twice tells the same twice.
      if (known.paths.includes(path)) return;
      if (known.paths.length < NAMED) known.paths.push(path);
      known.count += 1;
    },
    list: () =>
      [...reasons].flatMap(([why, { paths, count }]) => [
        ...paths.map((path) => `${showPath(toText(path))}: ${why}`),
        ...(count > paths.length ? [`and ${count - paths.length} more: ${why}`] : []),
      ]),
  };
}
