import { parseOriginRecord } from "../../vault/card/index.ts";
import type { CardCore } from "../../vault/card/types.ts";
import { isColdkeepError, names } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";

const MAX_RECORD = 64 << 10;

/**
 * When a vault first received the snapshot's begin: this one, or, where this is a copy, the one before it. Milliseconds
 * since the epoch by that vault's clock; null where the begin is gone.
 */
export async function receivedAtOf(store: Reader, { vault, node, snapshot }: CardCore): Promise<number | null> {
  const begin = await store.head(names.begin(node, snapshot));
  if (begin === null) return null;
  const name = names.originRecord(node, snapshot);
  try {
    const record = await store.get(name, { maxBytes: MAX_RECORD });
    if (record === null) return begin.receivedAt;
    // Whoever copies cannot make a snapshot younger than this vault knows it to be.
    return Math.min(begin.receivedAt, parseOriginRecord(record.bytes, { vault, node, snapshot }, name).begun);
  } catch (error) {
    if (!isColdkeepError(error, "integrity") || error.retryable) throw error;
    return begin.receivedAt;
  }
}
