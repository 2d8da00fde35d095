import { ColdkeepError } from "../../vault/names/index.ts";
import type { CreateOptions, Creator, HashedBytes } from "../../vault/store/index.ts";

export type PutOutcome =
  | { readonly put: true; readonly size: number }
  /** The name holds other bytes. */
  | { readonly put: false };

/**
 * Puts an object under a name that must be new. If the name holds these very bytes they are ours, put by a call of which
 * the answer was lost: nobody else can have them before they are put. Repeating is the store's (`retrying`).
 * @throws ColdkeepError as the store does; the signal's reason.
 */
export async function putNew(store: Creator, name: string, body: HashedBytes, o: PutOptions): Promise<PutOutcome> {
  o.signal?.throwIfAborted();
  const outcome = await store.create(name, body, o.mayRepeat === undefined ? {} : { mayRepeat: o.mayRepeat });
  return outcome.created || outcome.same ? { put: true, size: body.bytes.length } : { put: false };
}

export interface PutOptions extends CreateOptions {
  readonly signal?: AbortSignal;
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
