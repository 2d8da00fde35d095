import { messageOf, toHex } from "../../vault/names/index.ts";
import { type HashedBytes, hashed } from "../../vault/store/hashed.ts";
import { changed, missing, type ObjectDamage, sizeDamage } from "../pack-lists.ts";
import { isMismatch } from "../read.ts";
import type { Ledger } from "./ledger.ts";
import type { CopyJob, CopySource } from "./types.ts";

/** An object of which it is known what it must be. */
export interface WantedObject {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  /** Where its bytes are at hand already. */
  readonly body?: HashedBytes;
}

/** Fetches an object, sees that it is what it must be, and puts it. False where it is damaged. */
export async function transfer(job: CopyJob, wanted: WantedObject, ledger: Ledger): Promise<boolean> {
  const { name, size, sha256 } = wanted;
  if (wanted.body !== undefined) return put(job, name, wanted.body, ledger);
  const found = await fetchWhole(job.options.from, name, size);
  if (!(found instanceof Uint8Array)) return ledger.damaged(found);
  const body = hashed(found);
  const digest = toHex(body.sha256);
  if (digest !== sha256) return ledger.damaged(changed(name, digest, sha256));
  return put(job, name, body, ledger);
}

/** Puts bytes that were checked already. False where the target holds others under that name. */
export async function put(job: CopyJob, name: string, body: HashedBytes, ledger: Ledger): Promise<boolean> {
  const outcome = await job.options.to.create(name, body);
  if (!outcome.created && !outcome.same) {
    return ledger.damaged(inTheWay(name, `other bytes than the source, ${outcome.info.size} of them`));
  }
  if (outcome.created) {
    ledger.sent(body.bytes.length);
  } else {
    ledger.kept(body.bytes.length);
  }
  job.assured.add(name);
  return true;
}

/** Says of an object in the target that it is not what the source has. */
export function inTheWay(object: string, what: string): ObjectDamage {
  return { object, problem: "swapped", detail: `the target holds ${what}; nothing there is ever overwritten` };
}

async function fetchWhole(from: CopySource, name: string, size: number): Promise<Uint8Array | ObjectDamage> {
  try {
    const object = await from.get(name, { maxBytes: size });
    if (object === null) return missing(name);
    return sizeDamage(name, object.bytes.length, size) ?? object.bytes;
  } catch (error) {
    if (!isMismatch(error)) throw error;
    const info = await from.head(name);
    if (info === null) return missing(name);
    return sizeDamage(name, info.size, size) ?? { object: name, problem: "truncated", detail: messageOf(error) };
  }
}
