import { createPrivateKey } from "node:crypto";
import { encodeCard, signCard, sumOf } from "../../vault/card/index.ts";
import { makeSnapshotId, names, toBase64url } from "../../vault/names/index.ts";
import {
  cardMac,
  cardOrigins,
  chunkId,
  deriveKeys,
  keyRecipient,
  type Manifest,
  ObjectSealer,
  sealManifest,
  sealPack,
  writeKeyFile,
} from "../../vault/sealed/index.ts";
import { COMPAT_KEY, COMPAT_NODE, COMPAT_VAULT } from "./vault.ts";

/**
 * A vault as a compromised host would make it: genuine keys, MAC and signature, and any lines at all as its list of
 * files. Each file's content is the one chunk of 4 bytes at piece `HOSTILE_PIECE`.
 */
export async function makeHostileVault(lines: readonly string[], paths: number): Promise<Map<string, Uint8Array>> {
  const snapshot = makeSnapshotId(Date.UTC(2026, 5, 1), new Uint8Array(8).fill(6));
  const scope = { vault: COMPAT_VAULT, node: COMPAT_NODE, snapshot, suite: "aes-256-gcm" } as const;
  const sk = new Uint8Array(32).fill(1);
  const keys = deriveKeys(sk, scope);
  const chunkKey = new Uint8Array(32);
  const stretch = { kdf: "scrypt", salt: toBase64url(chunkKey), n: 2 ** 14, r: 8, p: 1 } as const;
  const recipients = [keyRecipient({ source: Buffer.from(COMPAT_KEY), stretch })];
  const keyFile = await writeKeyFile({ scope, sk, recipients, now: 1 });

  const sealer = new ObjectSealer({ scope, kind: "pack", index: 0, name: names.packName(0), key: keys.pack });
  sealer.add(Buffer.from("evil"), 0, 4);
  const id = toBase64url(chunkId("aes-256-gcm", chunkKey, Buffer.from("evil")));
  const piece = `[0,0,0,96,20,4,0,"${id}"]`;
  const text = [`{"origins":["${snapshot}"]}`, ...lines].map((line) => `${line.replaceAll("PIECE", piece)}\n`).join("");
  const row = sealer.add(Buffer.from(text), 0, Buffer.byteLength(text));
  const pack = sealPack(sealer, 0, false);
  const { vault, node, suite } = scope;
  const files = lines.filter((line) => line.includes('"type":"file"')).length;
  const manifest: Manifest = {
    format: 1,
    vault,
    node,
    snapshot,
    suite,
    captured: 1,
    profile: "files",
    tags: [],
    roots: [{ name: "data", path: "/data" }],
    chunk_key: toBase64url(chunkKey),
    origins: [{ snapshot, suite, commit: toBase64url(keys.commit) }],
    packs: [
      { origin: 0, index: 0, size: pack.bytes.length, salt: toBase64url(pack.salt), commit: toBase64url(pack.commit) },
    ],
    segments: [
      {
        ...row,
        origin: snapshot,
        pack: 0,
        entries: lines.length,
        id: toBase64url(chunkId("aes-256-gcm", chunkKey, Buffer.from(text))),
      },
    ],
    totals: { files, bytes: 4 * files, entries: paths },
    omitted: [],
  };
  const sealed = sealManifest(manifest, keys).bytes;
  const core = {
    format: 1,
    state: "committed",
    vault,
    node,
    snapshot,
    suite,
    commit: toBase64url(keys.commit),
    seq: 1,
    started: 1,
    captured: 1,
    profile: "files",
    tags: [],
    bytes: { total: 4 * files, added: 4, stored: 65_536, files },
    manifest: sumOf(sealed),
    pack_lists: [],
    origins: cardOrigins(manifest),
  } as const;
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 3)]);
  const card = signCard(core, cardMac(core, keys), createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return new Map([
    [names.keyJson(node, snapshot), keyFile],
    [names.pack(node, snapshot, 0), pack.bytes],
    [names.manifest(node, snapshot), sealed],
    [names.card(node, snapshot), encodeCard(card)],
  ]);
}

/** A line of a hostile list. Members go in their canonical order. */
export function hostileLine(path: string, type: string, more: { target?: string; mode?: number } = {}): string {
  const content = type === "file" ? { pieces: ["PIECE"], size: 4 } : {};
  const { target, mode = 0o755 } = more;
  const all = {
    gid: 0,
    mode,
    mtime: [1, 0],
    path,
    type,
    uid: 0,
    ...content,
    ...(target === undefined ? {} : { target }),
  };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(sorted).replace('"PIECE"', "PIECE");
}
