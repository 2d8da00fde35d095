import { createPrivateKey, type KeyObject } from "node:crypto";
import type { CardCore, Head, Index, IndexEntry } from "../../../vault/card/index.ts";
import { makeSnapshotId, makeVaultId, toBase64url, toNodeName } from "../../../vault/names/index.ts";

export const vault = makeVaultId(new Uint8Array(16).fill(1));
export const node = toNodeName("chain-1");
export const snapshot = makeSnapshotId(Date.UTC(2026, 0, 15), new Uint8Array(8).fill(2), 1200);
export const older = makeSnapshotId(Date.UTC(2026, 0, 14), new Uint8Array(8).fill(3), 1100);
export const b32 = toBase64url(new Uint8Array(32));
export const sum = { size: 65_536, sha256: "ab".repeat(32) };

/** An Ed25519 key from a seed byte. The prefix is PKCS #8 for such a key (RFC 8410 section 7). */
export function signingKey(seed: number): KeyObject {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

export const core: CardCore = {
  format: 1,
  state: "committed",
  vault,
  node,
  snapshot,
  suite: "aes-256-gcm",
  commit: b32,
  seq: 7,
  parent: older,
  started: 1,
  captured: 2,
  downtime_ms: 300,
  profile: "leveldb",
  heights: { "": 1200, mychannel: 9, "10": 1, "9": 2 },
  tags: ["before the upgrade"],
  bytes: { total: 10, added: 5, stored: 6, files: 2 },
  manifest: sum,
  pack_lists: [{ name: "packs-0000.json", ...sum }],
  origins: [
    { snapshot, ranges: [[0, 1]] },
    {
      snapshot: older,
      ranges: [
        [0, 3],
        [5, 5],
      ],
    },
  ],
};

export const entry: IndexEntry = {
  snapshot,
  state: "good",
  remarks: [],
  writer: b32,
  seq: 7,
  parent: older,
  received: 5,
  committed: 6,
  profile: "leveldb",
  tags: [],
  bytes: core.bytes,
  card: sum,
  origins: [snapshot, older],
};

export const index: Index = { format: 1, vault, node, generation: 3, snapshots: [entry], months: ["2025-12"] };

export const head: Head = {
  format: 1,
  vault,
  node,
  generation: 3,
  newest: snapshot,
  writers: { [b32]: { good: snapshot, recent: [{ snapshot, state: "good" }] } },
};
