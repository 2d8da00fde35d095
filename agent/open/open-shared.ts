import { encodeCard, sumOf } from "../../vault/card/index.ts";
import type { Card } from "../../vault/card/types.ts";
import { ColdkeepError, fromBase64url, names, type SnapshotId } from "../../vault/names/index.ts";
import { openShare, type ShareContent } from "../../vault/sealed/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import type { KeyRing, ShareKey } from "./types.ts";

const MAX_SHARE = 160 << 20;

/** What a share gives of one snapshot. */
export interface OpenedShare {
  readonly content: ShareContent;
  readonly ring: KeyRing;
}

/**
 * Reads the object of a share and proves that it is of this very card: its digest stands in place of the card's MAC.
 * @throws ColdkeepError `not-found` where the share is gone; `integrity` where it is damaged, another's, of another card.
 */
export async function readShare(store: Reader, { core, ...rest }: Card, { tid, key }: ShareKey): Promise<OpenedShare> {
  const name = names.share(core.node, tid);
  const object = await store.get(name, { maxBytes: MAX_SHARE });
  if (object === null) {
    throw new ColdkeepError("not-found", {
      what: "there is no such share",
      on: name,
      why: "it was removed, or never made",
      todo: "ask for a new share token",
    });
  }
  const { vault, node, snapshot, suite } = core;
  const scopeOf = (id: SnapshotId) => ({ vault, node, snapshot: id, suite });
  const content = openShare(object.bytes, { scope: scopeOf(snapshot), tid, key });
  if (sumOf(encodeCard({ core, ...rest })).sha256 !== content.card_sha256) {
    throw new ColdkeepError("integrity", {
      what: "the share is of another card than the one in the vault",
      on: names.card(node, snapshot),
      why: "the card was replaced since the share was made",
      todo: "ask whoever made the share",
    });
  }
  const given = new Map(content.packs.map(([at, index, os]) => [`${content.origins[at]}/${index}`, os]));
  return {
    content,
    ring: {
      keysOf: async () => {
        throw notShared("a share has no keys of whole snapshots");
      },
      packKey: async (origin, index) => {
        const os = fromBase64url(given.get(`${origin}/${index}`) ?? "", 32);
        if (os === null) throw notShared(`pack ${index} of ${origin} is not in it`);
        return { scope: scopeOf(origin), key: { os } };
      },
    },
  };
}

function notShared(why: string): ColdkeepError {
  return new ColdkeepError("refused", { what: "the share does not give this", why, todo: "ask for another one" });
}
