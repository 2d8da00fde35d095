import { isCommitted, parseCard, parseNodeJson, verifyCardSignature, writerOf } from "../../vault/card/index.ts";
import type { Card } from "../../vault/card/types.ts";
import { ColdkeepError, names } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import type { CardOrigin, OpenOptions } from "./types.ts";

const MAX_CARD = 16 << 20;
const MAX_NODE_JSON = 64 << 10;

export interface ReadCard {
  readonly card: Card;
  readonly origin: CardOrigin;
  readonly signer: string;
}

type CardOptions = Pick<OpenOptions, "vault" | "node" | "snapshot" | "pinnedKey" | "trustCardKey">;

/**
 * The card, its signature checked, and how far its signer is known (FORMAT.md ruling 5). The MAC comes later: it needs
 * the snapshot's key.
 * @throws ColdkeepError `not-found`; `integrity` for a card that is damaged, another's, or signed by another key.
 */
export async function readCard(store: Reader, o: CardOptions): Promise<ReadCard> {
  const name = names.card(o.node, o.snapshot);
  const object = await store.get(name, { maxBytes: MAX_CARD });
  if (object === null) {
    throw new ColdkeepError("not-found", {
      what: "there is no such snapshot in the vault",
      on: name,
      why: "its card is not there: the run was never committed, or the snapshot has been deleted",
      todo: "if `coldkeep list` still shows it, `coldkeep rebuild` makes the list anew from the cards there are",
    });
  }
  const expected = { node: o.node, snapshot: o.snapshot, ...(o.vault === undefined ? {} : { vault: o.vault }) };
  const card = parseCard(object.bytes, expected);
  if (!isCommitted(card)) {
    throw new ColdkeepError("not-found", {
      what: "this run did not become a snapshot",
      on: o.snapshot,
      why: `it was ${card.state}${card.by === undefined ? "" : ` by ${card.by}`}`,
      todo: "`coldkeep list` shows the snapshots there are",
    });
  }
  const signer = writerOf(card.sig.key);
  return { card, signer, origin: await originOf(store, o, card, signer) };
}

async function originOf(store: Reader, o: CardOptions, card: Card, signer: string): Promise<CardOrigin> {
  if (o.pinnedKey !== undefined) {
    verifyCardSignature(card, o.pinnedKey);
    return "pinned";
  }
  verifyCardSignature(card);
  if (o.trustCardKey !== undefined) {
    if (signer === o.trustCardKey) return "pinned";
    throw wrongSigner(o, signer, "it is not the key with the fingerprint given");
  }
  const claim = await store.get(names.nodeJson(o.node), { maxBytes: MAX_NODE_JSON });
  if (claim === null) return "not verified";
  const { key } = parseNodeJson(claim.bytes, { node: o.node, vault: card.core.vault });
  if (key === card.sig.key) return "first sight";
  throw wrongSigner(o, signer, `the node's name was claimed by another key, ${writerOf(key)}`);
}

function wrongSigner(o: CardOptions, signer: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the card is signed by a key that is not trusted",
    on: names.card(o.node, o.snapshot),
    why: `${why}; this one is ${signer}`,
    todo: "if you know that key to be this node's, name it with --trust-card-key; otherwise the card may be forged",
  });
}
