import type { Replacer } from "../facets.ts";
import { hashed } from "../hashed.ts";
import { splitName } from "../object-name.ts";
import { isAbsent, isConditionFailed, isConflict } from "./answer.ts";
import type { Bucket } from "./call.ts";
import { putObject } from "./put.ts";

/**
 * Replacer over a bucket: `If-Match` on the etag, `If-None-Match: *` where there is to be no object. S3 compares etags,
 * which name bytes: where the object was changed and changed back meanwhile, that is not noticed.
 */
export function s3Replacer(bucket: Bucket): Replacer {
  return {
    replace: async (name, bytes, expected) => {
      splitName(name);
      const about = { what: "cannot replace an object", name, action: "s3:PutObject" };
      const condition = expected === null ? ({ IfNoneMatch: "*" } as const) : { IfMatch: expected };
      return bucket.call(about, bytes.length, async (signal) => {
        try {
          return { replaced: true, info: await putObject(bucket, name, hashed(bytes), condition, signal) };
        } catch (error) {
          // If-Match on what is not there is answered as absence.
          const faster = isConditionFailed(error) || isConflict(error) || (expected !== null && isAbsent(error));
          if (faster) return { replaced: false };
          throw error;
        }
      });
    },
  };
}
