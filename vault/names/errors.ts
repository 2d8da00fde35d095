/** What kind of thing went wrong. Each kind has one exit code (`agent/exit-codes.ts`), listed in docs/CLI.md. */
export type ErrorKind =
  | "internal"
  | "usage"
  | "config"
  | "key"
  | "node-stop"
  | "node-start"
  | "node-down"
  | "vault"
  | "integrity"
  | "busy"
  | "not-found"
  | "refused"
  | "no-space"
  | "permission"
  | "outcome-unknown"
  | "behind"
  | "partial"
  | "stale"
  | "skipped"
  | "syncing"
  | "unproven"
  | "not-well"
  | "interrupted";

/** The parts of an error message, in the order they are read out. */
export interface ErrorParts {
  /** What failed, in the user's words, without a full stop: "cannot open the manifest". */
  readonly what: string;
  /** The object it failed on: a path, an object name, a key of the config. */
  readonly on?: string;
  /** Why: what was found and what is allowed. */
  readonly why?: string;
  /** What to do now. */
  readonly todo?: string;
  readonly cause?: unknown;
  /** Worth trying the same call again, because the cause lies outside (network, a busy server). */
  readonly retryable?: boolean;
}

/**
 * The one error family of coldkeep. Every condition that a user or a caller is expected to meet is thrown as this
 * class; anything else that surfaces is a defect and is reported as kind `internal`.
 * No secret may ever be put into any part.
 */
export class ColdkeepError extends Error {
  readonly kind: ErrorKind;
  readonly what: string;
  readonly on: string | undefined;
  readonly why: string | undefined;
  readonly todo: string | undefined;
  readonly retryable: boolean;

  constructor(kind: ErrorKind, parts: ErrorParts) {
    super(render(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "ColdkeepError";
    this.kind = kind;
    this.what = parts.what;
    this.on = parts.on;
    this.why = parts.why;
    this.todo = parts.todo;
    this.retryable = parts.retryable ?? false;
  }
}

function render({ what, on, why, todo }: ErrorParts): string {
  const head = on === undefined ? what : `${what}: ${on}`;
  const body = why === undefined ? head : `${head}: ${why}`;
  return todo === undefined ? body : `${body}${/[.?]$/.test(body) ? "" : "."} ${todo}`;
}

/** True for a ColdkeepError, of one kind where `kind` is given. */
export function isColdkeepError(error: unknown, kind?: ErrorKind): error is ColdkeepError {
  return error instanceof ColdkeepError && (kind === undefined || error.kind === kind);
}

/** The system's own error code (`ENOSPC`, `EACCES`, …) of an error thrown by Node, if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
