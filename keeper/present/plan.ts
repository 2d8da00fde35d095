import { createHash } from "node:crypto";
import type { Card } from "../../vault/card/index.ts";
import { canonicalBytes } from "../../vault/card/index.ts";
import { ColdkeepError, names } from "../../vault/names/index.ts";
import { indexesOf } from "../ranges.ts";
import type { NodeScope } from "../read.ts";
import type { SignUrl } from "./types.ts";

/** Objects and bytes of a page, at most: a page must pass through a Function URL, whole. */
const MAX_OBJECTS = 500;
const MAX_PAGE = 900_000;

export interface PlannedObject {
  readonly name: string;
  readonly url: string;
}

export interface PlanPage {
  /** This page's own cursor: by it the page can be had again, with fresh URLs. */
  readonly page: string;
  readonly objects: readonly PlannedObject[];
  /** Absent on the last page. */
  readonly next?: string;
  /** Milliseconds since the epoch until which each URL of the page is good. */
  readonly expires: number;
}

export interface PlanOptions {
  readonly scope: NodeScope;
  readonly card: Card;
  /** `next`, or any page's `page`; absent for the first. */
  readonly cursor?: string;
  /** The holder of this share token opens with the keys of the share; without it, with key.json of every origin. */
  readonly share?: string;
  readonly sign: SignUrl;
  /** Objects a page, at most 500. */
  readonly limit?: number;
}

/**
 * One page of what it takes to restore a snapshot. Pages are cut from the card, which never changes, so a cursor stays
 * good; it names the card, so it cannot be used with another.
 * @throws ColdkeepError `usage` for a cursor that is none of this card's.
 */
export async function planPage({ scope, card, cursor, share, sign, limit }: PlanOptions): Promise<PlanPage> {
  const digest = createHash("sha256").update(canonicalBytes(card)).digest("hex").slice(0, 16);
  const start = parseCursor(cursor, digest);
  const most = Math.min(limit ?? MAX_OBJECTS, MAX_OBJECTS);
  const objects: PlannedObject[] = [];
  let bytes = 0;
  let expires = Number.POSITIVE_INFINITY;
  let ordinal = 0;
  const page = `${digest}.${start}`;
  for (const name of restoredObjects(scope, card, share)) {
    if (ordinal >= start) {
      if (objects.length >= most) return { page, objects, next: `${digest}.${ordinal}`, expires };
      const signed = await sign(name);
      bytes += name.length + signed.url.length + 30;
      if (bytes > MAX_PAGE && objects.length > 0) return { page, objects, next: `${digest}.${ordinal}`, expires };
      objects.push({ name, url: signed.url });
      expires = Math.min(expires, signed.expires);
    }
    ordinal += 1;
  }
  return { page, objects, expires };
}

/** What a restore asks for, in about the order in which it does. */
export function* restoredObjects(scope: NodeScope, { core }: Card, share: string | undefined): Generator<string> {
  const { node } = scope;
  yield names.card(node, core.snapshot);
  yield names.begin(node, core.snapshot);
  yield names.originRecord(node, core.snapshot);
  if (share === undefined) {
    for (const id of new Set([core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)])) {
      yield names.keyJson(node, id);
    }
  } else yield names.share(node, share);
  yield names.manifest(node, core.snapshot);
  for (const { snapshot, ranges } of core.origins) {
    for (const index of indexesOf(ranges)) yield names.pack(node, snapshot, index);
  }
}

function parseCursor(cursor: string | undefined, digest: string): number {
  if (cursor === undefined) return 0;
  const [, card, ordinal] = /^([0-9a-f]{16})\.(\d{1,9})$/.exec(cursor) ?? [];
  if (card === digest && ordinal !== undefined) return Number(ordinal);
  throw new ColdkeepError("usage", {
    what: "not a page of this snapshot",
    on: JSON.stringify(cursor.slice(0, 64)),
    todo: "Begin again without a page",
  });
}
