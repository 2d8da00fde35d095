import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { ColdkeepError } from "../../names/index.ts";
import { hashed } from "../hashed.ts";
import { splitName } from "../object-name.ts";
import { makeRetry, type RetryOptions } from "../retrying.ts";
import { isConditionFailed } from "./answer.ts";
import type { S3StoreOptions } from "./index.ts";
import { reachBucket } from "./reach.ts";

/** S3's bound on parts, beside which a part may have 5 GiB. */
const MOST_PARTS = 10_000;

/**
 * Puts what comes as one object, part by part, so that memory holds one part whatever its length. It gets its name when it
 * is whole, and never over what has the name. For what is not a vault's: those put packs, which are short.
 * @returns its bytes; null where the name is taken.
 * @throws ColdkeepError as any call; `refused` above 10,000 parts; whatever `chunks` throws. Nothing is visible then.
 */
export async function uploadStream(
  url: string,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  o: S3StoreOptions & RetryOptions,
): Promise<number | null> {
  splitName(name);
  const bucket = reachBucket(url, o);
  const retry = makeRetry(o);
  const at = { Bucket: bucket.bucket, Key: bucket.key(name) };
  const about = { what: "cannot store an object", name, action: "s3:PutObject" };
  const start = new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: "SHA256", ChecksumType: "COMPOSITE" });
  const { UploadId } = await retry(() =>
    bucket.call(about, 0, (signal) => bucket.client.send(start, { abortSignal: signal })),
  );
  const upload = { ...at, UploadId };
  try {
    const parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string }[] = [];
    let size = 0;
    for await (const bytes of inParts(chunks, bucket.limits.part)) {
      o.signal?.throwIfAborted();
      if (parts.length === MOST_PARTS) throw tooLong(bucket.url, name);
      const part = hashed(bytes);
      const ChecksumSHA256 = Buffer.from(part.sha256).toString("base64");
      const PartNumber = parts.length + 1;
      const { ETag } = await retry(() =>
        bucket.call(about, bytes.length, (signal) => {
          const command = new UploadPartCommand({ ...upload, PartNumber, Body: part.bytes, ChecksumSHA256 });
          return bucket.client.send(command, { abortSignal: signal });
        }),
      );
      parts.push({ PartNumber, ETag, ChecksumSHA256 });
      size += bytes.length;
    }
    const complete = { ...upload, MultipartUpload: { Parts: parts }, IfNoneMatch: "*" };
    const taken = await bucket.call(about, 0, async (signal) => {
      try {
        await bucket.client.send(new CompleteMultipartUploadCommand(complete), { abortSignal: signal });
        return false;
      } catch (error) {
        if (isConditionFailed(error)) return true;
        throw error;
      }
    });
    if (!taken) return size;
  } catch (error) {
    await abort();
    throw error;
  }
  await abort();
  return null;

  /** Left parts cost money and nobody sees them. Where this fails too, the bucket's lifecycle rule has to do it. */
  async function abort(): Promise<void> {
    await bucket.client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
  }
}

/** Pieces of exactly `size` bytes, and a last one of what is left; at least one, as an object has a part. */
async function* inParts(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let kept: Uint8Array[] = [];
  let length = 0;
  let any = false;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (length + rest.length >= size) {
      const take = size - length;
      yield Buffer.concat([...kept, rest.subarray(0, take)]);
      any = true;
      rest = rest.subarray(take);
      kept = [];
      length = 0;
    }
    if (rest.length > 0) kept.push(rest);
    length += rest.length;
  }
  if (length > 0 || !any) yield Buffer.concat(kept);
}

function tooLong(url: string, name: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "this is too long for one object",
    on: `${url}/${name}`,
    why: `S3 takes ${MOST_PARTS} parts`,
    todo: "write it to a file instead",
  });
}
