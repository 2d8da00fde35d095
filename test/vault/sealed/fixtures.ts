import { expect } from "vitest";
import { ColdkeepError, makeSnapshotId, makeVaultId, names, toNodeName } from "../../../vault/names/index.ts";
import {
  type Codec,
  deriveKeys,
  ObjectSealer,
  type SealedObject,
  type SnapshotKeys,
  type SnapshotScope,
} from "../../../vault/sealed/index.ts";
import { seededRandom } from "../../support/random.ts";

export const scope: SnapshotScope = {
  vault: makeVaultId(new Uint8Array(16).fill(1)),
  node: toNodeName("chain-1"),
  snapshot: makeSnapshotId(Date.UTC(2026, 0, 15), new Uint8Array(8).fill(2), 1200),
  suite: "aes-256-gcm",
};

export const otherScopes: Readonly<Record<string, SnapshotScope>> = {
  "another vault": { ...scope, vault: makeVaultId(new Uint8Array(16).fill(9)) },
  "another node": { ...scope, node: toNodeName("chain-2") },
  "another snapshot": { ...scope, snapshot: makeSnapshotId(Date.UTC(2026, 0, 16), new Uint8Array(8).fill(2), 1200) },
};

export const sk = seededRandom("snapshot key")(32);
export const keys = deriveKeys(sk, scope);

export interface FramePlan {
  readonly body: Uint8Array;
  readonly codec?: Codec;
  readonly plain?: number;
}

/** A pack of the frames given, sealed under the fixture's keys. */
export function sealFrames(frames: readonly FramePlan[], index = 0, under: SnapshotKeys = keys): SealedObject {
  const identity = { scope: under.scope, kind: "pack", index, name: names.packName(index) } as const;
  const sealer = new ObjectSealer({ ...identity, key: under.pack });
  for (const { body, codec = 0, plain = body.length } of frames) sealer.add(body, codec, plain);
  return sealer.finish();
}

/** What opens pack `index` of the fixture's snapshot. */
export function packOf(bytes: Uint8Array, index = 0, under: SnapshotKeys = keys) {
  return { scope: under.scope, kind: "pack", index, name: names.packName(index), key: under.pack, bytes } as const;
}

/** The error `action` ends with, which must be a ColdkeepError of the kind given. */
export function refusal(action: () => unknown, kind = "integrity"): ColdkeepError {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ColdkeepError)) throw error;
    expect(error.kind).toBe(kind);
    return error;
  }
  throw new Error("nothing was refused");
}
