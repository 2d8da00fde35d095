import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { ObjectInfo } from "../facets.ts";
import { type HashedBytes, hashed } from "../hashed.ts";
import type { Bucket } from "./call.ts";
import { answeredAt } from "./client.ts";
import { infoOf } from "./info.ts";

/**
 * Puts an object of several parts, each with its SHA-256. It gets its name with the last call, under the condition that
 * nobody has it; before that nothing is visible. Parts of an upload that fails are removed.
 */
export async function putInParts(
  bucket: Bucket,
  name: string,
  { bytes }: HashedBytes,
  abortSignal: AbortSignal,
): Promise<ObjectInfo> {
  const at = { Bucket: bucket.bucket, Key: bucket.key(name) };
  const start = new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: "SHA256", ChecksumType: "COMPOSITE" });
  const { UploadId } = await bucket.client.send(start, { abortSignal });
  const upload = { ...at, UploadId };
  try {
    const parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string }[] = [];
    for (let offset = 0; offset < bytes.length; offset += bucket.limits.part) {
      const part = hashed(bytes.subarray(offset, offset + bucket.limits.part));
      const ChecksumSHA256 = Buffer.from(part.sha256).toString("base64");
      const PartNumber = parts.length + 1;
      const command = new UploadPartCommand({ ...upload, PartNumber, Body: part.bytes, ChecksumSHA256 });
      const { ETag } = await bucket.client.send(command, { abortSignal });
      parts.push({ PartNumber, ETag, ChecksumSHA256 });
    }
    const complete = { ...upload, MultipartUpload: { Parts: parts }, IfNoneMatch: "*" };
    const output = await bucket.client.send(new CompleteMultipartUploadCommand(complete), { abortSignal });
    const { ETag, VersionId } = output;
    return infoOf({ ContentLength: bytes.length, ETag, VersionId, LastModified: answeredAt(output) });
  } catch (error) {
    // Left parts cost money and nobody sees them. Where this fails too, the bucket's lifecycle rule has to do it.
    await bucket.client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
    throw error;
  }
}
