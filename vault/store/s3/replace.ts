import type { ReplaceOutcome, Replacer } from "../facets.ts";
import { hashed } from "../hashed.ts";
import { splitName } from "../object-name.ts";
import { isAbsent, isConditionFailed, isConflict } from "./answer.ts";
import type { Bucket } from "./call.ts";
import { type Condition, putObject } from "./put.ts";
import { findHidden, keepsVersions } from "./versions.ts";

/**
 * Replacer over a bucket: `If-Match` on the etag, `If-None-Match: *` where there is to be no object. S3 compares etags,
 * which name bytes: where the object was changed and changed back meanwhile, that is not noticed.
 */
export function s3Replacer(bucket: Bucket): Replacer {
  return {
    replace: async (name, bytes, expected) => {
      splitName(name);
      if (expected === null) return (await tryPut(bucket, name, bytes, { IfNoneMatch: "*" })) ?? { replaced: false };
      const outcome = await tryPut(bucket, name, bytes, { IfMatch: expected });
      if (outcome !== null) return outcome;
      // Nothing is there, or a delete marker over the very version that is to be replaced.
      const hidden = (await keepsVersions(bucket)) === false ? null : await findHidden(bucket, name);
      if (hidden?.info.etag !== expected) return { replaced: false };
      return (await tryPut(bucket, name, bytes, { IfNoneMatch: "*" })) ?? { replaced: false };
    },
  };
}

/** Null where nothing lies there. */
function tryPut(bucket: Bucket, name: string, bytes: Uint8Array, condition: Condition): Promise<ReplaceOutcome | null> {
  const about = { what: "cannot replace an object", name, action: "s3:PutObject" };
  return bucket.call(about, bytes.length, async (signal) => {
    try {
      return { replaced: true, info: await putObject(bucket, name, hashed(bytes), condition, signal) };
    } catch (error) {
      // If-Match on what is not there is answered as absence.
      if ("IfMatch" in condition && isAbsent(error)) return null;
      if (isConditionFailed(error) || isConflict(error)) return { replaced: false };
      throw error;
    }
  });
}
