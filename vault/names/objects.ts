import type { NodeName, SnapshotId } from "./ids.ts";

/**
 * The names of all objects in a vault (docs/FORMAT.md, "Layout"). Names are built here and nowhere else, so that an
 * id read from the vault can never lead outside its own node's prefix.
 */
export const VAULT_JSON = "vault.json";
/** A cache: all nodes, as a page for browsers. */
export const STATUS_PAGE = "status.html";
export const REVOKED_TICKETS = "tickets/revoked.json";
/** What tickets there are: each as it was made, without the signature that makes it one. */
export const ISSUED_TICKETS = "tickets/issued/";
export const issuedTicket = (tid: string) => `${ISSUED_TICKETS}${tid}.json`;
/** Shares that were published: where, so that they can be told from those that were handed to somebody. */
export const PUBLISHED = "tickets/published/";
export const published = (tid: string) => `${PUBLISHED}${tid}.json`;
/** A packaged coldkeep, for hosts that have none, by its digest. */
export const agentTarball = (sha256: string) => `tickets/agents/${sha256}.tar.gz`;

export const nodeJson = (node: NodeName) => `${node}/node.json`;
/** What an operator said of the node, by round. */
export const standing = (node: NodeName, n: number) => `${node}/standing.${n}.json`;
export const headJson = (node: NodeName) => `${node}/head.json`;
export const indexJson = (node: NodeName) => `${node}/index.json`;
/** `month` is `YYYY-MM`. */
export const indexMonth = (node: NodeName, month: string) => `${node}/index/${month}.json`;
export const backupList = (node: NodeName) => `${node}/backup_list`;
export const begin = (node: NodeName, id: SnapshotId) => `${node}/begins/${id}.json`;
export const dataFolder = (node: NodeName, id: SnapshotId) => `${node}/data/${id}/`;
export const dataObject = (node: NodeName, id: SnapshotId, name: string) => `${dataFolder(node, id)}${name}`;
export const keyJson = (node: NodeName, id: SnapshotId) => dataObject(node, id, KEY_NAME);
export const manifest = (node: NodeName, id: SnapshotId) => dataObject(node, id, MANIFEST_NAME);
export const pack = (node: NodeName, id: SnapshotId, index: number) => dataObject(node, id, packName(index));
export const packList = (node: NodeName, id: SnapshotId, index: number) => dataObject(node, id, packListName(index));
export const snapshotsFolder = (node: NodeName) => `${node}/snapshots/`;
export const beginsFolder = (node: NodeName) => `${node}/begins/`;
export const card = (node: NodeName, id: SnapshotId) => `${snapshotsFolder(node)}${id}${CARD_SUFFIX}`;
export const expired = (node: NodeName, id: SnapshotId, n: number) => `${snapshotsFolder(node)}${id}.expired.${n}.json`;
export const fate = (node: NodeName, id: SnapshotId, n: number) => `${snapshotsFolder(node)}${id}.fate.${n}.json`;
/** In a copy: when the snapshot was received where it was first put. */
export const originRecord = (node: NodeName, id: SnapshotId) => `${snapshotsFolder(node)}${id}.origin.json`;
export const mark = (node: NodeName, id: SnapshotId, n: number) => `${snapshotsFolder(node)}${id}.mark.${n}.json`;
/** `stamp` is the drill's time as `YYYYMMDDTHHMMSSZ`. */
export const proof = (node: NodeName, id: SnapshotId, stamp: string) => `${node}/proofs/${id}-${stamp}.proof.json`;
export const proofsFolder = (node: NodeName) => `${node}/proofs/`;
export const pin = (node: NodeName, id: SnapshotId, random: string) => `${node}/pins/${id}/${random}.json`;
export const pinsFolder = (node: NodeName) => `${node}/pins/`;
export const clearance = (node: NodeName, random: string) => `${clearancesFolder(node)}${random}.json`;
export const clearancesFolder = (node: NodeName) => `${node}/clearances/`;
export const plan = (node: NodeName, digest: string) => `${plansFolder(node)}${digest}.json`;
export const plansFolder = (node: NodeName) => `${node}/plans/`;
export const clockJson = (node: NodeName) => `${node}/clock.json`;
/** Until when what is in use was locked. */
export const locksJson = (node: NodeName) => `${node}/locks.json`;
/** What a nightly job last did and found; `job` is its name. */
export const report = (node: NodeName, job: string) => `${node}/reports/${job}.json`;
export const dataRoot = (node: NodeName) => `${node}/data/`;
export const share = (node: NodeName, ticketId: string) => `${node}/shares/${ticketId}`;
export const groupJson = (group: string, gid: string) => `groups/${group}/${gid}.group.json`;
export const groupDown = (group: string, slot: string) => `groups/${group}/down/${slot}`;

export const CARD_SUFFIX = ".card.json";
export const KEY_NAME = "key.json";
export const MANIFEST_NAME = "manifest";
/** The name of a pack inside its data folder; this short name is what its context tag binds. */
export const packName = (index: number) => `${digits(index, 5)}.pack`;
export const packListName = (index: number) => `packs-${digits(index, 4)}.json`;

/** A fixed number of digits, so that names sort and a number has one name. */
function digits(index: number, width: number): string {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < 10 ** width)) {
    throw new RangeError(`a number of ${width} digits expected, got ${index}`);
  }
  return String(index).padStart(width, "0");
}
