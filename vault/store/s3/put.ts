import { PutObjectCommand, type PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { ObjectInfo } from "../facets.ts";
import type { HashedBytes } from "../hashed.ts";
import type { Bucket } from "./call.ts";
import { answeredAt } from "./client.ts";
import { infoOf } from "./info.ts";

/** On which state of the name a put depends. */
export type Condition = { readonly IfNoneMatch: "*" } | { readonly IfMatch: string };

/**
 * Puts an object in one request, under a condition. S3 compares the bytes with their SHA-256 and keeps it.
 * `receivedAt` is the Date of the answer: S3 tells the time it gives the object by a question only, and it may be some
 * seconds off this.
 */
export async function putObject(
  bucket: Bucket,
  name: string,
  { bytes, sha256 }: HashedBytes,
  condition: Condition,
  abortSignal: AbortSignal,
): Promise<ObjectInfo> {
  const digest = Buffer.from(sha256);
  const command = new PutObjectCommand({
    Bucket: bucket.bucket,
    Key: bucket.key(name),
    Body: bytes,
    ContentLength: bytes.length,
    ContentType: "application/octet-stream",
    ChecksumSHA256: digest.toString("base64"),
    ...condition,
  } satisfies PutObjectCommandInput);
  command.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { request: { headers: Record<string, string> } };
      // The signer takes it from here instead of hashing all of it once more.
      request.headers["x-amz-content-sha256"] = digest.toString("hex");
      return next(args);
    },
    { step: "build", name: "knownDigest" },
  );
  const output = await bucket.client.send(command, { abortSignal });
  const { ETag, VersionId } = output;
  return infoOf({ ContentLength: bytes.length, ETag, VersionId, LastModified: answeredAt(output) });
}
