/** What a failed call told, as far as it got an answer at all. */
export interface Answer {
  /** S3's own word, such as `SlowDown`, the SDK's, or the system's, such as `ECONNRESET`. */
  readonly code: string;
  readonly message: string;
  readonly status: number | null;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What else S3's error document said, such as the region it expected. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** Takes apart what the SDK threw. */
export function answerOf(error: unknown): Answer {
  const said = isRecord(error) ? error : {};
  const metadata = isRecord(said.$metadata) ? said.$metadata : {};
  const response = isRecord(said.$response) ? said.$response : {};
  const headers = isRecord(response.headers) ? response.headers : {};
  const status = metadata.httpStatusCode ?? response.statusCode;
  const name = textOf(said.name) ?? "";
  // A refused connection on every address of a name is an AggregateError, whose own code says it.
  const code = textOf(said.Code) ?? (name === "Error" || name === "AggregateError" || name === "" ? undefined : name);
  return {
    code: (status === undefined ? systemCodeOf(said) : undefined) ?? code ?? systemCodeOf(said) ?? name,
    message: textOf(said.message) ?? String(error),
    status: typeof status === "number" ? status : null,
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([key, value]) =>
        typeof value === "string" ? [[key.toLowerCase(), value]] : [],
      ),
    ),
    said,
  };
}

/** Whether S3 says that the object, its version or its bucket is not there. */
export function isAbsent(error: unknown): boolean {
  const { code, status } = answerOf(error);
  return code === "NoSuchKey" || code === "NoSuchVersion" || (status === 404 && code !== "NoSuchBucket");
}

/** Whether a condition of the call did not hold: the object is there, or is not the version named. */
export function isConditionFailed(error: unknown): boolean {
  return answerOf(error).status === 412;
}

/** Whether two calls on one name met; S3 asks for the call to be sent again. */
export function isConflict(error: unknown): boolean {
  const { code, status } = answerOf(error);
  return status === 409 && code === "ConditionalRequestConflict";
}

function systemCodeOf(said: Readonly<Record<string, unknown>>): string | undefined {
  const cause = isRecord(said.cause) ? said.cause : {};
  return textOf(said.code) ?? textOf(cause.code);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
