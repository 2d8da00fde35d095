import * as z from "zod";
import * as f from "../card/fields.ts";
import { canonicalBytes, checkRecord, MAX_ORIGINS, MAX_PACKS, readRecord } from "../card/index.ts";
import { FORMAT, names } from "../names/index.ts";
import { type Compressor, compress } from "./codec.ts";
import { damagedObject, type ObjectIdentity } from "./layout.ts";
import { ObjectSealer } from "./object-sealer.ts";
import { openObject } from "./open-object.ts";
import type { RandomSource, SnapshotScope } from "./types.ts";

/** What a share gives: what opens one manifest and these packs, each alone, and which card is meant. */
export interface ShareContent {
  readonly format: 1;
  /** SHA-256 of the card's bytes: the holder trusts it in place of the card's MAC, which he has no key for. */
  readonly card_sha256: string;
  /** OS of the manifest, base64url. */
  readonly manifest: string;
  readonly origins: readonly SnapshotScope["snapshot"][];
  /** By number of the origin, number of the pack, OS. */
  readonly packs: readonly (readonly [origin: number, index: number, os: string])[];
  /** Files that profiles or the configuration call secret are left out. */
  readonly without_secrets: boolean;
}

const FRAME_PLAIN = 4 * 1024 * 1024;
/** A million packs. */
const MAX_PLAIN = 128 * 1024 * 1024;

const secret = f.base64url(32);
const schema = z.strictObject({
  format: z.literal(FORMAT),
  card_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  manifest: secret,
  origins: z.array(f.snapshot).max(MAX_ORIGINS),
  packs: z
    .array(
      z.tuple([
        z
          .int()
          .min(0)
          .max(MAX_ORIGINS - 1),
        z
          .int()
          .min(0)
          .max(MAX_PACKS - 1),
        secret,
      ]),
    )
    .max(1_000_000),
  without_secrets: z.boolean(),
}) satisfies z.ZodType<ShareContent>;

/** Seals a share's object under its share key. `tid` names its ticket. */
export function sealShare(
  content: ShareContent,
  {
    scope,
    tid,
    key,
    random,
    compressor = compress,
  }: { scope: SnapshotScope; tid: string; key: Uint8Array; random?: RandomSource; compressor?: Compressor },
): Uint8Array {
  const identity = identityOf(scope, tid);
  checkRecord<ShareContent>(schema, content, identity.name);
  const json = canonicalBytes(content);
  if (json.length > MAX_PLAIN) throw damagedObject(identity, "too large", `it has ${json.length} bytes`);
  const sealer = new ObjectSealer({ ...identity, key, ...(random === undefined ? {} : { random }) });
  for (let at = 0; at < json.length; at += FRAME_PLAIN) {
    const plain = json.subarray(at, at + FRAME_PLAIN);
    const { codec, bytes } = compressor(plain);
    sealer.add(bytes, codec, plain.length);
  }
  return sealer.finish().bytes;
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function openShare(
  bytes: Uint8Array,
  { scope, tid, key }: { scope: SnapshotScope; tid: string; key: Uint8Array },
): ShareContent {
  const identity = identityOf(scope, tid);
  const object = openObject({ ...identity, key, bytes });
  const total = object.rows.reduce((sum, row) => sum + row.plain, 0);
  if (total > MAX_PLAIN) throw damagedObject(identity, "too large", `it expands to ${total} bytes`);
  const json = Buffer.concat(object.rows.map((_, i) => object.frame(i).bytes));
  return readRecord<ShareContent>(schema, json, names.share(scope.node, tid));
}

function identityOf(scope: SnapshotScope, tid: string): ObjectIdentity {
  return { scope, kind: "share", index: 0, name: `shares/${tid}` };
}
