import { ColdkeepError, parseS3Url, partitionOf } from "../../vault/names/index.ts";
import { hostStatements } from "../../vault/store/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openSession, pickVault } from "./session.ts";

/** `coldkeep cloud agent-policy`. */
export async function run(call: Call): Promise<Answer> {
  const { config, node } = openSession(call);
  const { url, s3 } = pickVault(config, call.flags.vault);
  const place = url.startsWith("s3://") ? parseS3Url(url) : "it is a directory";
  if (typeof place === "string") {
    throw new ColdkeepError("usage", {
      what: "only vaults in S3 have policies",
      on: url,
      why: place,
      todo: "name one in S3 with --vault",
    });
  }
  const bucket = `arn:${partitionOf(s3?.region)}:s3:::${place.bucket}`;
  const sets = config.groups.filter(({ order }) => order.includes(node.name)).map(({ name }) => name);
  const document = {
    Version: "2012-10-17",
    Statement: hostStatements(bucket, place.prefix, node.name, node.stop.group?.name ?? null, sets),
  };
  return { document, text: JSON.stringify(document, null, 2) };
}
