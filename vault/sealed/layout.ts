import { ColdkeepError } from "../names/index.ts";
import { lengthPrefixed, viewOf } from "./bytes.ts";
import { contextTag, SECRET_BYTES } from "./derive.ts";
import { type AeadKey, NONCE_BYTES, type Suite, suiteOf } from "./suites.ts";
import type { ObjectKey, SnapshotScope } from "./types.ts";

/** The layout of a sealed object (docs/FORMAT.md, "Object"): numbers and derivations that writer and readers share. */

export const HEADER_BYTES = 96;
/** The part of the header that the object's key is bound to: everything before the commitment. */
export const BOUND_BYTES = 64;
export const TRAILER_BYTES = 16;
/** Bytes of one row of the footer. */
export const FOOTER_ROW_BYTES = 10;
/** Objects are padded to a multiple of this, so that sizes say less of what is in them. */
export const PADDED_TO = 64 * 1024;
export const MAX_FRAMES = 2 ** 24;
/** Plain bytes of one frame. */
export const MAX_FRAME_PLAIN = 16 * 1024 * 1024;
export const MAX_OBJECT = 5 * 1024 ** 3;
export const HEADER_MAGIC = Buffer.from("CKOBJ\r\n\x1a", "latin1");
export const TRAILER_MAGIC = Buffer.from("CKEND\r\n\x1a", "latin1");
export const OBJECT_VERSION = 1;

export type ObjectKind = "pack" | "manifest" | "share";
export const KIND: Readonly<Record<ObjectKind, number>> = { pack: 1, manifest: 2, share: 3 };

export const FRAME_DATA = 1;
export const FRAME_FOOTER = 2;
export const FRAME_PADDING = 3;

/** Which object is meant: everything its header says apart from the random salt. */
export interface ObjectIdentity {
  readonly scope: SnapshotScope;
  readonly kind: ObjectKind;
  /** Number of a pack; 0 for manifest and share. */
  readonly index: number;
  /** Short name inside the data folder: `00000.pack`, `manifest`. */
  readonly name: string;
}

/** What one object is sealed with. */
export interface ObjectSecrets {
  readonly suite: Suite;
  readonly key: AeadKey;
  readonly nonceBase: Uint8Array;
  /** Public: stands in the header and in the manifest's pack table. */
  readonly commit: Uint8Array;
}

/** The first 64 bytes of an object's header. */
export function boundHeader(o: ObjectIdentity, salt: Uint8Array): Uint8Array {
  if (salt.length !== SECRET_BYTES) throw new RangeError(`a salt has ${SECRET_BYTES} bytes, got ${salt.length}`);
  const header = new Uint8Array(BOUND_BYTES);
  header.set(HEADER_MAGIC, 0);
  header[8] = OBJECT_VERSION;
  header[9] = suiteOf(o.scope.suite).number;
  header[10] = KIND[o.kind];
  viewOf(header).setUint32(12, o.index);
  header.set(contextTag(o.scope, o.name), 16);
  header.set(salt, 32);
  return header;
}

/** OS of docs/FORMAT.md: opens the one object with this salt, and no other. What a share hands out. */
export function objectSecret({ suite }: SnapshotScope, key: Uint8Array, salt: Uint8Array): Uint8Array {
  return suiteOf(suite).hkdfExtract(salt, key);
}

/** Key, nonce base and commitment of an object, from its kind's key (or OS) and the first 64 bytes of its header. */
export function objectSecrets(o: ObjectIdentity, key: ObjectKey, bound: Uint8Array): ObjectSecrets {
  const suite = suiteOf(o.scope.suite);
  const salt = bound.subarray(32, BOUND_BYTES);
  const secret = key instanceof Uint8Array ? objectSecret(o.scope, key, salt) : key.os;
  const length = suite.keyBytes + NONCE_BYTES + SECRET_BYTES;
  const okm = suite.hkdfExpand(secret, lengthPrefixed("coldkeep/v1 object", bound), length);
  return {
    suite,
    key: suite.prepare(okm.subarray(0, suite.keyBytes)),
    nonceBase: okm.slice(suite.keyBytes, suite.keyBytes + NONCE_BYTES),
    commit: okm.slice(suite.keyBytes + NONCE_BYTES),
  };
}

/** The nonce of frame `i`: the base with `i` XORed into its last four bytes. */
export function frameNonce(base: Uint8Array, i: number): Uint8Array {
  const nonce = new Uint8Array(base);
  for (let n = 0; n < 4; n += 1) nonce[11 - n] = (nonce[11 - n] ?? 0) ^ (i >>> (8 * n));
  return nonce;
}

/** What a frame's tag covers besides its bytes, so that no frame can stand for another. */
export function frameAad(type: number, i: number, codec: number, plain: number): Uint8Array {
  const aad = new Uint8Array(10);
  aad[0] = type;
  writeUint32(aad, 1, i);
  aad[5] = codec;
  writeUint32(aad, 6, plain);
  return aad;
}

/** Big-endian. Without a DataView: there are millions of small frames. */
function writeUint32(into: Uint8Array, at: number, value: number): void {
  for (let n = 0; n < 4; n += 1) into[at + 3 - n] = (value >>> (8 * n)) & 0xff;
}

/** Where an object lies in the vault, for messages. */
export function placeOf({ scope, kind, name }: ObjectIdentity): string {
  if (kind === "share") return `${scope.node}/${name}`;
  return `${scope.node}/data/${scope.snapshot}/${name}`;
}

/** An integrity error about one object. */
export function damagedObject(o: ObjectIdentity, what: string, why: string, cause?: unknown): ColdkeepError {
  return new ColdkeepError("integrity", {
    what,
    on: placeOf(o),
    why,
    todo:
      o.kind === "share"
        ? "ask for a new share token"
        : "Restore another snapshot, or this one from another copy of the vault",
    ...(cause === undefined ? {} : { cause }),
  });
}
