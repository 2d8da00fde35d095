import { isColdkeepError } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { type Check, note, ok, warn } from "./check.ts";

/** A vault in S3: what this user may do there, as far as a look tells, and whether deleted objects are gone for good. */
export async function checkBucket(store: Store): Promise<readonly Check[]> {
  return [await mayList(store), ...(await keepsVersions(store))];
}

async function mayList(store: Store): Promise<Check> {
  try {
    // One name is enough to know.
    for await (const _ of store.list("")) break;
    return ok("vault", `${store.url}, may be read and listed`);
  } catch (error) {
    if (!isColdkeepError(error, "permission")) throw error;
    return note(
      "vault",
      `${store.url}, may be read but not listed`,
      "backups and restores need no list; `rebuild` does: allow s3:ListBucket to whoever runs it",
    );
  }
}

async function keepsVersions(store: Store): Promise<readonly Check[]> {
  const traits = await store.inspect?.();
  if (traits === undefined) return [];
  const { versions, locks } = traits;
  if (versions === null) {
    return [
      note("vault versions", "it may not be asked whether the bucket keeps versions", "allow s3:GetBucketVersioning"),
    ];
  }
  if (!versions) {
    return [
      warn(
        "vault versions",
        "the bucket keeps no versions: whoever gets this host's credentials may delete what is in it for good",
        "turn versioning on: aws s3api put-bucket-versioning --versioning-configuration Status=Enabled --bucket <bucket>",
      ),
    ];
  }
  return [ok("vault versions", `kept${locks === true ? ", and objects can be locked" : ""}`)];
}
