import type { S3Client } from "@aws-sdk/client-s3";
import type { Partition, S3Place } from "../../names/index.ts";
import { renewCredentials } from "./client.ts";
import { type CallContext, isExpired, isSlowDown, toS3Error } from "./errors.ts";
import { makePace } from "./pace.ts";
import type { S3Limits } from "./settings.ts";

/** One bucket with all that a call to it takes. */
export interface Bucket extends S3Place {
  /** `s3://bucket/prefix`. */
  readonly url: string;
  readonly client: S3Client;
  readonly limits: S3Limits;
  /** This machine's time, milliseconds since the epoch; NaN where nobody told it. */
  readonly now: () => number;
  /**
   * Runs one call, body and all, in its turn and within its time.
   * @param about what it does to which object, for the error it may end in
   * @param bytes how many go over the wire, as far as known
   * @throws ColdkeepError
   */
  call<T>(about: CallContext, bytes: number, run: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The key of an object's name. */
  key(name: string): string;
  /** That the bucket is there was seen: it answered a call. */
  seen: boolean;
  /** Whether versions are, or ever were, kept here, once it was asked; null where that could not be told. */
  versions?: boolean | null;
}

export function openBucket(o: {
  readonly place: S3Place;
  /** How its ARNs begin. */
  readonly partition: Partition;
  readonly client: S3Client;
  readonly limits: S3Limits;
  readonly now: () => number;
}): Bucket {
  const { place, partition, client, limits, now } = o;
  const url = `s3://${place.bucket}${place.prefix === "" ? "" : `/${place.prefix}`}`;
  const pace = makePace(limits.calls, isSlowDown);
  const bucket: Bucket = {
    ...place,
    url,
    client,
    limits,
    now,
    seen: false,
    key: (name) => (place.prefix === "" ? name : `${place.prefix}/${name}`),
    call: (about, bytes, run) =>
      pace.run(async () => {
        const ms = limits.callMs + Math.ceil(bytes / limits.slowest);
        const signal = AbortSignal.timeout(ms);
        try {
          const result = await run(signal);
          // A null is an absence, and that of an object looks like that of the bucket.
          if (result !== null) bucket.seen = true;
          return result;
        } catch (error) {
          const renewed = isExpired(error) && (await renewCredentials(client));
          const where = { url, bucket: place.bucket, partition, seen: bucket.seen, renewed };
          throw toS3Error(error, about, { ...where, ms: signal.aborted ? ms : null, now: now() });
        }
      }),
  };
  return bucket;
}
