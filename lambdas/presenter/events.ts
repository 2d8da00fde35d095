import { gzipSync } from "node:zlib";
import type { PresenterAnswer, PresenterRequest } from "../../keeper/index.ts";

/** What a Function URL hands over, as far as it is looked at (payload format 2.0). */
export interface FunctionUrlEvent {
  readonly rawPath: string;
  readonly rawQueryString: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly requestContext: {
    readonly http: { readonly method: string };
    /** Set by Lambda where the URL's authentication is AWS_IAM, and by nobody else. */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
}

export interface FunctionUrlAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** Longer answers are compressed, where that is understood: a Function URL passes on 6 MB at most. */
const COMPRESS_FROM = 16 << 10;

export function requestOf({ rawPath, rawQueryString, headers, requestContext }: FunctionUrlEvent): PresenterRequest {
  const caller = requestContext.authorizer?.iam?.userArn;
  // Behind AWS_IAM the header is the caller's signature, and no ticket.
  const authorization = caller === undefined ? headers.authorization : undefined;
  return {
    method: requestContext.http.method,
    path: rawPath,
    query: rawQueryString,
    ...(authorization === undefined ? {} : { authorization }),
    ...(caller === undefined ? {} : { caller }),
  };
}

export function eventAnswerOf(answer: PresenterAnswer, accepted: string | undefined): FunctionUrlAnswer {
  const { status: statusCode, headers, body } = answer;
  const bytes = Buffer.from(body);
  if (bytes.length < COMPRESS_FROM || !/\bgzip\b/.test(accepted ?? "")) {
    return { statusCode, headers: { ...headers }, body: bytes.toString("utf8"), isBase64Encoded: false };
  }
  const compressed = { ...headers, "content-encoding": "gzip" };
  return { statusCode, headers: compressed, body: gzipSync(bytes).toString("base64"), isBase64Encoded: true };
}
