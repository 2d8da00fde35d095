import { S3Client } from "@aws-sdk/client-s3";

type Credentials = S3Client["config"]["credentials"];

/** This host's AWS credentials, by the SDK's default chain, found when they are first needed. */
export function defaultCredentials(region: string): Credentials {
  return new S3Client({ region }).config.credentials;
}
