import { HeadObjectCommand, RestoreObjectCommand, type Tier } from "@aws-sdk/client-s3";
import type { Archive, ArchivedObject, ArchiveSpeed } from "../archive.ts";
import { splitName } from "../object-name.ts";
import { answerOf, isAbsent } from "./answer.ts";
import type { S3StoreOptions } from "./index.ts";
import { isArchived } from "./info.ts";
import { reachBucket } from "./reach.ts";

const TIERS: Readonly<Record<ArchiveSpeed, Tier>> = { bulk: "Bulk", standard: "Standard", expedited: "Expedited" };

/** The archive classes of a vault in S3. @throws ColdkeepError `config` for a bad URL. */
export function openS3Archive(url: string, o: S3StoreOptions): Archive {
  const bucket = reachBucket(url, o);
  const { client } = bucket;
  return {
    look: (name) => {
      splitName(name);
      const about = { what: "cannot look at an object", name, action: "s3:GetObject" };
      return bucket.call(about, 0, async (abortSignal) => {
        try {
          const command = new HeadObjectCommand({ Bucket: bucket.bucket, Key: bucket.key(name) });
          return archivedOf(await client.send(command, { abortSignal }));
        } catch (error) {
          if (isAbsent(error)) return null;
          throw error;
        }
      });
    },
    bringBack: (name, { days, speed }) => {
      splitName(name);
      const about = { what: "cannot bring an object back from its archive", name, action: "s3:RestoreObject" };
      return bucket.call(about, 0, async (abortSignal) => {
        try {
          const RestoreRequest = { Days: days, GlacierJobParameters: { Tier: TIERS[speed] } };
          const command = new RestoreObjectCommand({ Bucket: bucket.bucket, Key: bucket.key(name), RestoreRequest });
          await client.send(command, { abortSignal });
        } catch (error) {
          if (answerOf(error).code !== "RestoreAlreadyInProgress") throw error;
        }
      });
    },
  };
}

/** `x-amz-restore` says `ongoing-request="true"` while a copy is made. */
function archivedOf(head: {
  readonly StorageClass?: string | undefined;
  readonly Restore?: string | undefined;
  readonly ContentLength?: number | undefined;
}): ArchivedObject | null {
  const { StorageClass = "STANDARD", Restore = "", ContentLength = 0 } = head;
  if (!isArchived({ StorageClass, Restore })) return null;
  return { class: StorageClass, size: ContentLength, coming: Restore.includes('ongoing-request="true"') };
}
