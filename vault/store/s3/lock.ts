import {
  type DefaultRetention,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  PutObjectRetentionCommand,
} from "@aws-sdk/client-s3";
import type { Locker, LockTeller, LockTerms } from "../facets.ts";
import { splitName } from "../object-name.ts";
import { answerOf, isAbsent } from "./answer.ts";
import type { Bucket } from "./call.ts";

const DAY = 86_400_000;
const YEAR = 365 * DAY;

/** LockTeller over a bucket: its default retention. Who may not ask, or asks a server that has none, is told of none. */
export function s3LockTeller(bucket: Bucket): LockTeller {
  return {
    lockTerms: () =>
      bucket.call({ what: "cannot ask how long objects are locked", action: ACTION }, 0, async (abortSignal) => {
        try {
          const command = new GetObjectLockConfigurationCommand({ Bucket: bucket.bucket });
          const { ObjectLockConfiguration } = await bucket.client.send(command, { abortSignal });
          return termsOf(ObjectLockConfiguration?.Rule?.DefaultRetention);
        } catch (error) {
          const { code, status } = answerOf(error);
          if (code !== "NoSuchBucket" && (status === 403 || status === 404 || status === 405 || status === 501))
            return null;
          throw error;
        }
      }),
  };
}

const ACTION = "s3:GetBucketObjectLockConfiguration";

function termsOf(rule: DefaultRetention | undefined): LockTerms | null {
  const ms = (rule?.Days ?? 0) * DAY + (rule?.Years ?? 0) * YEAR;
  if (ms === 0) return null;
  return { mode: rule?.Mode === "COMPLIANCE" ? "compliance" : "governance", ms };
}

/** Locker over a bucket: the retention of an object's present version. */
export function s3Locker(bucket: Bucket): Locker {
  return {
    lock: async (name, until, mode) => {
      splitName(name);
      const about = { what: "cannot lock an object", name, action: "s3:PutObjectRetention" };
      return bucket.call(about, 0, async (abortSignal) => {
        const at = { Bucket: bucket.bucket, Key: bucket.key(name) };
        const Mode = mode === "compliance" ? ("COMPLIANCE" as const) : ("GOVERNANCE" as const);
        const Retention = { Mode, RetainUntilDate: new Date(until) };
        try {
          await bucket.client.send(new PutObjectRetentionCommand({ ...at, Retention }), { abortSignal });
          return "locked";
        } catch (error) {
          const { status } = answerOf(error);
          // A delete marker is nothing that can be locked.
          if (isAbsent(error) || status === 405) return "absent";
          if (status !== 403) throw error;
          // S3 denies who has no right, and also everybody who would shorten a lock; the latter is no loss.
          const there = await bucket.client.send(new HeadObjectCommand(at), { abortSignal }).catch(() => null);
          if ((there?.ObjectLockRetainUntilDate?.getTime() ?? 0) >= until) return "locked";
          throw error;
        }
      });
    },
  };
}
