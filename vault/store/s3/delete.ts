import { DeleteObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import type { ApprovedPlan, DeleteOutcome, Deleter, PlannedDelete } from "../facets.ts";
import { splitName } from "../object-name.ts";
import { answerOf, isAbsent, isConditionFailed } from "./answer.ts";
import type { Bucket } from "./call.ts";
import { infoOf } from "./info.ts";
import { assertSeesVersions } from "./versions.ts";

/**
 * Deleter over a bucket. In a bucket that keeps versions it removes the very version planned and leaves no marker, and
 * wants to see what others' markers hide; in another one, the object while its etag is the one planned: by `If-Match`, or, where the server does not know that with
 * deletes, by a look just before.
 */
export function s3Deleter(bucket: Bucket): Deleter {
  return { delete: (plan) => deletePlanned(bucket, plan) };
}

async function* deletePlanned(bucket: Bucket, plan: ApprovedPlan): AsyncGenerator<DeleteOutcome> {
  // All names before the first object: a plan with one illegal name is no plan.
  for (const { name } of plan.objects) splitName(name);
  if (plan.objects.length > 0) await assertSeesVersions(bucket);
  for (const object of plan.objects) yield { name: object.name, outcome: await deleteOne(bucket, object) };
}

type Outcome = DeleteOutcome["outcome"];

async function deleteOne(bucket: Bucket, planned: PlannedDelete): Promise<Outcome> {
  const found = await findPlanned(bucket, planned);
  if (found === null) return "gone";
  const { version, locked } = found;
  // S3 would say "denied" for both a lock and a missing right; the lock is known already.
  if (locked) return "locked";
  const { name, etag } = planned;
  const action = version === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
  return bucket.call({ what: "cannot delete an object", name, action }, 0, async (abortSignal) => {
    try {
      const at = { Bucket: bucket.bucket, Key: bucket.key(name) };
      const which = version === undefined ? { IfMatch: etag } : { VersionId: version };
      await bucket.client
        .send(new DeleteObjectCommand({ ...at, ...which }), { abortSignal })
        .catch((error: unknown) => {
          // Not every server deletes on a condition. It held a moment ago, and what is planned is written once only.
          if (version !== undefined || answerOf(error).code !== "NotImplemented") throw error;
          return bucket.client.send(new DeleteObjectCommand(at), { abortSignal });
        });
      return "deleted";
    } catch (error) {
      if (isAbsent(error) || isConditionFailed(error)) return "gone";
      if (isLocked(error)) return "locked";
      throw error;
    }
  });
}

/** The version that is to go, if it is there and has the bytes planned. */
async function findPlanned(bucket: Bucket, { name, etag, version }: PlannedDelete) {
  const action = version === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  return bucket.call({ what: "cannot look at an object", name, action }, 0, async (abortSignal) => {
    try {
      const which = version === undefined ? {} : { VersionId: version };
      const command = new HeadObjectCommand({ Bucket: bucket.bucket, Key: bucket.key(name), ...which });
      const output = await bucket.client.send(command, { abortSignal });
      const info = infoOf(output);
      if (info.etag !== etag) return null;
      const until = output.ObjectLockRetainUntilDate?.getTime() ?? 0;
      const locked = until > bucket.now() || output.ObjectLockLegalHoldStatus === "ON";
      // "null" is a version, too, where versions are kept: of what was put before they were.
      return { version: version ?? output.VersionId, locked };
    } catch (error) {
      // What is asked for by its version may be a marker, of which there is nothing to see (405), or a foreign id (400).
      const { status } = answerOf(error);
      if (isAbsent(error) || status === 405 || (version !== undefined && status === 400)) return null;
      throw error;
    }
  });
}

/** Who may not see the lock's date meets it here: S3 denies, and says why in words. */
function isLocked(error: unknown): boolean {
  const { status, message } = answerOf(error);
  return status === 403 && /object[ -]?lock|worm|retention|legal hold/i.test(message);
}
