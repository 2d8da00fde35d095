import type { Deleter, Store } from "../facets.ts";
import { readonly } from "../readonly.ts";
import { s3Creator } from "./create.ts";
import { s3Deleter } from "./delete.ts";
import { s3History } from "./history.ts";
import { inspectBucket } from "./inspect.ts";
import { s3Lister } from "./list.ts";
import { s3Locker, s3LockTeller } from "./lock.ts";
import { reachBucket } from "./reach.ts";
import { s3Reader } from "./read.ts";
import { s3Replacer } from "./replace.ts";
import type { S3Limits, S3Settings } from "./settings.ts";

export interface S3StoreOptions {
  /** Every change is refused. Default false. */
  readonly readonly?: boolean;
  readonly s3?: S3Settings;
  /** Goes into the User-Agent. */
  readonly version?: string;
  /** This machine's time, milliseconds since the epoch. Default: none, which no error can compare with S3's. */
  readonly now?: () => number;
  readonly env?: NodeJS.ProcessEnv;
  readonly limits?: Partial<S3Limits>;
}

/**
 * A vault in S3, or in a server that speaks like it. Opening asks nothing of it. Every call is made once: wrap it in
 * `retrying`.
 * @throws ColdkeepError `config` for a bad URL or CA bundle.
 */
export function openS3Store(url: string, o: S3StoreOptions): Store & Deleter {
  const bucket = reachBucket(url, o);
  const store: Store & Deleter = {
    url: bucket.url,
    ...s3Reader(bucket),
    ...s3Creator(bucket),
    ...s3Replacer(bucket),
    ...s3Lister(bucket),
    ...s3Deleter(bucket),
    ...s3LockTeller(bucket),
    ...s3Locker(bucket),
    inspect: () => inspectBucket(bucket),
    history: s3History(bucket),
  };
  return o.readonly ? readonly(store) : store;
}
