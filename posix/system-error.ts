import { ColdkeepError, type ErrorKind, messageOf, systemCode } from "../vault/names/index.ts";

/** A path as bytes, or as text where it is known to be text. */
export type PathBytes = string | Buffer;

/** A path as it is shown to people: bytes that are not UTF-8 appear as U+FFFD, control characters as escapes. */
export function showPath(path: PathBytes): string {
  const text = typeof path === "string" ? path : path.toString("utf8");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters in a file name must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

const KINDS: Readonly<Record<string, readonly [kind: ErrorKind, why: string, todo: string]>> = {
  ENOSPC: ["no-space", "no space is left on the file system (ENOSPC)", "Free some space there, then try again"],
  EDQUOT: ["no-space", "the disk quota is used up (EDQUOT)", "Raise the quota or free some space, then try again"],
  EACCES: ["permission", "permission denied (EACCES)", "Check the owner and the permissions, or run as another user"],
  EPERM: ["permission", "the operation is not permitted (EPERM)", "Check the owner and the permissions"],
  EROFS: ["permission", "the file system is mounted read-only (EROFS)", "Mount it writable or choose another place"],
};

/**
 * A system call's error as one of coldkeep's: full disk, missing right, or `otherwise` with the system's own words.
 * A ColdkeepError passes unchanged.
 */
export function fromSystemError(
  error: unknown,
  context: { readonly what: string; readonly on: PathBytes; readonly otherwise: ErrorKind },
): ColdkeepError {
  if (error instanceof ColdkeepError) return error;
  const { what } = context;
  const on = showPath(context.on);
  const known = KINDS[systemCode(error) ?? ""];
  if (known === undefined) {
    return new ColdkeepError(context.otherwise, { what, on, why: messageOf(error), cause: error });
  }
  const [kind, why, todo] = known;
  return new ColdkeepError(kind, { what, on, why, todo, cause: error });
}
