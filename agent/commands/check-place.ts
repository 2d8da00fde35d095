import { type Partition, partitionOf } from "../../vault/names/index.ts";
import type { StoreTraits } from "../../vault/store/facets.ts";
import type { VaultSettings } from "../config/index.ts";
import { type Check, note, ok } from "./check.ts";

const OTHER_WORLDS: Readonly<Record<Exclude<Partition, "aws">, string>> = {
  "aws-cn":
    "China is a world of its own: accounts, roles, KMS keys and replication end at it, `coldkeep copy` to elsewhere takes a profile " +
    "a side, and prices (`coldkeep cost --price-file`) are others",
  "aws-us-gov":
    "GovCloud is a world of its own: accounts, roles, KMS keys and replication end at it, `coldkeep copy` to elsewhere takes a " +
    "profile a side; where FIPS 140 is asked for, write fips: true",
};
/** Interface endpoints: `bucket.vpce-0123-abc.s3.eu-central-1.vpce.amazonaws.com`. */
const VPC_ENDPOINT = /\bvpce[-.]|\.vpce\.amazonaws\.com(\.cn)?$/;
const AWS_HOST = /(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/;

/** What a vault in S3 does without for where it lies and how it is reached; nothing of it is wrong. */
export function checkPlace(
  { url, s3 }: Pick<VaultSettings, "url" | "s3">,
  env: Readonly<Record<string, string | undefined>>,
  traits: StoreTraits | null,
): readonly Check[] {
  if (!url.startsWith("s3:")) return [];
  return [...where(s3, env), ...locks(traits)];
}

function where(s3: VaultSettings["s3"], env: Readonly<Record<string, string | undefined>>): Check[] {
  const endpoint = s3?.endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const host = endpoint === undefined || !URL.canParse(endpoint) ? "" : new URL(endpoint).hostname;
  if (host !== "" && VPC_ENDPOINT.test(host)) {
    return [
      note(
        "place",
        `reached by a VPC endpoint, ${host}`,
        "the presenter's URLs name S3's public host: where restores have no way there, give this host's VPC private DNS for S3, " +
          "or restore beside the vault, without --from",
      ),
    ];
  }
  if (host !== "" && !AWS_HOST.test(host)) {
    return [
      note(
        "place",
        `another server than AWS's, ${host}`,
        "what is lost: the stack and its functions (this host lists, retains and verifies: backup, `forget`, `gc`, `verify`), the " +
          "presenter in AWS (`coldkeep serve` stands in), archive classes, and keys in KMS for tickets (a file stands in)",
      ),
    ];
  }
  const partition = partitionOf(s3?.region ?? env.AWS_REGION);
  return partition === "aws" ? [] : [note("place", partition, OTHER_WORLDS[partition])];
}

function locks(traits: StoreTraits | null): Check[] {
  if (traits === null || traits.locks === null) {
    return [
      note("locks", "this host may not ask whether objects are locked", "allow s3:GetBucketObjectLockConfiguration"),
    ];
  }
  if (traits.locks) return [ok("locks", "objects can be locked against everybody's deletes for a time")];
  return [
    note(
      "locks",
      "objects cannot be locked",
      "whoever may delete in the bucket can delete snapshots at any time: keep a second vault under other credentials (`coldkeep copy`)",
    ),
  ];
}
