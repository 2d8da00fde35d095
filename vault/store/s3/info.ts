import { ColdkeepError } from "../../names/index.ts";
import type { ObjectInfo } from "../facets.ts";

interface Told {
  readonly ContentLength?: number | undefined;
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ChecksumSHA256?: string | undefined;
  readonly StorageClass?: string | undefined;
  readonly Restore?: string | undefined;
}

/**
 * What S3 told about an object. `etag` names its bytes (with some kinds of encryption, its upload), so the same bytes put
 * anew may have the same one; `receivedAt` is Last-Modified, which has whole seconds.
 * @throws ColdkeepError `vault` where an answer lacks what every S3 answer has.
 */
export function infoOf(told: Told): ObjectInfo {
  const { ContentLength, ETag, VersionId, LastModified } = told;
  const receivedAt = LastModified?.getTime();
  if (ContentLength === undefined || ETag === undefined || receivedAt === undefined || Number.isNaN(receivedAt)) {
    throw new ColdkeepError("vault", {
      what: "the server's answer is none of S3's",
      why: "Content-Length, ETag or Last-Modified is missing",
      todo: "check `endpoint`, and what stands between",
    });
  }
  const archived = isArchived(told) ? { archived: true as const } : {};
  const more = { ...lockOf(told.ObjectLockRetainUntilDate), ...sumOf(told.ChecksumSHA256), ...archived };
  return { size: ContentLength, etag: ETag, ...versionOf(VersionId), receivedAt, ...more };
}

const ARCHIVES = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** `x-amz-restore` says `ongoing-request="false"` while a copy brought back from an archive class is there. */
export function isArchived({
  StorageClass = "STANDARD",
  Restore = "",
}: Pick<Told, "StorageClass" | "Restore">): boolean {
  return ARCHIVES.has(StorageClass) && !Restore.includes('ongoing-request="false"');
}

function lockOf(until: Date | undefined): { readonly lockedUntil?: number } {
  return until === undefined ? {} : { lockedUntil: until.getTime() };
}

/** Of an object in parts S3 keeps a sum of the parts' sums, which it writes with a dash. */
function sumOf(base64: string | undefined): { readonly sha256?: string } {
  const sum = base64 === undefined || base64.includes("-") ? null : Buffer.from(base64, "base64");
  return sum?.length === 32 ? { sha256: sum.toString("hex") } : {};
}

/** `null` names the one version of an object in a bucket that keeps none. */
function versionOf(id: string | undefined): { readonly version?: string } {
  return id === undefined || id === "" || id === "null" ? {} : { version: id };
}
