import * as z from "zod";
import {
  FORMAT,
  fromBase64url,
  isNodeName,
  isSnapshotId,
  isVaultId,
  type NodeName,
  type SnapshotId,
  type VaultId,
} from "../names/index.ts";
import type { SuiteName } from "./types.ts";

/** The kinds of field that stored JSON is made of (docs/FORMAT.md, "Fields"). */

/** An integer from 0 to 2^53-1. */
export const count = z.int().min(0);
/** Milliseconds since the epoch. */
export const time = z.int().min(0);
/** Text for people and names of profiles, tags, channels: at most 255 UTF-16 units. */
export const text = z.string().max(255);
export const format = z.literal(FORMAT);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");
export const suite = z.enum(["aes-256-gcm", "sm4-gcm"]) satisfies z.ZodType<SuiteName>;
export const snapshot = z.custom<SnapshotId>(
  (value) => typeof value === "string" && isSnapshotId(value),
  "must be a snapshot id",
);
export const node = z.custom<NodeName>(
  (value) => typeof value === "string" && isNodeName(value),
  "must be a node's name",
);
export const vault = z.custom<VaultId>((value) => typeof value === "string" && isVaultId(value), "must be a vault id");
/** By channel; the key "" is the node's one chain. */
export const heights = z.record(z.string().max(255), count);
export const tags = z.array(text).max(64);

/** Size and digest of an object. */
export const sum = { size: count, sha256 };
/** What a snapshot holds and stored; see CardBytes. */
export const bytes = z.strictObject({ total: count, added: count, stored: count, files: count });
/** What every object of a node says of itself. */
export const ofNode = { format, vault, node };
/** What every object of a snapshot says of itself. */
export const ofSnapshot = { ...ofNode, snapshot };
/** A version of coldkeep. */
export const version = z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/, "must be a version, such as 0.1.0");

/** `length` bytes as base64url without padding, in the one canonical spelling. */
export function base64url(length: number) {
  return z
    .string()
    .refine((value) => fromBase64url(value, length) !== null, `must be ${length} bytes as base64url without padding`);
}
