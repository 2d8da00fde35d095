import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import type { StoreTraits } from "../facets.ts";
import { answerOf } from "./answer.ts";
import type { Bucket } from "./call.ts";

/** What the bucket is set to do with its objects; null where this user may not ask, or the server does not know. */
export async function inspectBucket(bucket: Bucket): Promise<StoreTraits> {
  const Bucket = bucket.bucket;
  const about = { what: "cannot ask how the bucket is set up" };
  const versions = await bucket.call({ ...about, action: "s3:GetBucketVersioning" }, 0, (abortSignal) =>
    orNull(async () => {
      const { Status } = await bucket.client.send(new GetBucketVersioningCommand({ Bucket }), { abortSignal });
      return Status === "Enabled";
    }),
  );
  const locks = await bucket.call({ ...about, action: "s3:GetBucketObjectLockConfiguration" }, 0, (abortSignal) =>
    orNull(async () => {
      const command = new GetObjectLockConfigurationCommand({ Bucket });
      const { ObjectLockConfiguration } = await bucket.client.send(command, { abortSignal });
      return ObjectLockConfiguration?.ObjectLockEnabled === "Enabled";
    }),
  );
  return { versions, locks };
}

async function orNull(ask: () => Promise<boolean>): Promise<boolean | null> {
  try {
    return await ask();
  } catch (error) {
    const { code, status } = answerOf(error);
    if (code === "ObjectLockConfigurationNotFoundError") return false;
    // Denied, unknown to this server, or not allowed in this way.
    if (code !== "NoSuchBucket" && (status === 403 || status === 404 || status === 405 || status === 501)) return null;
    throw error;
  }
}
