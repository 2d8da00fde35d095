import {
  type Application,
  buildApplication,
  buildRouteMap,
  help,
  type RouteMap,
  text_en,
  version,
} from "@stricli/core";
import { VERSION } from "../../vault/names/index.ts";
import type { CliContext } from "./define.ts";
import { kebab } from "./kebab.ts";
import { type CommandGroup, type LoadCommand, ROUTES } from "./routes.ts";
import { usageErrors } from "./usage-errors.ts";

const DOCS = {
  brief: "Cold, encrypted backups of blockchain and database nodes",
  fullDescription: [
    "coldkeep stops a node, freezes its files, starts it again, and only then reads, seals and stores them.",
    "",
    "EXAMPLES",
    "  coldkeep init --node icon --profile leveldb --root data=/srv/icon --vault file:///backup/vault \\",
    "      --key-file /etc/coldkeep/icon.key --stop 'systemctl stop icon' \\",
    "      --start 'systemctl start icon' --is-running 'systemctl is-active icon'",
    "  coldkeep backup",
    "  coldkeep restore latest --to /srv/restored",
    "",
    "Exit codes are listed in docs/CLI.md.",
  ].join("\n"),
};

/**
 * The command line; `tell` hears of every error the parser finds.
 * @param first the first word, where it is known: if it is a command's or a group's, no other is loaded
 */
export async function buildApp(tell: (error: unknown) => void, first?: string): Promise<Application<CliContext>> {
  return buildApplication(
    await buildRoot(first),
    {
      name: "coldkeep",
      scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
      localization: { text: { ...text_en, ...usageErrors(tell) } },
    },
    {
      help: help({
        brief: "Print this help",
        defaultForRouteMap: true,
        formatting: {
          useAliasInUsageLine: false,
          onlyRequiredInUsageLine: true,
          caseStyle: "convert-camel-to-kebab",
        },
      }),
      version: version({
        brief: "Print the version",
        alias: false,
        info: { getCurrentVersion: async () => VERSION },
      }),
    },
  );
}

async function buildRoot(first: string | undefined): Promise<RouteMap<CliContext>> {
  const wanted =
    first === undefined ? undefined : Object.keys(ROUTES).find((name) => first === name || first === kebab(name));
  const names = wanted === undefined ? Object.keys(ROUTES) : [wanted];
  const routes = await Promise.all(
    names.map(async (name) => [name, await load(ROUTES[name] as LoadCommand | CommandGroup)] as const),
  );
  return buildRouteMap<string, CliContext>({ routes: Object.fromEntries(routes), docs: DOCS });
}

async function load(route: LoadCommand | CommandGroup) {
  if (typeof route === "function") return (await route()).command;
  const { brief, defaultCommand, routes } = route;
  const loaded = await Promise.all(
    Object.entries(routes).map(async ([name, command]) => [name, (await command()).command] as const),
  );
  return buildRouteMap<string, CliContext>({
    routes: Object.fromEntries(loaded),
    ...(defaultCommand === undefined ? {} : { defaultCommand }),
    docs: { brief },
  });
}
