import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { KMSClient } from "@aws-sdk/client-kms";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { type EncryptionContext, type KmsKey, kmsIdentity, kmsRecipient } from "../../vault/sealed/index.ts";
import type { LoadedKey } from "./loaded.ts";
import type { KmsSetting } from "./types.ts";

/** One call and its retries may take this long. */
const REQUEST_MS = 10_000;
const ATTEMPTS = 4;
const ARN = /^arn:[^:]+:kms:([^:]+):([^:]*):(key|alias)\/(.+)$/;

/**
 * A symmetric key in AWS KMS, by id, ARN or alias. Credentials come as the AWS SDK finds them: environment, profile,
 * instance role. Nothing is asked before the first use.
 */
export async function loadKms(setting: KmsSetting): Promise<LoadedKey> {
  const { key } = setting;
  const label = `kms:${key}`;
  const sdk = await import("@aws-sdk/client-kms");
  const region = setting.region ?? ARN.exec(key)?.[1];
  const client = new sdk.KMSClient({
    maxAttempts: ATTEMPTS,
    requestHandler: handler(label),
    ...(region === undefined ? {} : { region }),
    ...(setting.endpoint === undefined ? {} : { endpoint: setting.endpoint }),
  });
  const kms = kmsKey(sdk, client, key, label);
  const recipient = kmsRecipient(kms);
  return { setting, label, toRecipient: () => recipient, identity: { ...kmsIdentity(kms), label } };
}

/** HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE, which the SDK leaves to its callers. */
function handler(on: string) {
  const { AWS_CA_BUNDLE: bundle } = process.env;
  const agent = {
    keepAlive: true,
    proxyEnv: process.env,
    ...(bundle === undefined || bundle === "" ? {} : { ca: readBundle(bundle, on) }),
  };
  return { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent) };
}

function readBundle(path: string, on: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ColdkeepError("config", {
      what: "cannot read the certificate authorities in AWS_CA_BUNDLE",
      on,
      why: messageOf(error),
      cause: error,
    });
  }
}

type Sdk = typeof import("@aws-sdk/client-kms");

function kmsKey(sdk: Sdk, client: KMSClient, KeyId: string, label: string): KmsKey {
  return {
    mayBe: (arn) => mayBe(KeyId, arn),
    async encrypt(plain, context) {
      const input = { KeyId, Plaintext: plain, EncryptionContext: { ...context } };
      try {
        const answer = await client.send(new sdk.EncryptCommand(input), limit());
        if (answer.CiphertextBlob === undefined || answer.KeyId === undefined)
          throw new Error("an answer without its parts");
        return { ct: answer.CiphertextBlob, arn: answer.KeyId };
      } catch (error) {
        throw kmsError(error, "AWS KMS did not encrypt the snapshot key", label);
      }
    },
    async decrypt(ct: Uint8Array, context: EncryptionContext) {
      const input = { KeyId, CiphertextBlob: ct, EncryptionContext: { ...context } };
      try {
        return (await client.send(new sdk.DecryptCommand(input), limit())).Plaintext ?? null;
      } catch (error) {
        if (nameOf(error) === "IncorrectKeyException" || nameOf(error) === "InvalidCiphertextException") return null;
        throw kmsError(error, "AWS KMS did not decrypt the snapshot key", label);
      }
    },
  };
}

/** A multi-Region key has one id in all its Regions, and any of them opens what another encrypted. */
function mayBe(configured: string, arn: string): boolean {
  const found = ARN.exec(arn);
  if (found === null) return false;
  const own = ARN.exec(configured);
  if (own === null) return configured.startsWith("alias/") || found[4] === configured;
  if (own[3] === "alias") return true;
  return own[4] === found[4] && own[2] === found[2] && (own[1] === found[1] || own[4]?.startsWith("mrk-") === true);
}

function limit() {
  return { abortSignal: AbortSignal.timeout(REQUEST_MS * ATTEMPTS) };
}

const WORDS: Readonly<Record<string, readonly [why: string, todo: string]>> = {
  AccessDeniedException: [
    "access is denied",
    "let this host's role do kms:Encrypt (and kms:Decrypt where it is to restore)",
  ],
  DisabledException: ["the key is disabled", "enable it in KMS: aws kms enable-key"],
  KMSInvalidStateException: [
    "the key is in a state that allows no use; it may be waiting for its deletion",
    "look at it: aws kms describe-key; a deletion can still be cancelled",
  ],
  NotFoundException: ["there is no such key or alias in this account and Region", "correct the name, or the region"],
  ThrottlingException: ["it is asked too often", "try again later, or have the quota raised"],
  CredentialsProviderError: ["there are no AWS credentials", "give this host a role, a profile or AWS_ACCESS_KEY_ID"],
  UnrecognizedClientException: ["the AWS credentials are not valid", "correct them"],
  ExpiredTokenException: ["the AWS credentials have expired", "renew them"],
};

const PASSING = new Set([
  "ThrottlingException",
  "KeyUnavailableException",
  "DependencyTimeoutException",
  "TimeoutError",
  "AbortError",
]);

function kmsError(error: unknown, what: string, on: string): ColdkeepError {
  const name = nameOf(error);
  const [why, todo] = WORDS[name] ?? [messageOf(error), undefined];
  return new ColdkeepError(name === "AccessDeniedException" ? "permission" : "key", {
    what,
    on,
    why,
    ...(todo === undefined ? {} : { todo }),
    cause: error,
    retryable: PASSING.has(name),
  });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
