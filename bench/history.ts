import type { KeyObject } from "node:crypto";
import { createHash } from "node:crypto";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cutIndex } from "../keeper/index-files.ts";
import {
  type CardCore,
  canonicalBytes,
  encodeBegin,
  encodeCard,
  encodeExpired,
  encodeIndex,
  encodeNodeJson,
  encodePackList,
  type IndexEntry,
  publicKeyOf,
  signCard,
  sumOf,
  writerOf,
} from "../vault/card/index.ts";
import {
  makeSnapshotId,
  type NodeName,
  names,
  type SnapshotId,
  toBase64url,
  type VaultId,
} from "../vault/names/index.ts";

/** A long history to make, as it would lie in a directory vault: nothing in it can be opened. */
export interface HistoryOptions {
  /** The vault's. */
  readonly folder: string;
  readonly vault: VaultId;
  readonly node: NodeName;
  /** Signs the cards. */
  readonly key: KeyObject;
  readonly count: number;
  /** The newest is an hour older (ms since the epoch). */
  readonly now: number;
  /** So many of the oldest expired eight days ago and are due. */
  readonly due: number;
  /** Each uses packs of so many before it, and one of its own. */
  readonly used: number;
  /** All is there that can be looked at without a key: key files from outside, and lists of packs. Default: neither. */
  readonly whole?: boolean;
}

const PACK = Buffer.from("pack");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Writes one snapshot an hour, and the index as the indexer leaves it: the newest 500 in index.json, the rest by months. */
export function makeHistory(o: HistoryOptions): void {
  const { vault, node, count } = o;
  const key = publicKeyOf(o.key);
  put(o, names.nodeJson(node), encodeNodeJson({ format: 1, vault, node, profile: "files", key, created: 0 }), o.now);
  const ids: SnapshotId[] = [];
  const entries: IndexEntry[] = [];
  for (let at = 0; at < count; at += 1) {
    const received = o.now - (count - at) * HOUR;
    const random = Buffer.alloc(8);
    random.writeUInt32BE(at, 4);
    ids.push(makeSnapshotId(received, random));
    entries.push(putSnapshot(o, ids.slice(-o.used), received, at));
  }
  const { newest, months } = cutIndex(entries);
  const common = { format: 1, vault, node, generation: 1 } as const;
  const index = encodeIndex({ ...common, snapshots: newest, months: [...months.keys()] });
  put(o, names.indexJson(node), index, o.now);
  for (const [month, snapshots] of months) {
    put(o, names.indexMonth(node, month), encodeIndex({ ...common, snapshots, months: [] }), o.now);
  }
}

/** @param used Snapshots whose first packs it uses; the last is its own. */
function putSnapshot(o: HistoryOptions, used: readonly SnapshotId[], received: number, at: number): IndexEntry {
  const { vault, node } = o;
  const [snapshot] = used.slice(-1);
  if (snapshot === undefined) throw new RangeError("a snapshot uses its own pack at least");
  const about = { format: 1, vault, node, snapshot } as const;
  const bytes = { total: 1000, added: 100, stored: 65_536, files: 10 };
  const commit = toBase64url(createHash("sha256").update(snapshot).digest());
  const rows = [{ origin: snapshot, index: 0, ...sumOf(PACK) }];
  const list = o.whole === true ? encodePackList({ ...about, rows }) : null;
  const core: CardCore = {
    ...about,
    state: "committed",
    suite: "aes-256-gcm",
    commit,
    seq: at + 1,
    started: received,
    captured: received,
    profile: "files",
    tags: [],
    bytes,
    manifest: sumOf(Buffer.from(snapshot)),
    pack_lists: list === null ? [] : [{ name: names.packListName(0), ...sumOf(list) }],
    origins: used.map((origin) => ({ snapshot: origin, ranges: [[0, 0]] })),
  };
  const card = encodeCard(signCard(core, Buffer.alloc(32), o.key));
  const writer = writerOf(publicKeyOf(o.key));
  put(o, names.begin(node, snapshot), encodeBegin({ ...about, writer, adopts: [] }), received);
  put(o, names.pack(node, snapshot, 0), PACK, received);
  put(
    o,
    names.keyJson(node, snapshot),
    o.whole === true ? keyFile({ ...about, commit }) : Buffer.from("key"),
    received,
  );
  if (list !== null) put(o, names.packList(node, snapshot, 0), list, received);
  put(o, names.manifest(node, snapshot), Buffer.from(snapshot), received);
  put(o, names.card(node, snapshot), card, received);
  const isDue = at < o.due;
  const expired = o.now - 8 * DAY;
  if (isDue) put(o, names.expired(node, snapshot, 1), encodeExpired({ ...about, round: 1 }), expired);
  return {
    snapshot,
    state: isDue ? "expired" : "good",
    remarks: [],
    writer,
    seq: at + 1,
    received,
    committed: received,
    profile: "files",
    tags: [],
    bytes,
    card: sumOf(card),
    origins: [...used],
    ...(isDue ? { expired } : {}),
  };
}

/** A key.json as it looks from outside: what is in its slot opens nothing. */
function keyFile(about: object): Uint8Array {
  const slots = [{ id: "s1", type: "key", kid: "k", added: 0 }];
  return canonicalBytes({ ...about, suite: "aes-256-gcm", generation: 1, slots, mac: toBase64url(Buffer.alloc(32)) });
}

function put({ folder }: HistoryOptions, name: string, bytes: Uint8Array, time: number): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, bytes);
  utimesSync(path, time / 1000, time / 1000);
}
