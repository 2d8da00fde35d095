import { HeadObjectCommand, ListObjectsV2Command, RestoreObjectCommand, type Tier } from "@aws-sdk/client-s3";
import { isColdkeepError } from "../../names/index.ts";
import type { Archive, ArchivedObject, ArchiveSpeed } from "../archive.ts";
import { splitName, splitPrefix } from "../object-name.ts";
import { answerOf, isAbsent } from "./answer.ts";
import type { Bucket } from "./call.ts";
import type { S3StoreOptions } from "./index.ts";
import { isArchived } from "./info.ts";
import { reachBucket } from "./reach.ts";

const TIERS: Readonly<Record<ArchiveSpeed, Tier>> = { bulk: "Bulk", standard: "Standard", expedited: "Expedited" };

/** The archive classes of a vault in S3. @throws ColdkeepError `config` for a bad URL. */
export function openS3Archive(url: string, o: S3StoreOptions): Archive {
  const bucket = reachBucket(url, o);
  const { client } = bucket;
  return {
    among: async (folder, first, last) => {
      splitPrefix(folder);
      try {
        return await archivedAmong(bucket, folder, first, last);
      } catch (error) {
        if (isColdkeepError(error, "permission")) return null;
        throw error;
      }
    },
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

/** What a page of a thousand names weighs, for its time-out. */
const PAGE_BYTES = 1 << 20;

async function archivedAmong(bucket: Bucket, folder: string, first: string, last: string): Promise<Set<string>> {
  const about = { what: "cannot see in which classes the vault's objects lie", action: "s3:ListBucket" };
  const root = bucket.key("");
  const found = new Set<string>();
  let token: string | undefined;
  do {
    const page = await bucket.call(about, PAGE_BYTES, (abortSignal) => {
      const where = { Bucket: bucket.bucket, Prefix: bucket.key(folder) };
      // What a listing starts after comes before the first: its name without the last letter.
      const from = token === undefined ? { StartAfter: bucket.key(first).slice(0, -1) } : { ContinuationToken: token };
      return bucket.client.send(new ListObjectsV2Command({ ...where, ...from }), { abortSignal });
    });
    const objects = page.Contents ?? [];
    for (const { Key = "", StorageClass = "STANDARD" } of objects) {
      const name = Key.slice(root.length);
      if (name >= first && name <= last && isArchived({ StorageClass })) found.add(name);
    }
    const isPast = (objects.at(-1)?.Key ?? "").slice(root.length) >= last;
    token = page.IsTruncated === true && !isPast ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return found;
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
