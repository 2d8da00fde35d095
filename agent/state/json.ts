import { showPath } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { readPrivateFile, writePrivateFile } from "./private.ts";

/**
 * A JSON object of the state, or null where there is no file.
 * @throws ColdkeepError `integrity` where it is none; `todo` says what its loss costs.
 */
export function readState(path: string, todo: string, max = 1 << 20): Record<string, unknown> | null {
  const bytes = readPrivateFile(path, max);
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below: what the parser saw may be part of a key.
  }
  throw damaged(path, "it is not a JSON object", todo);
}

/** Replaces a JSON file of the state durably. */
export function writeState(path: string, value: Readonly<Record<string, unknown>>): void {
  writePrivateFile(path, Buffer.from(`${JSON.stringify(value, null, 1)}\n`));
}

/** What is said of a file of the state that does not hold what coldkeep wrote. */
export function damaged(path: string, why: string, todo: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a file of coldkeep's state is damaged",
    on: showPath(path),
    why,
    todo,
  });
}
