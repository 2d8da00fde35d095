import { Readable } from "node:stream";
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { ColdkeepError } from "../../names/index.ts";
import type { ObjectInfo, Reader, StoredObject } from "../facets.ts";
import { assertCount, splitName } from "../object-name.ts";
import { answerOf, isAbsent } from "./answer.ts";
import { collect } from "./body.ts";
import type { Bucket } from "./call.ts";
import { infoOf } from "./info.ts";
import { findHidden, isHidden } from "./versions.ts";

const DEFAULT_MAX = 64 << 20;

/**
 * Reader over a bucket. Whole objects are compared with the checksum S3 holds of them; S3 keeps none of their parts. A
 * delete marker, which coldkeep never makes, is looked through.
 */
export function s3Reader(bucket: Bucket): Reader {
  return {
    head: (name) => headObject(bucket, name),
    get: (name, options) => getObject(bucket, name, options?.maxBytes ?? DEFAULT_MAX),
    getRange: (name, offset, length, memory) => getRange(bucket, name, offset, length, { memory }),
  };
}

const HIDDEN = Symbol("below a delete marker");

/** Reads what is there, or what a delete marker hides. */
async function lookThrough<T>(
  bucket: Bucket,
  name: string,
  read: (which: { readonly VersionId?: string }) => Promise<T | null | typeof HIDDEN>,
): Promise<T | null> {
  const found = await read({});
  if (found !== HIDDEN) return found;
  const hidden = await findHidden(bucket, name);
  const below = hidden === null ? null : await read({ VersionId: hidden.id });
  return below === HIDDEN ? null : below;
}

/** What lies at `name` now; null where nothing does. */
async function headObject(bucket: Bucket, name: string): Promise<ObjectInfo | null> {
  splitName(name);
  const about = { what: "cannot look at an object", name, action: "s3:GetObject" };
  const found = await lookThrough(bucket, name, (which) =>
    bucket.call(about, 0, async (abortSignal) => {
      try {
        const at = { Bucket: bucket.bucket, Key: bucket.key(name), ...which };
        const command = new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" });
        return infoOf(await bucket.client.send(command, { abortSignal }));
      } catch (error) {
        return absent(error);
      }
    }),
  );
  if (found === null && !bucket.seen) await assertBucket(bucket);
  return found;
}

/** A HEAD that finds nothing does not tell whether object or bucket is missing; absence is to be proven. */
async function assertBucket(bucket: Bucket): Promise<void> {
  const about = { what: "cannot look into the vault", action: "s3:ListBucket" };
  await bucket.call(about, 0, async (abortSignal) => {
    try {
      await bucket.client.send(new HeadBucketCommand({ Bucket: bucket.bucket }), { abortSignal });
    } catch (error) {
      if (answerOf(error).status === 404) throw Object.assign(new Error("no such bucket"), { name: "NoSuchBucket" });
      // Who may not ask this is told of a missing bucket all the same, by the next call that has an answer to read.
      if (answerOf(error).status !== 403) throw error;
    }
  });
}

/** @param version The version to read; where it is left out, the one that lies there now. */
export async function getObject(
  bucket: Bucket,
  name: string,
  max: number,
  version?: string,
): Promise<StoredObject | null> {
  splitName(name);
  const action = version === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  const about = { what: "cannot read an object", name, action };
  return lookThrough(bucket, name, (which) =>
    bucket.call(about, max, async (abortSignal) => {
      try {
        const command = new GetObjectCommand({
          Bucket: bucket.bucket,
          Key: bucket.key(name),
          ChecksumMode: "ENABLED",
          ...(version === undefined ? which : { VersionId: version }),
        });
        const output = await bucket.client.send(command, { abortSignal });
        const info = infoOf(output);
        if (info.size > max) {
          throw wrongSize(bucket, name, `it has ${info.size} bytes, at most ${max} are allowed here`, output.Body);
        }
        const bytes = await collect(output.Body, info.size);
        if (bytes.length === info.size) return { bytes, info };
        throw wrongSize(bucket, name, `${bytes.length} bytes came of the ${info.size} it has`);
      } catch (error) {
        return absent(error);
      }
    }),
  );
}

export interface RangeOptions {
  /** The version to read; where it is left out, the one that lies there now. */
  readonly version?: string;
  /** May be used for the answer. */
  readonly memory?: Uint8Array | undefined;
}

/** A part of what lies at `name`. */
export async function getRange(
  bucket: Bucket,
  name: string,
  offset: number,
  length: number,
  { version, memory }: RangeOptions = {},
): Promise<Uint8Array | null> {
  splitName(name);
  assertCount("offset", offset);
  assertCount("length", length);
  const wanted = `bytes ${offset} to ${offset + length} are wanted`;
  // HTTP has no range of no bytes.
  if (length === 0) {
    const info = await headObject(bucket, name);
    if (info === null || offset <= info.size) return info === null ? null : new Uint8Array(0);
    throw wrongSize(bucket, name, `it ends at ${info.size}, ${wanted}`);
  }
  const exact = version === undefined ? {} : { VersionId: version };
  const action = version === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  const about = { what: "cannot read an object", name, action };
  return lookThrough(bucket, name, (which) =>
    bucket.call(about, length, async (abortSignal) => {
      try {
        const Range = `bytes=${offset}-${offset + length - 1}`;
        const command = new GetObjectCommand({
          Bucket: bucket.bucket,
          Key: bucket.key(name),
          Range,
          ...which,
          ...exact,
        });
        const output = await bucket.client.send(command, { abortSignal });
        // A server that knows no ranges sends all of it: read no more than was asked for.
        if ((output.ContentLength ?? 0) > length) {
          throw wrongSize(bucket, name, `the server sent ${output.ContentLength} bytes, ${wanted}`, output.Body);
        }
        const bytes = await collect(output.Body, output.ContentLength ?? length, { memory, signal: abortSignal });
        if (bytes.length === length) return bytes;
        throw wrongSize(bucket, name, `it ended at ${offset + bytes.length} while read, ${wanted}`);
      } catch (error) {
        if (answerOf(error).status === 416) throw wrongSize(bucket, name, `it ends before, ${wanted}`);
        return absent(error);
      }
    }),
  );
}

function absent(error: unknown): null | typeof HIDDEN {
  if (!(error instanceof ColdkeepError) && isAbsent(error)) return isHidden(error) ? HIDDEN : null;
  throw error;
}

function wrongSize(bucket: Bucket, name: string, why: string, body?: unknown): ColdkeepError {
  if (body instanceof Readable) body.destroy();
  return new ColdkeepError("integrity", {
    what: "an object does not have the size expected",
    on: `${bucket.url}/${name}`,
    why,
  });
}
