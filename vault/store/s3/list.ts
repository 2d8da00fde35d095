import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { ListedObject, Lister } from "../facets.ts";
import { isNamePart, splitPrefix } from "../object-name.ts";
import type { Bucket } from "./call.ts";
import { infoOf } from "./info.ts";
import { keepsVersions, listVersions, type VersionPage } from "./versions.ts";

/** What a page of a thousand names weighs, for its time-out. */
const PAGE_BYTES = 1 << 20;

/**
 * Lister over a bucket, a page of a thousand names a call, in S3's order, which is that of the names' bytes. Keys that
 * cannot be an object's name were put by somebody else and are passed over, as are the folders that consoles make. Where
 * versions are kept, and this user may list them, delete markers hide nothing.
 */
export function s3Lister(bucket: Bucket): Lister {
  return {
    list: (prefix) => {
      splitPrefix(prefix);
      return listAll(bucket, prefix);
    },
  };
}

async function* listAll(bucket: Bucket, prefix: string): AsyncGenerator<ListedObject> {
  if ((await keepsVersions(bucket)) === false) return yield* listPages(bucket, prefix);
  let next: VersionPage["next"] = {};
  let last: string | null = null;
  while (next !== null) {
    const page: VersionPage | null = await listVersions(bucket, prefix, next, last);
    if (page === null) return yield* listPages(bucket, prefix);
    yield* page.objects;
    last = page.objects.at(-1)?.name ?? last;
    next = page.next;
  }
}

async function* listPages(bucket: Bucket, prefix: string): AsyncGenerator<ListedObject> {
  const root = bucket.key("");
  let token: string | undefined;
  do {
    const about = { what: "cannot list the vault", action: "s3:ListBucket" };
    const page = await bucket.call(about, PAGE_BYTES, (abortSignal) => {
      const command = new ListObjectsV2Command({
        Bucket: bucket.bucket,
        Prefix: root + prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      return bucket.client.send(command, { abortSignal });
    });
    for (const { Key = "", Size, ETag, LastModified, StorageClass } of page.Contents ?? []) {
      const name = Key.slice(root.length);
      if (!name.split("/").every(isNamePart)) continue;
      yield { name, info: infoOf({ ContentLength: Size, ETag, LastModified, StorageClass }) };
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}
