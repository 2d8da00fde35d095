import { ColdkeepError, parseS3Url, partitionOf } from "../../names/index.ts";
import { type Bucket, openBucket } from "./call.ts";
import { makeClient } from "./client.ts";
import type { S3StoreOptions } from "./index.ts";
import { S3_LIMITS } from "./settings.ts";

/** The bucket at a URL, with a client for it; asks nothing of it. @throws ColdkeepError `config` for a bad URL or CA bundle. */
export function reachBucket(url: string, o: S3StoreOptions): Bucket {
  const place = parseS3Url(url);
  if (typeof place === "string") {
    throw new ColdkeepError("config", { what: "not the place of a vault in S3", on: url, why: place });
  }
  const limits = { ...S3_LIMITS, ...o.limits };
  const env = o.env ?? process.env;
  const client = makeClient(o.s3 ?? {}, limits, o.version ?? "unknown", env);
  const partition = partitionOf(o.s3?.region ?? env.AWS_REGION);
  return openBucket({ place, partition, client, limits, now: o.now ?? (() => Number.NaN) });
}
