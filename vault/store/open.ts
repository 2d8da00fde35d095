import { ColdkeepError } from "../names/index.ts";
import type { Archive } from "./archive.ts";
import { openDirectoryStore } from "./directory/index.ts";
import type { Deleter, Store } from "./facets.ts";
import type { HttpStore, HttpStoreOptions } from "./http/index.ts";
import type { RetryOptions } from "./retrying.ts";
import type { S3Settings } from "./s3/settings.ts";

export interface StoreOptions {
  /** Every change is refused; nothing is swept. Default false. */
  readonly readonly?: boolean;
  /** Makes the folder of a directory vault, 0700, where there is none; buckets are made by nobody here. Default false. */
  readonly create?: boolean;
  /** How a vault in S3 is reached. */
  readonly s3?: S3Settings;
  /** coldkeep's own, for the User-Agent of S3 calls. */
  readonly version?: string;
  /** This machine's time, milliseconds since the epoch: a wrong one is told apart from a missing right by it. */
  readonly now?: () => number;
}

/**
 * Opens the vault at a URL or path. What S3 takes is loaded only for a vault in S3.
 * @throws ColdkeepError `config` for a scheme this version does not know; else what the store's own opening throws.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store & Deleter> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return openDirectoryStore(url, options);
  if (scheme === "s3") {
    const { openS3Store } = await import("./s3/index.ts");
    return openS3Store(url, options);
  }
  throw new ColdkeepError("config", {
    what: "cannot open the vault",
    on: url,
    why: `vaults lie in directories or in S3, found "${scheme}:"`,
    todo: "Write file:///path or s3://bucket/prefix",
  });
}

/** `openHttpStore` of http/, which is loaded only where a presenter is asked. */
export async function openHttpStore(from: string, o: HttpStoreOptions): Promise<HttpStore> {
  const { openHttpStore: open } = await import("./http/index.ts");
  return await open(from, o);
}

/** `uploadStream` of s3/, which is loaded only where it is called. @throws ColdkeepError `config` for a place that is not in S3. */
export async function uploadStream(
  url: string,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  options: StoreOptions & RetryOptions,
): Promise<number | null> {
  const { uploadStream: upload } = await import("./s3/upload.ts");
  return upload(url, name, chunks, options);
}

/** The archive classes of the vault at a URL; null where it has none. @throws as `openStore`. */
export async function openArchive(url: string, options: StoreOptions): Promise<Archive | null> {
  if (!url.startsWith("s3:")) return null;
  const { openS3Archive } = await import("./s3/archive.ts");
  return openS3Archive(url, options);
}
