import { ColdkeepError, type NodeName, toNodeName } from "../../vault/names/index.ts";
import { discoverAll } from "../profiles/index.ts";
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
  const profile =
    discovered({ ...flags, root }, say).profile ??
    (await answer(ask, say, `Profile (${profiles.join(", ")}): `, (text) => oneOf(text, profiles)));
  const vault =
    flags.vault ?? (await answer(ask, say, "Vault (file:///path, a path, or s3://bucket/prefix): ", needed));
  const service = flags.stop ?? flags.start ?? flags.isRunning;
  if (service !== undefined) return complete({ ...flags, node, profile, root, vault });
  const stop = (await ask("Command that stops the node (empty: nobody stops it): ")).trim();
  if (stop === "") return complete({ ...flags, node, profile, root, vault });
  const start = await answer(ask, say, "Command that starts it: ", needed);
  const isRunning = await answer(ask, say, "Command that ends with 0 where it runs: ", needed);
  return complete({ ...flags, node, profile, root, vault, stop, start, isRunning });
}

/** Where no profile is named: the one that knows what lies in the folders. Says what was found. */
function discovered<Flags extends Pick<InitFlags, "profile" | "root">>(
  flags: Flags,
  say: (text: string) => void,
): Flags {
  if (flags.profile !== undefined || flags.root === undefined) return flags;
  const [best] = discoverAll(hostLook, flags.root);
  if (best === undefined) return flags;
  say(`found ${best.finding.found}: profile ${best.profile.name}`);
  return { ...flags, profile: best.profile.name };
}

function complete(flags: InitFlags & GlobalFlags): InitAnswers {
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
