import * as z from "zod";
import * as f from "../card/fields.ts";
import { MAX_ORIGINS, MAX_PACKS } from "../card/index.ts";
import { MAX_FRAME_PLAIN, MAX_FRAMES, MAX_OBJECT } from "./layout.ts";
import type { KeyFile, Manifest, Slot } from "./types.ts";

/** The shapes of what the sealed half stores as JSON (docs/FORMAT.md). */

const MAX_SLOTS = 32;
/** Segments of a manifest: 65,536 of up to 4,096 entries. */
const MAX_SEGMENTS = 65_536;
/** Packs of a manifest, of all origins. */
const MAX_MANIFEST_PACKS = 1_000_000;

const originIndex = z
  .int()
  .min(0)
  .max(MAX_ORIGINS - 1);
const packIndex = z
  .int()
  .min(0)
  .max(MAX_PACKS - 1);

export const segmentHead = z.strictObject({
  origins: z
    .array(f.snapshot)
    .max(MAX_ORIGINS)
    .refine((list) => new Set(list).size === list.length, "an origin is named twice"),
});

const rootName = z
  .string()
  .min(1)
  .refine((name) => Buffer.byteLength(name) <= 255, "at most 255 bytes")
  .refine((name) => name !== "." && name !== ".." && !/[/\0]/.test(name), 'no "/", NUL, "." or ".."');

const frame = {
  pack: packIndex,
  frame: z
    .int()
    .min(0)
    .max(MAX_FRAMES - 1),
  offset: z.int().min(0).max(MAX_OBJECT),
  stored: z
    .int()
    .min(0)
    .max(MAX_FRAME_PLAIN + 16),
  plain: z.int().min(0).max(MAX_FRAME_PLAIN),
  codec: z.literal([0, 1]),
};

export const manifest = z.strictObject({
  format: f.format,
  vault: f.vault,
  node: f.node,
  snapshot: f.snapshot,
  suite: f.suite,
  captured: f.time,
  profile: f.text,
  heights: f.heights.exactOptional(),
  tags: f.tags,
  roots: z
    .array(z.strictObject({ name: rootName, path: z.string().max(4096) }))
    .min(1)
    .max(256)
    .refine((list) => new Set(list.map((r) => r.name)).size === list.length, "a root is named twice"),
  chunk_key: f.base64url(32),
  origins: z
    .array(z.strictObject({ snapshot: f.snapshot, suite: f.suite, commit: f.base64url(32) }))
    .max(MAX_ORIGINS)
    .refine((list) => new Set(list.map((o) => o.snapshot)).size === list.length, "an origin is named twice"),
  packs: z
    .array(
      z.strictObject({
        origin: originIndex,
        index: packIndex,
        size: z.int().min(1).max(MAX_OBJECT),
        salt: f.base64url(32),
        commit: f.base64url(32),
        secret: z.literal(true).exactOptional(),
      }),
    )
    .max(MAX_MANIFEST_PACKS),
  segments: z
    .array(z.strictObject({ id: f.base64url(32), entries: z.int().min(1).max(4096), origin: f.snapshot, ...frame }))
    .max(MAX_SEGMENTS),
  totals: z.strictObject({ files: f.count, bytes: f.count, entries: f.count }),
  omitted: z.array(z.string().max(4096)).max(10_000),
}) satisfies z.ZodType<Manifest>;

const slot = z.looseObject({
  id: z.string().min(1).max(64),
  type: z.string().min(1).max(64),
  kid: z.string().max(2048),
  added: f.time,
}) satisfies z.ZodType<Slot>;

export const keyFile = z.strictObject({
  format: f.format,
  vault: f.vault,
  node: f.node,
  snapshot: f.snapshot,
  suite: f.suite,
  commit: f.base64url(32),
  generation: z.int().min(1),
  slots: z
    .array(slot)
    .min(1)
    .max(MAX_SLOTS)
    .refine((list) => new Set(list.map((s) => s.id)).size === list.length, "a slot's id is there twice"),
  mac: f.base64url(32),
}) satisfies z.ZodType<KeyFile>;

const label = z.string().regex(/^[0-9a-f]{16}$/);
/** A slot's ciphertext: base64url of any length that a key file has room for. */
const ciphertext = z
  .string()
  .max(32_768)
  .regex(/^[A-Za-z0-9_-]+$/);

/** Details of a slot of type `age`. */
export const ageSlot = z.strictObject({
  id: z.string(),
  type: z.literal("age"),
  kid: label,
  added: f.time,
  ct: ciphertext,
});

/** Details of a slot of type `rsa`. */
export const rsaSlot = z.strictObject({
  id: z.string(),
  type: z.literal("rsa"),
  kid: label,
  added: f.time,
  mech: z.literal("rsa-oaep"),
  hash: z.enum(["sha256", "sha1"]),
  ct: ciphertext,
});

/** Details of a slot of type `kms`. */
export const kmsSlot = z.strictObject({
  id: z.string(),
  type: z.literal("kms"),
  kid: z.string().regex(/^arn:[^\s]{1,2000}$/),
  added: f.time,
  ct: ciphertext,
});

/** Details of a slot of type `pkcs11`. */
export const pkcs11Slot = z
  .strictObject({
    id: z.string(),
    type: z.literal("pkcs11"),
    kid: z.string().regex(/^[^/]{1,64}\/.{1,512}$/s),
    added: f.time,
    mech: z.enum(["aes-kw", "aes-kwp", "aes-gcm", "sm4-gcm"]),
    iv: f.base64url(12).exactOptional(),
    ct: ciphertext,
  })
  .refine(({ mech, iv }) => (iv !== undefined) === mech.endsWith("-gcm"), "an iv goes with GCM, and only with it");

/** Details of a slot of type `key`; bounds of its stretching are checked before anything is computed. */
export const keySlot = z.strictObject({
  id: z.string(),
  type: z.literal("key"),
  kid: label,
  added: f.time,
  stretch: z.union([
    z.strictObject({ kdf: z.literal("none") }),
    z.strictObject({
      kdf: z.literal("scrypt"),
      salt: f.base64url(32),
      n: f.count,
      r: f.count,
      p: f.count,
    }),
    z.strictObject({
      kdf: z.literal("pbkdf2-sm3"),
      salt: f.base64url(32),
      iterations: f.count,
    }),
  ]),
  salt: f.base64url(32),
  ct: f.base64url(48),
});
