/**
 * A room is entered by its index.ts, and esbuild loads with that all that it names, whoever imports one name only. In the
 * package an import goes to the module that has the name.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Plugin } from "esbuild";

/** One name as it is called where it lies, and where it is used. */
interface Name {
  readonly there: string;
  readonly here: string;
}

interface Home {
  readonly file: string;
  readonly name: string;
}

const IMPORT = /^import (type )?\{([^}]*)\} from "(\.[^"]*\/index\.ts)";/gm;
const REEXPORT = /export (type )?(?:\{([^}]*)\}|\*) from "(\.[^"]*)";/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

export const doors: Plugin = {
  name: "doors",
  setup(on) {
    on.onLoad({ filter: /\.ts$/, namespace: "file" }, ({ path }) => ({ contents: readPastDoors(path), loader: "ts" }));
  },
};

/** A module of ours, whose imports go to the modules that have the names. Its lines stay where they are. */
export function readPastDoors(path: string): string {
  return readFileSync(path, "utf8").replace(IMPORT, (all, type: string | undefined, list: string, from: string) => {
    const door = resolve(dirname(path), from);
    if (type !== undefined || homesOf(door) === null) return all;
    const imports = namesOf(list).map(({ there, here }) => {
      const { file, name } = homeOf(door, there);
      return `import { ${name} as ${here} } from ${JSON.stringify(file)};`;
    });
    return imports.join(" ") + "\n".repeat(all.split("\n").length - 1);
  });
}

function homeOf(file: string, name: string): Home {
  const next = file.endsWith("/index.ts") ? homesOf(file)?.get(name) : undefined;
  return next === undefined ? { file, name } : homeOf(next.file, next.name);
}

const known = new Map<string, ReadonlyMap<string, Home> | null>();

/** Where a door's names lie; null for an index.ts that is more than a door, or does not tell its names. */
function homesOf(door: string): ReadonlyMap<string, Home> | null {
  let homes = known.get(door);
  if (homes === undefined) {
    homes = readDoor(door);
    known.set(door, homes);
  }
  return homes;
}

function readDoor(door: string): ReadonlyMap<string, Home> | null {
  const homes = new Map<string, Home>();
  let all = false;
  const rest = readFileSync(door, "utf8")
    .replace(COMMENT, "")
    .replace(REEXPORT, (_, type: string | undefined, list: string | undefined, from: string) => {
      if (type !== undefined) return "";
      all ||= list === undefined;
      for (const { there, here } of namesOf(list ?? ""))
        homes.set(here, { file: resolve(dirname(door), from), name: there });
      return "";
    });
  return all || rest.trim() !== "" ? null : homes;
}

/** Types are gone when the package runs. */
function namesOf(list: string): Name[] {
  const names = list
    .replace(COMMENT, "")
    .split(",")
    .map((each) => each.trim());
  return names
    .filter((each) => each !== "" && !each.startsWith("type "))
    .map((each) => {
      const [there = each, here = there] = each.split(" as ");
      return { there, here };
    });
}
