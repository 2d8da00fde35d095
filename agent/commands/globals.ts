import type { FlagParametersForType } from "@stricli/core";
import type { LogFormat } from "../report/index.ts";

/** The flags every command has; they may also stand before the command's name. */
export interface GlobalFlags {
  readonly config?: string;
  readonly node?: string;
  readonly vault?: string;
  readonly json?: boolean;
  readonly logFormat?: LogFormat;
  readonly logDir?: string;
  readonly verbose?: boolean;
}

export const GLOBAL_FLAGS: FlagParametersForType<GlobalFlags> = {
  config: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "path",
    brief: "Configuration file [default = /etc/coldkeep/config.yaml]",
  },
  node: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "name",
    brief: "The node meant; needed where the configuration has several",
  },
  vault: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "name",
    brief: "The vault meant, where the configuration has several [default = the first]",
  },
  json: { kind: "boolean", optional: true, withNegated: false, brief: "Print one JSON document, and errors as JSON" },
  logFormat: {
    kind: "enum",
    values: ["text", "json"],
    optional: true,
    brief: "Form of progress lines where stderr is no terminal [default = text]",
  },
  logDir: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "folder",
    brief: "Also add what happens to coldkeep-YYYYMMDD.log there, a file a day",
  },
  verbose: { kind: "boolean", optional: true, withNegated: false, brief: "Say more about errors" },
};

export const GLOBAL_ALIASES = { v: "verbose" } as const;

const WITH_VALUE = new Set(["--config", "--node", "--vault", "--log-format", "--logFormat", "--log-dir", "--logDir"]);
const WITHOUT = new Set(["--json", "--verbose", "-v"]);

/** Moves global flags that stand before the command behind it, where the parser looks for them. */
export function hoistGlobals(argv: readonly string[]): readonly string[] {
  let end = 0;
  while (end < argv.length) {
    const word = argv[end] ?? "";
    const name = word.split("=", 1)[0] ?? "";
    if (WITHOUT.has(word)) end += 1;
    else if (WITH_VALUE.has(name)) end += word.includes("=") ? 1 : 2;
    else break;
  }
  if (end === 0 || end >= argv.length) return argv;
  const rest = argv.slice(end);
  const divider = rest.indexOf("--");
  const at = divider < 0 ? rest.length : divider;
  return [...rest.slice(0, at), ...argv.slice(0, end), ...rest.slice(at)];
}

/** Whether errors are to be told as JSON, even where the command line is not understood. */
export function wantsJson(argv: readonly string[]): boolean {
  const divider = argv.indexOf("--");
  return (divider < 0 ? argv : argv.slice(0, divider)).includes("--json");
}

/** The same for more words on errors. */
export function wantsVerbose(argv: readonly string[]): boolean {
  const divider = argv.indexOf("--");
  const words = divider < 0 ? argv : argv.slice(0, divider);
  return words.includes("--verbose") || words.includes("-v");
}
