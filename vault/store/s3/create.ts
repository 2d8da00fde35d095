import { createHash, timingSafeEqual } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { ColdkeepError } from "../../names/index.ts";
import type { CreateOutcome, Creator, ObjectInfo } from "../facets.ts";
import type { HashedBytes } from "../hashed.ts";
import { splitName } from "../object-name.ts";
import { makeReceipt } from "../receipt.ts";
import { isAbsent, isConditionFailed, isConflict } from "./answer.ts";
import type { Bucket } from "./call.ts";
import { infoOf } from "./info.ts";
import { putInParts } from "./multipart.ts";
import { putObject } from "./put.ts";
import { findHidden, keepsVersions } from "./versions.ts";

const ATTEMPTS = 6;
const PAUSE_MS = 50;

/** Creator over a bucket: `If-None-Match: *`, with the SHA-256 that S3 compares and keeps. */
export function s3Creator(bucket: Bucket): Creator {
  return {
    create: async (name, body) => {
      splitName(name);
      for (let attempt = 1; ; attempt += 1) {
        const put = await tryPut(bucket, name, body, attempt);
        if (put === "conflict") continue;
        if (put !== "taken") return { created: true, receipt: makeReceipt(name, put) };
        const taken = await describeTaken(bucket, name, body);
        if (taken !== null) return taken;
        if (attempt >= ATTEMPTS) throw comesAndGoes(bucket, name);
      }
    },
  };
}

/** Two creates that meet are told to come again; whoever does finds the other's object, or puts his own. */
async function tryPut(
  bucket: Bucket,
  name: string,
  body: HashedBytes,
  attempt: number,
): Promise<ObjectInfo | "taken" | "conflict"> {
  const about = { what: "cannot store an object", name, action: "s3:PutObject" };
  const { length } = body.bytes;
  const outcome = await bucket.call(about, length, async (signal) => {
    try {
      if (length > bucket.limits.single) return await putInParts(bucket, name, body, signal);
      return await putObject(bucket, name, body, { IfNoneMatch: "*" }, signal);
    } catch (error) {
      if (isConditionFailed(error)) return "taken";
      if (isConflict(error) && attempt < ATTEMPTS) return "conflict";
      throw error;
    }
  });
  if (outcome === "conflict") await sleep(Math.random() * PAUSE_MS * 2 ** attempt);
  return outcome;
}

/** What lies at the name that was to be put; null where it has gone meanwhile. */
async function describeTaken(bucket: Bucket, name: string, body: HashedBytes): Promise<CreateOutcome | null> {
  const about = { what: "cannot look at an object", name, action: "s3:GetObject" };
  const look = (which: { readonly VersionId?: string }) =>
    bucket.call(about, 0, async (abortSignal) => {
      const at = { Bucket: bucket.bucket, Key: bucket.key(name), ...which };
      try {
        const command = new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" });
        const output = await bucket.client.send(command, { abortSignal });
        return { info: infoOf(output), checksum: output.ChecksumSHA256 };
      } catch (error) {
        if (isAbsent(error)) return null;
        throw error;
      }
    });
  const there = await look({});
  // Some servers hold a name for taken that a delete marker lies on.
  const hidden = there === null && (await keepsVersions(bucket)) !== false ? await findHidden(bucket, name) : null;
  const found = there ?? (hidden === null ? null : await look({ VersionId: hidden.id }));
  if (found === null) return null;
  const { info, checksum } = found;
  if (info.size !== body.bytes.length) return { created: false, same: false, info };
  const theirs = checksum === undefined || checksum.includes("-") ? null : Buffer.from(checksum, "base64");
  const digest = theirs?.length === 32 ? theirs : await hashStored(bucket, name, info);
  return digest === null ? null : { created: false, same: timingSafeEqual(digest, body.sha256), info };
}

/** Where S3 keeps no SHA-256 of the whole object, its bytes tell. */
function hashStored(bucket: Bucket, name: string, { size, etag }: ObjectInfo): Promise<Uint8Array | null> {
  const about = { what: "cannot read an object", name, action: "s3:GetObject" };
  return bucket.call(about, size, async (abortSignal) => {
    try {
      const command = new GetObjectCommand({ Bucket: bucket.bucket, Key: bucket.key(name), IfMatch: etag });
      const { Body } = await bucket.client.send(command, { abortSignal });
      const hash = createHash("sha256");
      if (Body !== undefined) for await (const piece of Body as AsyncIterable<Uint8Array>) hash.update(piece);
      return hash.digest();
    } catch (error) {
      if (isAbsent(error) || isConditionFailed(error)) return null;
      throw error;
    }
  });
}

function comesAndGoes(bucket: Bucket, name: string): ColdkeepError {
  return new ColdkeepError("vault", {
    what: "cannot store an object",
    on: `${bucket.url}/${name}`,
    why: "an object of that name comes and goes",
    todo: "find out who else writes here",
  });
}
