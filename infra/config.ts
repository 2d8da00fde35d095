import type { $ZodIssue } from "zod/v4/core";
import { ColdkeepError } from "../vault/names/errors.ts";
import { schema } from "./schema.ts";
import type { ConfigMistake, InfraConfig, WrittenInfraConfig } from "./types.ts";

export type ConfigFaults = { readonly config: InfraConfig } | { readonly mistakes: readonly ConfigMistake[] };

/** The configuration, or everything that is wrong with it. */
export function faultsOf(written: unknown): ConfigFaults {
  const result = schema.safeParse(written ?? {});
  if (result.success) return { config: result.data };
  return { mistakes: result.error.issues.flatMap((issue) => mistakesOf(issue)) };
}

/** The same from an app's own code, whose compiler sees most mistakes. @throws ColdkeepError `config`. */
export function configOf(written: WrittenInfraConfig): InfraConfig {
  return checkConfig(written, "what the app says");
}

/** @throws ColdkeepError `config` that names every mistake, where it is, and what is allowed there. */
export function checkConfig(written: unknown, from: string): InfraConfig {
  const result = faultsOf(written);
  if ("config" in result) return result.config;
  throw refuse(from, result.mistakes);
}

export function refuse(from: string, mistakes: readonly ConfigMistake[]): ColdkeepError {
  const lines = mistakes.map(({ where, path = [], words }) => {
    const at = where === "" ? "" : `${where}: `;
    return `${at}${path.length === 0 ? "" : `${path.map(String).join(".")}: `}${words}`;
  });
  return new ColdkeepError("config", {
    what: "the stack's configuration cannot be used",
    on: from,
    why: `\n  ${lines.join("\n  ")}`,
    todo: "docs/OPERATIONS.md lists all that it may say",
  });
}

function mistakesOf(issue: $ZodIssue): ConfigMistake[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ where: "", path: [...path, key], words: "there is no such key" }));
  }
  // A node may be a mapping or nothing: what is wrong inside the mapping are the words that help.
  if (issue.code === "invalid_union") {
    const inner = issue.errors.find((errors) => errors.some((one) => one.path.length > 0 || "keys" in one));
    if (inner !== undefined) return inner.flatMap((one) => mistakesOf({ ...one, path: [...path, ...one.path] }));
  }
  if (issue.code === "invalid_key") return [{ where: "", path, words: issue.issues[0]?.message ?? issue.message }];
  return [{ where: "", path, words: issue.message }];
}
