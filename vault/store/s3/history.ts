import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import type { History, KeptVersion } from "../facets.ts";
import { splitName, splitPrefix } from "../object-name.ts";
import type { Bucket } from "./call.ts";
import { infoOf } from "./info.ts";
import { getObject, getRange } from "./read.ts";

/** What a page of a thousand versions weighs, for its time-out. */
const PAGE_BYTES = 1 << 20;

/** History over a bucket. One that keeps no versions has none to tell: its objects' only version has no name. */
export function s3History(bucket: Bucket): History {
  return {
    versions: (name, most) => listVersions(bucket, name, most),
    get: (name, version, { maxBytes }) => getObject(bucket, name, maxBytes, version),
    getRange: (name, version, offset, length) => getRange(bucket, name, offset, length, { version }),
    overwritten: (prefix) => findOverwritten(bucket, prefix),
  };
}

/** S3 tells a name's versions together, newest first, and names that only begin with it after them. */
async function listVersions(bucket: Bucket, name: string, most: number): Promise<KeptVersion[]> {
  splitName(name);
  const Prefix = bucket.key(name);
  const found: KeptVersion[] = [];
  let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = {};
  for (;;) {
    const about = { what: "cannot look for older versions of an object", name, action: "s3:ListBucketVersions" };
    const page = await bucket.call(about, PAGE_BYTES, (abortSignal) =>
      bucket.client.send(new ListObjectVersionsCommand({ Bucket: bucket.bucket, Prefix, ...from }), { abortSignal }),
    );
    for (const { Key, Size, ETag, LastModified, VersionId } of page.Versions ?? []) {
      if (Key !== Prefix) continue;
      const { version, ...info } = infoOf({ ContentLength: Size, ETag, LastModified, VersionId });
      if (version !== undefined) found.push({ ...info, version });
    }
    if (found.length >= most || page.IsTruncated !== true || page.NextKeyMarker !== Prefix) return found.slice(0, most);
    from = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
    };
  }
}

/** One call tells of a thousand versions. */
async function findOverwritten(bucket: Bucket, prefix: string): Promise<Map<string, string>> {
  splitPrefix(prefix);
  const root = bucket.key("");
  const first = new Map<string, string>();
  const several = new Set<string>();
  let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = {};
  for (;;) {
    const about = { what: "cannot look for older versions of objects", name: prefix, action: "s3:ListBucketVersions" };
    const command = new ListObjectVersionsCommand({ Bucket: bucket.bucket, Prefix: bucket.key(prefix), ...from });
    const page = await bucket.call(about, PAGE_BYTES, (abortSignal) => bucket.client.send(command, { abortSignal }));
    for (const { Key = "", VersionId } of page.Versions ?? []) {
      if (VersionId === undefined) continue;
      const name = Key.slice(root.length);
      if (first.has(name)) several.add(name);
      // Newest first: the last that is told is the first there was.
      first.set(name, VersionId);
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) break;
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker } = page;
    from = { KeyMarker, ...(NextVersionIdMarker === undefined ? {} : { VersionIdMarker: NextVersionIdMarker }) };
  }
  return new Map([...first].filter(([name]) => several.has(name)));
}
