import { setTimeout as sleep } from "node:timers/promises";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import type { Creator, HashedBytes } from "../../vault/store/index.ts";

/** Pauses before the same bytes are sent again, in milliseconds. */
const PAUSES = [200, 800, 2_000, 5_000];

export type PutOutcome =
  | { readonly put: true; readonly size: number }
  /** The name holds other bytes. */
  | { readonly put: false };

/**
 * Puts an object under a name that must be new. A call whose effect is not known is repeated with the same bytes; if
 * the name then holds these very bytes they are ours, for nobody else can have them before they are put.
 * @throws ColdkeepError as the store does; `interrupted`.
 */
export async function putNew(store: Creator, name: string, body: HashedBytes, o: PutOptions): Promise<PutOutcome> {
  const size = body.bytes.length;
  for (let attempt = 0; ; attempt += 1) {
    o.signal?.throwIfAborted();
    try {
      const outcome = await store.create(name, body);
      if (outcome.created) return { put: true, size };
      return outcome.same ? { put: true, size } : { put: false };
    } catch (error) {
      const pause = (o.retryPauses ?? PAUSES)[attempt];
      if (pause === undefined || !isColdkeepError(error) || !error.retryable) throw error;
      await sleep(pause, undefined, o.signal === undefined ? {} : { signal: o.signal });
      await o.mayRepeat?.(size);
    }
  }
}

export interface PutOptions {
  readonly signal?: AbortSignal;
  readonly retryPauses?: readonly number[];
  /** Asked before so many bytes are sent once more. */
  readonly mayRepeat?: (bytes: number) => Promise<void>;
}

/** The name of an object of our own run holds what we did not put: whoever did is no friend of this run. */
export function foreignObject(name: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "another writer has put an object of this run",
    on: name,
    why: "its bytes are not ours, and no two runs share an id",
    todo: "nothing of this run is visible; find out who else writes as this node, then run the backup again",
  });
}
