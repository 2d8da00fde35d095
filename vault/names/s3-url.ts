/** Where in S3 a vault lies: `s3://bucket/prefix`. */
export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; empty where the vault fills its bucket. */
  readonly prefix: string;
}

export const S3_URL_FORM = "s3://bucket or s3://bucket/prefix";

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
/** Names that mean something else than a general purpose bucket. */
const SPECIAL = /^(xn--|sthree-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;
const PART = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
/** Leaves 512 of S3's 1,024 bytes to the names in the vault. */
const MAX_PREFIX = 512;

/**
 * Reads `s3://bucket/prefix`; one slash at the end is let pass. Buckets are named as
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html rules.
 * @returns what is wrong with it, in words, where it is none.
 */
export function parseS3Url(url: string): S3Place | string {
  const match = /^s3:\/\/([^/]*)(?:\/(.*?))?\/?$/s.exec(url);
  if (match === null) return `${S3_URL_FORM} is expected`;
  const [, bucket = "", prefix = ""] = match;
  if (bucket.includes("@") || bucket.includes(":"))
    return "keys and ports have no place in it; `endpoint` names a server";
  if (!BUCKET.test(bucket) || bucket.includes("..") || ADDRESS.test(bucket)) {
    return "the bucket's name has 3 to 63 of a-z 0-9 . -, begins and ends with a letter or digit, and is no IP address";
  }
  if (SPECIAL.test(bucket)) return "that is not the name of a general purpose bucket";
  if (prefix === "") return { bucket, prefix };
  if (prefix.length > MAX_PREFIX) return `the prefix has ${prefix.length} letters, at most ${MAX_PREFIX} are allowed`;
  if (!prefix.split("/").every((part) => PART.test(part))) {
    return "the prefix is parts of A-Z a-z 0-9 . _ -, none empty or beginning with a dot, joined by /";
  }
  return { bucket, prefix };
}
