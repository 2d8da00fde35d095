import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { TOOLS, type Tool } from "./tools.ts";

export interface Found {
  readonly tools: readonly Tool[];
  /** A line for each tool that is not among them. */
  readonly missing: readonly string[];
}

/** Folders to look for programs in: COLDKEEP_PEERS, its bin, PATH. */
export function searchPath(env: NodeJS.ProcessEnv): string[] {
  const peers = env.COLDKEEP_PEERS;
  return [...(peers === undefined ? [] : [peers, join(peers, "bin")]), ...(env.PATH ?? "").split(":")];
}

/** Where a program of that name is, or null. */
export function findProgram(name: string, folders: readonly string[]): string | null {
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

/**
 * The tools that can run here.
 * @throws Error for a name in `wanted` that no tool has.
 */
export function findTools(folders: readonly string[], wanted: readonly string[] | null, s3: boolean): Found {
  const unknown = wanted?.find((name) => !TOOLS.some((tool) => tool.name === name));
  if (unknown !== undefined) {
    throw new Error(`there is no tool called ${unknown}; known are ${TOOLS.map(({ name }) => name).join(", ")}`);
  }
  const chosen = TOOLS.filter((tool) => (wanted === null ? (tool.s3 ?? false) === s3 : wanted.includes(tool.name)));
  const missing: string[] = [];
  const tools = chosen.filter((tool) => {
    const absent = tool.programs.filter((name) => name !== "coldkeep" && findProgram(name, folders) === null);
    if (absent.length > 0) missing.push(`${tool.name}: ${absent.join(", ")} not found`);
    if (tool.s3 === true && !s3) missing.push(`${tool.name}: needs --s3`);
    return absent.length === 0 && (tool.s3 !== true || s3);
  });
  return { tools, missing };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
