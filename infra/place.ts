import type { IBucket } from "aws-cdk-lib/aws-s3";

/** Where the vault lies: a bucket, and what comes before all names in it. */
export interface VaultPlace {
  readonly bucket: IBucket;
  /** Without slashes at its ends; empty where the vault fills its bucket. */
  readonly prefix: string;
}

export function vaultUrl({ bucket, prefix }: VaultPlace): string {
  return prefix === "" ? `s3://${bucket.bucketName}` : `s3://${bucket.bucketName}/${prefix}`;
}

/** ARNs of objects by name below the vault's prefix; `*` stands for any text. */
export function objectArns({ bucket, prefix }: VaultPlace, names: readonly string[]): string[] {
  return names.map((name) => bucket.arnForObjects(prefix === "" ? name : `${prefix}/${name}`));
}
