import { ColdkeepError, type ErrorKind, isColdkeepError, messageOf } from "../../vault/names/index.ts";

const DENIED = new Set(["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"]);
const CREDENTIALS = new Set([
  ...["CredentialsProviderError", "TokenProviderError", "ExpiredToken", "ExpiredTokenException"],
  ...["InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"],
]);

/** An error of a call to AWS in coldkeep's words. @param action the right it takes, as IAM names it. */
export function cloudError(error: unknown, what: string, on: string, action: string): ColdkeepError {
  if (isColdkeepError(error)) return error;
  const name = error instanceof Error ? error.name : "";
  const [kind, why, todo] = verdictOf(name, firstLine(messageOf(error)), action);
  return new ColdkeepError(kind, { what, on, why, todo, cause: error });
}

function verdictOf(name: string, said: string, action: string): readonly [kind: ErrorKind, why: string, todo: string] {
  if (DENIED.has(name)) return ["permission", "AWS denies it", `allow ${action} to whoever asks`];
  if (CREDENTIALS.has(name)) {
    return ["permission", `there are no valid AWS credentials: ${said}`, "set AWS_PROFILE, or renew them"];
  }
  if (/region is missing/i.test(said)) {
    return ["usage", "it is not known in which AWS region", "give --region, or set AWS_REGION"];
  }
  return ["vault", said === "" ? name : said, "check the network, the region and the proxy"];
}

function firstLine(text: string): string {
  return (text.split("\n", 1)[0] ?? "").slice(0, 300);
}
