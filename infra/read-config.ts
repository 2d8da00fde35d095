import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { checkConfig, type InfraConfig } from "./config.ts";

const CONFIG_FILE = "coldkeep.cdk.yaml";

/**
 * The configuration: the file that the context value `config` names, else coldkeep.cdk.yaml beside the app; a context
 * value `coldkeep` of the form of that file goes before both.
 * @throws Error in words.
 */
export function readConfig(context: (key: string) => unknown): InfraConfig {
  const given = context("coldkeep");
  if (given !== undefined) {
    return checkConfig(typeof given === "string" ? parse(given) : given, "the context value coldkeep");
  }
  const path = context("config") ?? CONFIG_FILE;
  if (typeof path !== "string" || !existsSync(path)) {
    throw new Error(
      `${String(path)} is not there: it says which nodes the vault is for. The least is\n  nodes:\n    my-node:`,
    );
  }
  let written: unknown;
  try {
    written = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} is no YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  return checkConfig(written, path);
}
