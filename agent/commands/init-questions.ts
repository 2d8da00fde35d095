import { ColdkeepError, type NodeName, toNodeName } from "../../vault/names/index.ts";
import { allProfiles, discoverAll } from "../profiles/index.ts";
import type { GlobalFlags } from "./globals.ts";
import type { InitFlags } from "./init.command.ts";
import type { Io } from "./io.ts";
import { hostLook } from "./look.ts";
import { namedRoot } from "./parse.ts";

/** What init has to know. */
export interface InitAnswers extends Omit<InitFlags, "root"> {
  readonly node: NodeName;
  readonly profile: string;
  readonly roots: readonly { readonly name: string; readonly path: string }[];
  readonly vault: string;
  /** The system's own configuration, where one was found. */
  readonly systemConfig?: string;
}

/** Asks on a terminal for what the flags do not say. @throws ColdkeepError `usage` naming all that is missing. */
export async function completeAnswers(
  flags: InitFlags & GlobalFlags,
  io: Io,
  profiles: readonly string[],
): Promise<InitAnswers> {
  const { ask } = io;
  const say = (text: string) => void io.stderr.write(`${text}\n`);
  if (ask === null || flags.json === true) return complete(discovered(flags, say));
  const node = flags.node ?? (await answer(ask, say, "Name of the node (a-z 0-9 . _ -): ", (text) => toNodeName(text)));
  const root = flags.root ?? [
    await answer(ask, say, "Folder to back up (absolute): ", (text) =>
      namedRoot(text.includes("=") ? text : `data=${text}`),
    ),
  ];
  const found = discovered({ ...flags, root }, say);
  const profile =
    found.profile ?? (await answer(ask, say, `Profile (${profiles.join(", ")}): `, (text) => oneOf(text, profiles)));
  const vault =
    flags.vault ?? (await answer(ask, say, "Vault (file:///path, a path, or s3://bucket/prefix): ", needed));
  const service = flags.stop ?? flags.start ?? flags.isRunning;
  if (service !== undefined) return complete({ ...found, node, profile, vault });
  const stop = (await ask("Command that stops the node (empty: nobody stops it): ")).trim();
  if (stop === "") return complete({ ...found, node, profile, vault });
  const start = await answer(ask, say, "Command that starts it: ", needed);
  const isRunning = await answer(ask, say, "Command that ends with 0 where it runs: ", needed);
  return complete({ ...found, node, profile, vault, stop, start, isRunning });
}

type Discovered = InitFlags & Pick<InitAnswers, "systemConfig">;

/**
 * What lies in the folders: the profile, where none is named, and folders of the same node elsewhere, which become roots
 * as well. Says what was found.
 */
function discovered<Flags extends InitFlags>(flags: Flags, say: (text: string) => void): Flags & Discovered {
  const { profile: named, root } = flags;
  if (root === undefined) return flags;
  const profile = allProfiles().find(({ name }) => name === named);
  const finding = profile?.discover(hostLook, root);
  const [best] = named === undefined ? discoverAll(hostLook, root) : finding == null ? [] : [{ profile, finding }];
  if (best?.profile === undefined) return flags;
  if (named === undefined) say(`found ${best.finding.found}: profile ${best.profile.name}`);
  const more = best.finding.elsewhere;
  for (const { name, path, why } of more) say(`added to the roots: ${name}: ${path}, since ${why}`);
  const { config, dataless = [] } = best.finding;
  const kept = root.filter(({ name }) => !dataless.includes(name));
  for (const { name, path } of root)
    if (!kept.some((other) => other.name === name))
      say(`no root: ${name}: ${path}, since it holds no data of the node`);
  return {
    ...flags,
    profile: best.profile.name,
    root: [...kept, ...more.map(({ name, path }) => ({ name, path }))],
    ...(config === undefined ? {} : { systemConfig: config }),
  };
}

function complete(flags: Discovered & GlobalFlags): InitAnswers {
  const { node, profile, root, vault } = flags;
  if (node !== undefined && profile !== undefined && root !== undefined && root.length > 0 && vault !== undefined) {
    return { ...flags, node: toNodeName(node), profile, roots: distinct(root), vault };
  }
  const missing = Object.entries({ "--node": node, "--profile": profile, "--root": root?.[0], "--vault": vault })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name);
  throw new ColdkeepError("usage", {
    what: "init needs to know more",
    why: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
    todo: "`coldkeep init --help` has an example",
  });
}

function distinct(roots: readonly { readonly name: string; readonly path: string }[]) {
  const twice = roots.find(({ name }, index) => roots.findIndex((other) => other.name === name) !== index);
  if (twice === undefined) return roots;
  throw new ColdkeepError("usage", { what: "two roots have one name", on: twice.name, todo: "give each its own name" });
}

/** Asks until the answer will do. */
async function answer<T>(
  ask: NonNullable<Io["ask"]>,
  say: (text: string) => void,
  question: string,
  take: (text: string) => T,
): Promise<T> {
  for (;;) {
    const text = (await ask(question)).trim();
    try {
      return take(text);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  }
}

function needed(text: string): string {
  if (text !== "") return text;
  throw new SyntaxError("this is needed");
}

function oneOf(text: string, known: readonly string[]): string {
  if (known.includes(text)) return text;
  throw new SyntaxError(`one of ${known.join(", ")} is needed`);
}
