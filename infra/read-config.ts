import { existsSync, readFileSync } from "node:fs";
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parse, parseDocument } from "yaml";
import { checkConfig, faultsOf, refuse } from "./config.ts";
import type { ConfigMistake, InfraConfig } from "./types.ts";

export const CONFIG_FILE = "coldkeep.cdk.yaml";

/**
 * The configuration: the file that the context value `config` names, else coldkeep.cdk.yaml beside the app; a context
 * value `coldkeep` of the form of that file goes before both.
 * @throws ColdkeepError `config`.
 */
export function readConfig(context: (key: string) => unknown): InfraConfig {
  const given = context("coldkeep");
  if (given !== undefined) {
    return checkConfig(typeof given === "string" ? parse(given) : given, "the context value coldkeep");
  }
  return readConfigFile(String(context("config") ?? CONFIG_FILE));
}

/** Reads one file; each mistake is told by line and column. @throws ColdkeepError `config`. */
export function readConfigFile(path: string): InfraConfig {
  if (!existsSync(path)) {
    throw refuse(path, [
      {
        where: "",
        words: "is not there: it says which nodes the vault is for. The least is\n    nodes:\n      my-node:",
      },
    ]);
  }
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, "utf8"), { lineCounter: lines, prettyErrors: false });
  const broken = document.errors.map(({ pos, message }) => ({
    ...placed(lines, pos[0]),
    words: `no YAML: ${message}`,
  }));
  if (broken.length > 0) throw refuse(path, broken);
  const result = faultsOf(document.toJS({ maxAliasCount: 100 }));
  if ("config" in result) return result.config;
  throw refuse(
    path,
    result.mistakes.map((mistake) => ({ ...mistake, ...placed(lines, offsetOf(document, mistake)) })),
  );
}

function placed(lines: LineCounter, offset: number): Pick<ConfigMistake, "where"> {
  const { line, col } = lines.linePos(offset);
  return { where: `${line}:${col}` };
}

/** Where the key stands that a mistake is about; of one that is missing, the key it should stand under. */
function offsetOf(document: Document, { path = [] }: ConfigMistake): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    const items: readonly unknown[] = isMap(node) ? node.items : [];
    const pair = items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
    if (isPair(pair)) {
      offset = rangeOf(pair.key) ?? offset;
      node = pair.value;
    } else {
      node =
        isNode(node) && "get" in node ? (node as { get(key: unknown, keep: true): unknown }).get(step, true) : null;
      offset = rangeOf(node) ?? offset;
    }
  }
  return offset;
}

function rangeOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
