import { ColdkeepError, type ErrorKind, type ErrorParts, type Partition } from "../../names/index.ts";
import { type Answer, answerOf, textOf } from "./answer.ts";

/** What a call does to what, in the words of an error message. */
export interface CallContext {
  /** "cannot read an object". */
  readonly what: string;
  /** The object's name in the vault; absent where the call is about the bucket. */
  readonly name?: string;
  /** The right it takes, as IAM names it. */
  readonly action: string;
}

export interface Place {
  /** `s3://bucket/prefix`. */
  readonly url: string;
  readonly bucket: string;
  readonly partition: Partition;
  /** How long the call was let run, where its time was up. Milliseconds. */
  readonly ms: number | null;
  /** This machine's time, to compare with S3's. Milliseconds since the epoch. */
  readonly now: number;
  /** A call went well before: what gave credentials then may be away for a while. */
  readonly seen: boolean;
  /** There are other credentials than those the call was refused with. */
  readonly renewed: boolean;
}

type Verdict = Omit<ErrorParts, "what" | "on" | "cause"> & { readonly kind: ErrorKind };

const EXPIRED = /^(ExpiredToken|TokenRefreshRequired$|RequestExpired$)/;
const SLOW_DOWN = new Set(["SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded"]);
const PASSING = new Set([
  ...["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"],
  ...["ENETDOWN", "ECONNABORTED", "EADDRNOTAVAIL", "EMFILE", "ENFILE", "ERR_STREAM_PREMATURE_CLOSE"],
  ...["TimeoutError", "AbortError", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted"],
]);
const UNTRUSTED = /^(SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|CERT_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA)/;
/** S3's bound on how far a request's time may be off. */
const SKEW_MS = 15 * 60_000;

/** Whether the server wants to be asked less often. */
export function isSlowDown(error: unknown): boolean {
  const { code, status } = answerOf(error instanceof ColdkeepError ? error.cause : error);
  return SLOW_DOWN.has(code) || status === 503 || status === 429;
}

/** Whether credentials that were right once are not any more. */
export function isExpired(error: unknown): boolean {
  return EXPIRED.test(answerOf(error).code);
}

/** An error of a call to S3 in coldkeep's words; what is a ColdkeepError already stays as it is. */
export function toS3Error(error: unknown, about: CallContext, place: Place): ColdkeepError {
  if (error instanceof ColdkeepError) return error;
  const answer = answerOf(error);
  const { kind, ...parts } = place.ms === null ? verdictOn(answer, about, place) : timeUp(place.ms);
  const on = about.name === undefined ? place.url : `${place.url}/${about.name}`;
  return new ColdkeepError(kind, { what: about.what, on, ...parts, cause: error });
}

function timeUp(ms: number): Verdict {
  return {
    kind: "vault",
    why: `S3 has not answered in full within ${Math.ceil(ms / 1000)} s`,
    todo: "look at the network; the call may be repeated",
    retryable: true,
  };
}

function verdictOn(answer: Answer, about: CallContext, place: Place): Verdict {
  return (
    credentialsVerdict(answer, place) ??
    placeVerdict(answer, place) ??
    clockVerdict(answer, place) ??
    contentVerdict(answer) ??
    rightsVerdict(answer, about, place) ??
    networkVerdict(answer) ??
    otherVerdict(answer)
  );
}

function credentialsVerdict({ code, message, status }: Answer, { seen, renewed }: Place): Verdict | null {
  if (code === "CredentialsProviderError" || code === "TokenProviderError") {
    if (seen) {
      return {
        kind: "vault",
        why: `there are no AWS credentials any more: ${firstLine(message)}`,
        todo: "look at what gives them: the machine's role, `aws sso login`, or the profile's files",
        retryable: true,
      };
    }
    return {
      kind: "permission",
      why: `there are no AWS credentials: ${firstLine(message)}`,
      todo: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a `profile`, or give the machine a role",
    };
  }
  if (EXPIRED.test(code)) {
    return {
      kind: renewed ? "vault" : "permission",
      why: "the AWS credentials have expired",
      todo: "get new ones (`aws sso login`, or a new session token), then run it again",
      retryable: renewed,
    };
  }
  if (code === "InvalidAccessKeyId" || code === "InvalidToken" || code === "UnrecognizedClientException") {
    return {
      kind: "permission",
      why: `S3 does not know these credentials (${code})`,
      todo: "check which ones are used: AWS_ACCESS_KEY_ID, AWS_PROFILE, `profile` in the configuration",
    };
  }
  if (code === "SignatureDoesNotMatch") {
    return {
      kind: "permission",
      why: "the signature does not match: the secret key is wrong, or something between here and S3 changed the request",
      todo: "check AWS_SECRET_ACCESS_KEY; behind a proxy, that it does not rewrite headers",
    };
  }
  if (status === null && /region is missing/i.test(message)) {
    return {
      kind: "config",
      why: "no region is known",
      todo: "write `region` beside the vault's url, or set AWS_REGION",
    };
  }
  return null;
}

function placeVerdict({ code, headers, said, status }: Answer, { bucket }: Place): Verdict | null {
  const region = headers["x-amz-bucket-region"] ?? textOf(said.Region);
  const elsewhere = status === 301 || status === 307 || code === "PermanentRedirect" || code === "TemporaryRedirect";
  const malformed = code === "AuthorizationHeaderMalformed" || code === "IllegalLocationConstraintException";
  if (elsewhere || malformed || (status === 400 && region !== undefined)) {
    return {
      kind: "config",
      why: region === undefined ? `bucket ${bucket} is in another region` : `bucket ${bucket} is in region ${region}`,
      todo: region === undefined ? "correct `region`" : `write region: ${region} beside the vault's url`,
    };
  }
  if (code === "NoSuchBucket") {
    return {
      kind: "vault",
      why: `there is no bucket ${bucket}`,
      todo: "correct the name, the account or the endpoint, or make the bucket; coldkeep makes none",
    };
  }
  if (code === "InvalidBucketName")
    return { kind: "config", why: `${bucket} is no name of a bucket`, todo: "correct it" };
  return null;
}

/** S3 refuses what seems too old or too new. Where it gives no reason, its own clock tells. */
function clockVerdict({ code, headers, status }: Answer, { now }: Place): Verdict | null {
  const theirs = Date.parse(headers.date ?? "");
  const off = Number.isNaN(theirs - now) ? 0 : now - theirs;
  if (code !== "RequestTimeTooSkewed" && !(status === 403 && Math.abs(off) > SKEW_MS)) return null;
  const which =
    off === 0 ? "wrong" : `${Math.round(Math.abs(off) / 60_000)} minutes ${off < 0 ? "behind" : "ahead of"} S3's`;
  return {
    kind: "vault",
    why: `this machine's clock is ${which}`,
    todo: "set it, by a time service such as chrony or systemd-timesyncd",
  };
}

function rightsVerdict(
  { code, status, message }: Answer,
  { action, name }: CallContext,
  { bucket, partition }: Place,
): Verdict | null {
  if (code === "AllAccessDisabled" || code === "AccountProblem") {
    return { kind: "permission", why: `S3 has closed the bucket or the account (${code})`, todo: "ask AWS's support" };
  }
  if (status !== 403 && status !== 401) return null;
  const resource = `arn:${partition}:s3:::${bucket}${name === undefined ? "" : "/…"}`;
  const absent = /GetObject/.test(action)
    ? ". Without s3:ListBucket S3 answers in this way for objects that do not exist, too"
    : "";
  const detail = code === "AccessDenied" && message !== "Access Denied" ? ` (${firstLine(message)})` : "";
  return {
    kind: "permission",
    why: `S3 denies it${detail}${absent}`,
    todo: `allow ${action} on ${resource}, in the role's policy and the bucket's`,
  };
}

function networkVerdict({ code, message, status }: Answer): Verdict | null {
  if (UNTRUSTED.test(code)) {
    return {
      kind: "vault",
      why: `the server's certificate is not trusted: ${firstLine(message)}`,
      todo: "name the authority that signed it with ca_bundle or AWS_CA_BUNDLE, or correct `endpoint`",
    };
  }
  if (code.startsWith("ERR_PROXY") || status === 407) {
    return {
      kind: "vault",
      why: `the proxy does not let it through: ${firstLine(message)}`,
      todo: "check HTTPS_PROXY and NO_PROXY",
      retryable: code === "ERR_PROXY_TUNNEL",
    };
  }
  if (SLOW_DOWN.has(code) || status === 429 || (status === 503 && code !== "ServiceUnavailable")) {
    return { kind: "vault", why: `S3 asks to slow down (${code})`, todo: "try again later", retryable: true };
  }
  if (code === "NotImplemented" || status === 501) {
    return {
      kind: "vault",
      why: `the server cannot do what coldkeep needs (${code}: ${firstLine(message)})`,
      todo: "`coldkeep doctor --store` tells what it can; use another server",
    };
  }
  if (PASSING.has(code) || (status !== null && status >= 500)) {
    const answered = status === null ? "S3 cannot be reached" : `S3 answered ${status}`;
    return {
      kind: "vault",
      why: `${answered} (${code}${status === null ? `: ${firstLine(message)}` : ""})`,
      todo: status === null ? "check the network, `endpoint` and the proxy" : "try again later",
      retryable: true,
    };
  }
  return null;
}

function contentVerdict({ code, message }: Answer): Verdict | null {
  if (code === "BadDigest" || code === "XAmzContentSHA256Mismatch" || code === "XAmzContentChecksumMismatch") {
    return {
      kind: "vault",
      why: `bytes were changed on their way to S3 (${code})`,
      todo: "try again",
      retryable: true,
    };
  }
  if (/^checksum mismatch/i.test(message)) {
    return {
      kind: "integrity",
      why: "the bytes received do not have the checksum that S3 holds of them",
      todo: "restore from another snapshot or a copy of the vault where it stays so",
      retryable: true,
    };
  }
  if (code === "InvalidObjectState") {
    return {
      kind: "vault",
      why: "the object lies in an archive class, from which nothing is read before it is restored there",
      todo: "`coldkeep restore --from-archive` brings it back first and tells the price; or `aws s3api restore-object`",
    };
  }
  return null;
}

function otherVerdict({ code, message, status }: Answer): Verdict {
  const answered = status === null ? "" : ` ${status}`;
  return { kind: "vault", why: `S3 answered${answered} ${code}: ${firstLine(message)}`, todo: "see what S3 says" };
}

function firstLine(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length <= 300 ? line : `${line.slice(0, 300)}…`;
}
