import { ColdkeepError, type ErrorKind, type ErrorParts, isColdkeepError, messageOf } from "../../vault/names/index.ts";

/** An error as it crosses between threads: structured clone keeps neither class nor kind. */
export interface SentError {
  readonly kind: ErrorKind;
  readonly parts: ErrorParts;
}

export function toSent(error: unknown): SentError {
  if (!isColdkeepError(error)) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { kind: "internal", parts: { what: "a worker thread failed", why: stack ?? messageOf(error) } };
  }
  const { what, on, why, todo, retryable } = error;
  return {
    kind: error.kind,
    parts: {
      what,
      retryable,
      ...(on === undefined ? {} : { on }),
      ...(why === undefined ? {} : { why }),
      ...(todo === undefined ? {} : { todo }),
    },
  };
}

export function fromSent({ kind, parts }: SentError): ColdkeepError {
  return new ColdkeepError(kind, parts);
}
