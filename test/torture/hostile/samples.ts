import { zstdCompressSync } from "node:zlib";
import { writeShareToken } from "../../../agent/share/token.ts";
import { indexSnapshots, issueTicket, makePresenter } from "../../../keeper/index.ts";
import {
  encodeFate,
  encodeGroupCard,
  encodeLocks,
  encodeMark,
  encodeOriginRecord,
  encodePackList,
  encodePin,
  encodeVaultJson,
} from "../../../vault/card/index.ts";
import { names, toBase64url } from "../../../vault/names/index.ts";
import { makeCompressor } from "../../../vault/sealed/codec.ts";
import {
  deriveKeys,
  keyRecipient,
  newSnapshotKey,
  ObjectSealer,
  openObject,
  type SnapshotKeys,
  writeKeyFile,
} from "../../../vault/sealed/index.ts";
import { localTicketMac } from "../../../vault/ticket/index.ts";
import { encodeIssued, encodeRevoked } from "../../../vault/ticket/revoked.ts";
import { buildSnapshot, type Item, makeNode } from "../../support/build-snapshot.ts";
import { memoryStore } from "../../support/memory-store.ts";
import type { Dice } from "./random.ts";

export type Samples = Awaited<ReturnType<typeof makeSamples>>;

const NOW = Date.UTC(2026, 0, 15);
const ITEMS: readonly Item[] = [
  { path: "data" },
  { path: "data/CURRENT", content: ["MANIFEST-000005\n"] },
  { path: "data/db", xattrs: [{ name: "user.a", value: Buffer.from("b") }] },
  { path: "data/db/000004.sst", content: ["x".repeat(9000), 4096, "y".repeat(100)] },
  { path: "data/db/link", type: "hardlink", target: "data/db/000004.sst" },
  { path: "data/db/sym", type: "symlink", target: "../CURRENT" },
  { path: "data/key", content: ["secret"], secret: true },
];

/** Valid objects of every kind, made by the program's own writers. Keys are random: no outcome hangs on them. */
export async function makeSamples() {
  const store = memoryStore(() => NOW);
  const node = makeNode("icon");
  const built = await buildSnapshot({ store, node, recipients: [], items: ITEMS, chunkBytes: 4096 }).catch(() => null);
  const recipients = [
    keyRecipient({
      source: Buffer.from("a password"),
      stretch: { kdf: "scrypt", salt: toBase64url(Buffer.alloc(32, 3)), n: 2 ** 14, r: 8, p: 1 },
    }),
  ];
  const made = built ?? (await buildSnapshot({ store, node, recipients, items: ITEMS, chunkBytes: 4096 }));
  const { keys, snapshot } = made;
  await indexSnapshots({ store, node: node.name, ids: [snapshot] });
  const bytesOf = (name: string) => {
    const found = store.objects.get(name)?.bytes;
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
  const sk = newSnapshotKey();
  const scope = keys.scope;
  const about = { format: 1, vault: node.vault, node: node.name, snapshot } as const;
  const mac = localTicketMac(Buffer.alloc(32, 7));
  const issued = await issueTicket({
    store,
    signer: mac,
    node: node.name,
    kind: "restore",
    lastsMs: 86_400_000,
    now: NOW,
  });
  const [segment] = made.manifest.segments;
  if (segment === undefined) throw new Error("the snapshot has no list of files");
  const pack = bytesOf(names.pack(node.name, snapshot, segment.pack));
  const name = names.packName(segment.pack);
  const object = openObject({ scope, kind: "pack", index: segment.pack, name, key: keys.pack, bytes: pack });
  const [first] = made.manifest.packs;
  const sha256 = "0".repeat(64);
  return {
    node: node.name,
    snapshot,
    keys,
    keyScope: scope,
    keyFile: await writeKeyFile({ scope, sk, recipients, now: NOW }),
    /** Opens every slot: what lies behind it is to be reached. */
    identity: { type: "key", unwrap: async () => Uint8Array.from(sk) },
    keysOfFile: deriveKeys(sk, scope),
    card: bytesOf(names.card(node.name, snapshot)),
    index: bytesOf(names.indexJson(node.name)),
    head: bytesOf(names.headJson(node.name)),
    backupList: bytesOf(names.backupList(node.name)),
    begin: bytesOf(names.begin(node.name, snapshot)),
    nodeJson: bytesOf(names.nodeJson(node.name)),
    vaultJson: encodeVaultJson({ format: 1, created: NOW, min_agent: "0.1.0", min_keeper: "0.1.0" }),
    packList: encodePackList({ ...about, rows: [{ origin: snapshot, index: 0, size: first?.size ?? 65_536, sha256 }] }),
    mark: encodeMark({ ...about, round: 1, pinned: true, reason: "kept", tags: ["a"] }),
    fate: encodeFate({ ...about, round: 1, fate: "collect" }),
    pin: encodePin({ ...about, until: NOW }),
    origin: encodeOriginRecord({ ...about, begun: NOW, committed: NOW } as never),
    locks: encodeLocks({
      format: 1,
      vault: node.vault,
      node: node.name,
      ms: 86_400_000,
      locked: [{ snapshot, until: NOW, packs: [[0, 1]], whole: true }],
    } as never),
    group: encodeGroupCard({
      format: 1,
      vault: node.vault,
      group: "all",
      id: snapshot,
      together: true,
      members: [{ node: node.name, snapshot, profile: "files", captured: NOW }],
    } as never),
    revoked: encodeRevoked({ format: 1, tickets: [{ tid: issued.ticket.tid, exp: issued.ticket.exp }] }),
    issued: encodeIssued(issued.ticket),
    manifest: bytesOf(names.manifest(node.name, snapshot)),
    manifestJson: made.manifest,
    pack: bytesOf(names.pack(node.name, snapshot, 0)),
    segment: Uint8Array.from(object.frame(segment.frame).bytes),
    mac,
    ticket: issued.text,
    ticketJson: issued.ticket,
    shareToken: writeShareToken({ ticket: issued.text, key: new Uint8Array(32) }),
    present: makePresenter({
      store,
      nodes: async () => [node.name],
      sign: (object, ms) => ({ url: `https://vault.example/${object}?signed`, expires: NOW + ms }),
      tickets: mac,
      clock: { now: () => NOW },
      audit: () => {},
    }),
  };
}

export function jsonOf(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

const compress = makeCompressor();
/** Used again: a million objects would else be a terabyte of memory. */
const into = new Uint8Array(4 << 20);

/** Any text as a manifest, as a host with the snapshot's key could seal it. */
export function sealManifestText(dice: Dice, text: Uint8Array, keys: SnapshotKeys): Uint8Array {
  const sealer = new ObjectSealer({
    scope: keys.scope,
    kind: "manifest",
    index: 0,
    name: names.MANIFEST_NAME,
    key: keys.manifest,
    into,
  });
  if (dice.once(20)) addBomb(dice, sealer);
  const { codec, bytes } = compress(text);
  sealer.add(bytes, codec, text.length);
  return sealer.finish().bytes;
}

/** A pack of what no honest host would seal: bombs, and bytes that are no zstd. */
export function sealPackOf(dice: Dice, keys: SnapshotKeys): Uint8Array {
  const sealer = new ObjectSealer({
    scope: keys.scope,
    kind: "pack",
    index: 0,
    name: names.packName(0),
    key: keys.pack,
    into,
  });
  for (let left = 1 + dice.below(3); left > 0; left -= 1) addBomb(dice, sealer);
  return sealer.finish().bytes;
}

/** Expand to far more, or to less, than their rows say; or to nothing at all. */
const BOMBS = [1 << 10, 1 << 20, 1 << 26].map((size) => zstdCompressSync(new Uint8Array(size)));

function addBomb(dice: Dice, sealer: ObjectSealer): void {
  const body = dice.pick([
    ...BOMBS,
    Buffer.concat([BOMBS[0] ?? Buffer.alloc(0), BOMBS[1] ?? Buffer.alloc(0)]),
    Buffer.alloc(20, 7),
  ]);
  const plain = dice.pick([body.length + 1, 1 << 10, (1 << 10) + 1, 1 << 16, 1 << 20]);
  if (body.length < plain) sealer.add(body, 1, plain);
  else sealer.add(body, 0, body.length);
}
