/**
 * Few pieces for the commands that are waited for. esbuild makes a piece of what the same lazily loaded modules need, and with some
 * hundred of these a backup would load sixty pieces. A tier is what such a command needs; whoever needs any of it loads all of it, in
 * a piece or two.
 */
import { join, relative } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { doors, readPastDoors } from "./doors.ts";

/** From what most commands need to what few do; a tier is what those before it do not have. */
const TIERS = [
  ["agent/commands/config-check.ts"],
  ["agent/commands/list.ts"],
  ["agent/commands/ahead.ts"],
  ["agent/commands/backup.ts", "agent/commands/noticed.ts"],
];

/** @param options how the program is built, its entry points being paths below `absWorkingDir`. */
export async function gatherTiers(options: BuildOptions & { readonly absWorkingDir: string }): Promise<Plugin> {
  const { metafile } = await build({ ...options, metafile: true, write: false, plugins: [doors] });
  const tiers = tiersOf(metafile);
  const needed = neededTiers(metafile, tiers);
  const project = options.absWorkingDir;
  return {
    name: "tiers",
    setup(on) {
      on.onResolve({ filter: /^tier:\d+$/ }, ({ path }) => ({ path, namespace: "tiers" }));
      on.onLoad({ filter: /./, namespace: "tiers" }, ({ path }) => ({
        contents: (tiers[Number(path.slice("tier:".length))] ?? [])
          .map((file) => importOf(join(project, file)))
          .join(""),
        resolveDir: project,
      }));
      on.onLoad({ filter: /\.ts$/, namespace: "file" }, ({ path }) => {
        const own = needed.get(relative(project, path));
        // On the first line, so that places in messages stay right.
        const tiers = (own ?? []).map((n) => importOf(`tier:${n}`));
        return { contents: tiers.join("") + readPastDoors(path), loader: "ts" };
      });
    },
  };
}

function importOf(path: string): string {
  return `import ${JSON.stringify(path)};`;
}

/** Modules that are loaded lazily stay pieces of their own, and libraries come with whoever imports them. */
function tiersOf(metafile: Metafile): readonly (readonly string[])[] {
  const lazy = lazyModules(metafile);
  const had = new Set<string>();
  return TIERS.map((of) => {
    const more = [...closureOf(metafile, of)].filter((path) => !had.has(path));
    for (const path of more) had.add(path);
    return more.filter((path) => !path.startsWith("node_modules/") && !lazy.has(path));
  });
}

function neededTiers(metafile: Metafile, tiers: readonly (readonly string[])[]): Map<string, number[]> {
  const needed = new Map<string, number[]>();
  for (const path of lazyModules(metafile)) {
    // What a command says of itself is waited for by whoever asks for its help.
    if (path.endsWith(".command.ts")) continue;
    const closure = closureOf(metafile, [path]);
    const own = tiers.flatMap((tier, n) => (tier.some((file) => closure.has(file)) ? [n] : []));
    if (own.length > 0) needed.set(path, own);
  }
  return needed;
}

function lazyModules({ inputs }: Metafile): Set<string> {
  const imports = Object.values(inputs).flatMap((input) => input.imports);
  return new Set(imports.flatMap(({ kind, path }) => (kind === "dynamic-import" && path in inputs ? [path] : [])));
}

/** What comes with modules whatever is called later. */
function closureOf({ inputs }: Metafile, from: readonly string[]): Set<string> {
  const found = new Set<string>();
  const left = [...from];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const input = inputs[path];
    if (input === undefined) throw new Error(`the program has no ${path}`);
    if (found.has(path)) continue;
    found.add(path);
    for (const { kind, path: next } of input.imports) if (kind !== "dynamic-import" && next in inputs) left.push(next);
  }
  return found;
}
