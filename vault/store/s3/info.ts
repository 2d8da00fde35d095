import { ColdkeepError } from "../../names/index.ts";
import type { ObjectInfo } from "../facets.ts";

interface Told {
  readonly ContentLength?: number | undefined;
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly LastModified?: Date | undefined;
}

/**
 * What S3 told about an object. `etag` names its bytes (with some kinds of encryption, its upload), so the same bytes put
 * anew may have the same one; `receivedAt` is Last-Modified, which has whole seconds.
 * @throws ColdkeepError `vault` where an answer lacks what every S3 answer has.
 */
export function infoOf({ ContentLength, ETag, VersionId, LastModified }: Told): ObjectInfo {
  const receivedAt = LastModified?.getTime();
  if (ContentLength === undefined || ETag === undefined || receivedAt === undefined || Number.isNaN(receivedAt)) {
    throw new ColdkeepError("vault", {
      what: "the server's answer is none of S3's",
      why: "Content-Length, ETag or Last-Modified is missing",
      todo: "check `endpoint`, and what stands between",
    });
  }
  return { size: ContentLength, etag: ETag, ...versionOf(VersionId), receivedAt };
}

/** `null` names the one version of an object in a bucket that keeps none. */
function versionOf(id: string | undefined): { readonly version?: string } {
  return id === undefined || id === "" || id === "null" ? {} : { version: id };
}
