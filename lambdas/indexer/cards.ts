import type { S3Event, SQSRecord } from "aws-lambda";
import {
  isNodeName,
  isSnapshotId,
  type NodeName,
  names,
  type S3Place,
  type SnapshotId,
} from "../../vault/names/index.ts";

/** One card that a record of the queue tells of. */
export interface CardEvent {
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  /** How many of its packs earlier calls looked at: this one is for the next of them. */
  readonly looked?: number;
}

/** What the function tells itself, of a card with more packs than one call looks at. */
export function messageOf({ node, snapshot, looked = 0 }: CardEvent): string {
  return JSON.stringify({ look: { node, snapshot, looked } });
}

/**
 * The cards in a record of the queue: S3's notification of up to several objects. What is no card of this vault is
 * ignored, and so is what is no notification: anybody who may send to the queue could not make it do more than look at
 * an object again, or, by naming a card as one of which most was looked at, less than there is: the verifier would see it.
 * @returns `ignored` names what was passed over.
 */
export function cardsOf(record: Pick<SQSRecord, "body">, place: S3Place): { cards: CardEvent[]; ignored: string[] } {
  const next = nextOf(record.body);
  if (next !== null) return { cards: [next], ignored: [] };
  const cards: CardEvent[] = [];
  const ignored: string[] = [];
  for (const key of keysOf(record.body, place.bucket)) {
    const card = key === null ? null : cardOf(key, place.prefix);
    if (card !== null) cards.push(card);
    else ignored.push(key ?? "not a notification of this bucket");
  }
  return { cards, ignored };
}

function nextOf(body: string): CardEvent | null {
  try {
    const { node, snapshot, looked } = (JSON.parse(body) as { look: Record<string, unknown> }).look;
    if (typeof node !== "string" || !isNodeName(node) || typeof snapshot !== "string") return null;
    const isCount = Number.isSafeInteger(looked) && (looked as number) >= 0;
    return isSnapshotId(snapshot) && isCount ? { node, snapshot, looked: looked as number } : null;
  } catch {
    return null;
  }
}

/** Null for what cannot be understood. */
function keysOf(body: string, bucket: string): (string | null)[] {
  let event: Partial<S3Event> & { readonly Event?: unknown };
  try {
    event = JSON.parse(body) as typeof event;
  } catch {
    return [null];
  }
  // S3 sends this once, when the notification is set up.
  if (event?.Event === "s3:TestEvent") return [];
  if (!Array.isArray(event?.Records)) return [null];
  return event.Records.map((record) => {
    const { s3 } = record ?? {};
    if (s3?.bucket?.name !== bucket || typeof s3.object?.key !== "string") return null;
    try {
      return decodeURIComponent(s3.object.key.replaceAll("+", " "));
    } catch {
      return null;
    }
  });
}

function cardOf(key: string, prefix: string): CardEvent | null {
  const root = prefix === "" ? "" : `${prefix}/`;
  if (!key.startsWith(root)) return null;
  const [node = "", folder, file = "", ...more] = key.slice(root.length).split("/");
  if (folder !== "snapshots" || more.length > 0 || !file.endsWith(names.CARD_SUFFIX)) return null;
  const snapshot = file.slice(0, -names.CARD_SUFFIX.length);
  return isNodeName(node) && isSnapshotId(snapshot) ? { node, snapshot } : null;
}
