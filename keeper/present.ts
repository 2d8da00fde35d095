import type { Card } from "../vault/card/index.ts";
import { canonicalBytes } from "../vault/card/index.ts";
import { ColdkeepError, type NodeName, names, type SnapshotId, type VaultId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { indexesOf } from "./ranges.ts";
import { type NodeScope, readCommitted, readNode, sha256Hex } from "./read.ts";
import { findUsedPacks, type UsedPacks } from "./uses.ts";

/** Makes a URL by which one object can be read; for a directory vault a `file://` one. */
export type SignUrl = (name: string) => string | Promise<string>;

export interface PresentOptions {
  readonly store: Reader;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  /** `next` of the page before; absent for the first. */
  readonly cursor?: string;
  readonly sign: SignUrl;
  /** Objects a page, at most 500. */
  readonly limit?: number;
}

export interface PresentedObject {
  readonly name: string;
  /** Known for everything the card vouches for; key.json is rewritten by rotation. */
  readonly size?: number;
  readonly sha256?: string;
  readonly url: string;
}

export interface PresentedPage {
  readonly card: Card;
  readonly objects: readonly PresentedObject[];
  /** Absent on the last page. */
  readonly next?: string;
}

const LIMIT = 500;

/**
 * One page of what it takes to restore a snapshot: key.json of every origin, the manifest, every pack used. Pages are cut
 * from the card, which never changes, so a cursor stays good; it names the card, so it cannot be used with another.
 * @throws ColdkeepError `not-found`, `usage` for a cursor that is none of this card's, `integrity` for a pack no list names.
 */
export async function presentSnapshot(options: PresentOptions): Promise<PresentedPage> {
  const { store } = options;
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const card = await readCommitted(store, scope, options.snapshot);
  if (card === null) throw noCard(scope, options.snapshot);
  const digest = sha256Hex(canonicalBytes(card)).slice(0, 16);
  const start = parseCursor(options.cursor, digest);
  const limit = Math.min(options.limit ?? LIMIT, LIMIT);
  const used = await findUsedPacks(store, scope, card.core);
  const page: PresentedObject[] = [];
  let ordinal = 0;
  for (const object of objectsOf(scope, card, used)) {
    if (ordinal >= start + limit) return { card, objects: page, next: `${digest}.${ordinal}` };
    if (ordinal >= start) page.push({ ...object, url: await options.sign(object.name) });
    ordinal += 1;
  }
  return { card, objects: page };
}

function* objectsOf(scope: NodeScope, { core }: Card, used: UsedPacks): Generator<Omit<PresentedObject, "url">> {
  const { node } = scope;
  for (const id of new Set([core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)])) {
    yield { name: names.keyJson(node, id) };
  }
  yield { name: names.manifest(node, core.snapshot), ...core.manifest };
  for (const { snapshot, ranges } of core.origins) {
    for (const index of indexesOf(ranges)) {
      const name = names.pack(node, snapshot, index);
      const row = used.rows.get(snapshot)?.get(index);
      if (row === undefined) throw unlisted(name);
      yield { name, size: row.size, sha256: row.sha256 };
    }
  }
}

function parseCursor(cursor: string | undefined, digest: string): number {
  if (cursor === undefined) return 0;
  const [, card, ordinal] = /^([0-9a-f]{16})\.(\d{1,9})$/.exec(cursor) ?? [];
  if (card === digest && ordinal !== undefined) return Number(ordinal);
  throw new ColdkeepError("usage", {
    what: "not a cursor of this snapshot",
    on: JSON.stringify(cursor.slice(0, 64)),
    todo: "Begin again without a cursor",
  });
}

function unlisted(name: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a pack is named by no pack list",
    on: name,
    todo: "`coldkeep verify` tells what is damaged; choose another snapshot",
  });
}

function noCard(scope: NodeScope, id: SnapshotId): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such snapshot",
    on: names.card(scope.node, id),
    todo: "`coldkeep list` shows the ids there are",
  });
}
