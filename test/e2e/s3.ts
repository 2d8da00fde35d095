import { randomBytes } from "node:crypto";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import type { StoreOptions } from "../../vault/store/index.ts";

// Whoever opens a vault here finds these by the SDK's default chain, as on a host; so do child processes.
process.env.AWS_ACCESS_KEY_ID = "test";
process.env.AWS_SECRET_ACCESS_KEY = "test";

export interface S3Vault {
  readonly url: string;
  readonly s3: NonNullable<StoreOptions["s3"]>;
  readonly bucket: string;
}

/** For tests that are skipped where there is none. */
export function endpointOf(found: { readonly endpoint: string } | { readonly missing: string }): string {
  if ("missing" in found) throw new Error(found.missing);
  return found.endpoint;
}

/** The SDK's own client, for what coldkeep does not do. */
export function plainClient(endpoint: string): S3Client {
  return new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
}

const buckets = new Map<string, Promise<string>>();

/** An empty vault of its own: a fresh prefix in a bucket that the tests of a file share. */
export async function freshVault(endpoint: string, versions = true, lock = false): Promise<S3Vault> {
  const shared = `${endpoint} ${versions} ${lock}`;
  const made = buckets.get(shared) ?? makeBucket(endpoint, versions, lock);
  buckets.set(shared, made);
  const bucket = await made;
  return { url: `s3://${bucket}/t/${randomBytes(6).toString("hex")}`, s3: { endpoint }, bucket };
}

/** A bucket of its own. */
export async function makeBucket(endpoint: string, versions = true, lock = false): Promise<string> {
  const Bucket = `vault-${randomBytes(8).toString("hex")}`;
  const client = plainClient(endpoint);
  await client.send(new CreateBucketCommand({ Bucket, ...(lock ? { ObjectLockEnabledForBucket: true } : {}) }));
  if (versions) {
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }
  return Bucket;
}
