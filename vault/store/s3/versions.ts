import { GetBucketVersioningCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import type { ListedObject, ObjectInfo } from "../facets.ts";
import { isNamePart } from "../object-name.ts";
import { answerOf } from "./answer.ts";
import type { Bucket } from "./call.ts";
import { infoOf } from "./info.ts";

/**
 * What a bucket that keeps versions holds below the delete markers in it. coldkeep deletes by version and makes none: a
 * marker is somebody else's, and what it hides is still there for all jobs, or whoever may put markers could make the
 * collector take what is in use for dead.
 */

const ACTION = "s3:ListBucketVersions";
/** What a page of a thousand versions weighs, for its time-out. */
const PAGE_BYTES = 1 << 20;

/** Whether a 404 says that a delete marker lies over the object. */
export function isHidden(error: unknown): boolean {
  const { status, headers } = answerOf(error);
  return status === 404 && headers["x-amz-delete-marker"] === "true";
}

/** The newest version of an object whose name is taken by a delete marker; null where there is none below it. */
export async function findHidden(
  bucket: Bucket,
  name: string,
): Promise<{ readonly id: string; readonly info: ObjectInfo } | null> {
  const about = { what: "cannot look below a delete marker", name, action: ACTION };
  return bucket.call(about, PAGE_BYTES, async (abortSignal) => {
    const Key = bucket.key(name);
    const command = new ListObjectVersionsCommand({ Bucket: bucket.bucket, Prefix: Key });
    const page = await bucket.client.send(command, { abortSignal });
    // Names come in order, the shortest first; of one name the newest version.
    const found = page.Versions?.find((version) => version.Key === Key);
    if (found?.VersionId === undefined) return null;
    const { VersionId, Size, ETag, LastModified } = found;
    return { id: VersionId, info: { ...infoOf({ ContentLength: Size, ETag, LastModified }), version: VersionId } };
  });
}

/** Whether versions are, or ever were, kept here; null where this user may not ask, or the server does not know. */
export async function keepsVersions(bucket: Bucket): Promise<boolean | null> {
  if (bucket.versions !== undefined) return bucket.versions;
  const about = { what: "cannot ask how the bucket is set up", action: "s3:GetBucketVersioning" };
  bucket.versions = await bucket.call(about, 0, async (abortSignal) => {
    try {
      const command = new GetBucketVersioningCommand({ Bucket: bucket.bucket });
      return (await bucket.client.send(command, { abortSignal })).Status !== undefined;
    } catch (error) {
      return orUnknown(error);
    }
  });
  return bucket.versions;
}

/** Denied, unknown to this server, or not allowed in this way. */
function orUnknown(error: unknown): null {
  const { code, status } = answerOf(error);
  if (code !== "NoSuchBucket" && (status === 403 || status === 404 || status === 405 || status === 501)) return null;
  throw error;
}

/** One page of the newest versions below a prefix, with or without markers over them; null where they cannot be seen. */
export interface VersionPage {
  readonly objects: readonly ListedObject[];
  /** Where the next page begins. */
  readonly next: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | null;
}

/** @param last the last name of the page before: its older versions may go on in this one */
export async function listVersions(
  bucket: Bucket,
  prefix: string,
  from: VersionPage["next"],
  last: string | null,
): Promise<VersionPage | null> {
  const root = bucket.key("");
  const about = { what: "cannot list the vault", action: ACTION };
  return bucket.call(about, PAGE_BYTES, async (abortSignal) => {
    const command = new ListObjectVersionsCommand({ Bucket: bucket.bucket, Prefix: root + prefix, ...from });
    const page = await bucket.client.send(command, { abortSignal }).catch(orUnknown);
    if (page === null) return null;
    const objects: ListedObject[] = [];
    let before = last;
    for (const { Key = "", VersionId, Size, ETag, LastModified, StorageClass } of page.Versions ?? []) {
      const name = Key.slice(root.length);
      if (name === before) continue;
      before = name;
      if (!name.split("/").every(isNamePart)) continue;
      const info = infoOf({ ContentLength: Size, ETag, LastModified, StorageClass });
      // "null" is a version, too: of what was put before versions were kept.
      objects.push({ name, info: VersionId === undefined ? info : { ...info, version: VersionId } });
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    const next = {
      ...(KeyMarker === undefined ? {} : { KeyMarker }),
      ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }),
    };
    return { objects, next: IsTruncated === true ? next : null };
  });
}

/**
 * Makes sure that who deletes here also sees what delete markers hide: what was planned without is not to be trusted.
 * @throws ColdkeepError `permission`
 */
export async function assertSeesVersions(bucket: Bucket): Promise<void> {
  if ((await keepsVersions(bucket)) === false) return;
  const about = { what: "cannot see what delete markers hide, so nothing is deleted", action: ACTION };
  await bucket.call(about, 0, async (abortSignal) => {
    const command = new ListObjectVersionsCommand({ Bucket: bucket.bucket, Prefix: bucket.key(""), MaxKeys: 1 });
    await bucket.client.send(command, { abortSignal }).catch((error: unknown) => {
      // A server without versions has no markers either.
      if (answerOf(error).status !== 501) throw error;
    });
  });
}
