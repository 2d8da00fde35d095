import { type CardCore, type CardOrigin, canonicalBytes, checkRecord, readRecord } from "../card/index.ts";
import { ColdkeepError, names, toBase64url } from "../names/index.ts";
import { type Compressor, compress } from "./codec.ts";
import { isFrameRow } from "./frame.ts";
import { damagedObject, type ObjectIdentity } from "./layout.ts";
import { ObjectSealer, type SealedObject } from "./object-sealer.ts";
import { openObject } from "./open-object.ts";
import { manifest as schema } from "./schemas.ts";
import type { Manifest, ObjectKey, RandomSource, SnapshotKeys, SnapshotScope } from "./types.ts";

const FRAME_PLAIN = 4 * 1024 * 1024;
/** Plain bytes of a manifest's root: a million packs and their segments. */
const MAX_PLAIN = 512 * 1024 * 1024;

/** Seals a manifest's root: its canonical JSON in frames of at most 4 MiB. @throws ColdkeepError `integrity`. */
export function sealManifest(
  m: Manifest,
  keys: SnapshotKeys,
  random?: RandomSource,
  compressor: Compressor = compress,
): SealedObject {
  const identity = identityOf(keys);
  checkRecord(schema, m, names.manifest(keys.scope.node, keys.scope.snapshot));
  check(m, keys, identity);
  const json = canonicalBytes(m);
  if (json.length > MAX_PLAIN) throw damagedObject(identity, "too large", `it has ${json.length} bytes`);
  const sealer = new ObjectSealer({ ...identity, key: keys.manifest, ...(random === undefined ? {} : { random }) });
  for (let at = 0; at < json.length; at += FRAME_PLAIN) {
    const plain = json.subarray(at, at + FRAME_PLAIN);
    const { codec, bytes } = compressor(plain);
    sealer.add(bytes, codec, plain.length);
  }
  return sealer.finish();
}

/** What opens a manifest and what it is held against; a snapshot's keys are. */
export interface ManifestKeys {
  readonly scope: SnapshotScope;
  readonly manifest: ObjectKey;
  readonly commit: Uint8Array;
}

/**
 * Opens a manifest's root and checks every field and reference in it.
 * @throws ColdkeepError `integrity`, or `refused` where the format is newer.
 */
export function openManifest(bytes: Uint8Array, keys: ManifestKeys): Manifest {
  const identity = identityOf(keys);
  const object = openObject({ ...identity, key: keys.manifest, bytes });
  const total = object.rows.reduce((sum, row) => sum + row.plain, 0);
  if (total > MAX_PLAIN) throw damagedObject(identity, "too large", `it expands to ${total} bytes`);
  const json = Buffer.concat(object.rows.map((_, i) => object.frame(i).bytes));
  const on = names.manifest(keys.scope.node, keys.scope.snapshot);
  const m = readRecord<Manifest>(schema, json, on);
  check(m, keys, identity);
  return m;
}

/**
 * The origins a card must list for this manifest: by origin, in the manifest's order, the ranges of pack numbers in
 * use. The one function that decides it, for writers and readers.
 */
export function cardOrigins(m: Pick<Manifest, "origins" | "packs">): CardOrigin[] {
  return m.origins.flatMap(({ snapshot }, number) => {
    const indexes = m.packs.filter((pack) => pack.origin === number).map((pack) => pack.index);
    return indexes.length === 0 ? [] : [{ snapshot, ranges: rangesOf(indexes) }];
  });
}

/**
 * Fails where a card does not say what its manifest needs: a collector that believed it would delete packs in use.
 * @throws ColdkeepError `integrity`.
 */
export function assertCardCovers(core: CardCore, m: Manifest): void {
  const on = names.card(core.node, core.snapshot);
  const refuse = (why: string) =>
    new ColdkeepError("integrity", { what: "the card does not fit its manifest", on, why });
  for (const field of ["vault", "node", "snapshot", "suite"] as const) {
    if (core[field] !== m[field]) throw refuse(`${field} is ${core[field]} in the card, ${m[field]} in the manifest`);
  }
  const promised = new Map(core.origins.map((origin) => [origin.snapshot, origin.ranges]));
  for (const { snapshot, ranges } of cardOrigins(m)) {
    const covered = promised.get(snapshot) ?? [];
    for (const [first, last] of ranges) {
      if (covered.some(([from, to]) => from <= first && last <= to)) continue;
      throw refuse(`packs ${first} to ${last} of ${snapshot} are in use and the card does not list them`);
    }
  }
}

function rangesOf(indexes: number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const index of indexes.sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === index) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges;
}

function check(m: Manifest, keys: ManifestKeys, identity: ObjectIdentity): void {
  const wrong = (why: string) => damagedObject(identity, "impossible manifest", why);
  for (const field of ["vault", "node", "snapshot", "suite"] as const) {
    if (m[field] !== keys.scope[field]) throw wrong(`${field} is ${m[field]}, its keys are of ${keys.scope[field]}`);
  }
  for (const origin of m.origins) {
    if (origin.suite !== m.suite) throw wrong(`${origin.snapshot} has another suite; a change of suite starts anew`);
    if (origin.snapshot === m.snapshot && origin.commit !== toBase64url(keys.commit)) {
      throw wrong("it lists its own snapshot with another commitment");
    }
  }
  const packs = new Set<string>();
  for (const { origin, index } of m.packs) {
    const snapshot = m.origins[origin]?.snapshot;
    if (snapshot === undefined) throw wrong(`pack ${index} is of an origin that is not listed`);
    const place = `${snapshot}/${index}`;
    if (packs.has(place)) throw wrong(`pack ${index} of ${snapshot} is listed twice`);
    packs.add(place);
  }
  for (const segment of m.segments) {
    if (!isFrameRow(segment) || !packs.has(`${segment.origin}/${segment.pack}`)) {
      throw wrong(
        `a segment lies in pack ${segment.pack} of ${segment.origin}, which is not listed or has no such place`,
      );
    }
  }
}

function identityOf({ scope }: Pick<ManifestKeys, "scope">): ObjectIdentity {
  return { scope, kind: "manifest", index: 0, name: names.MANIFEST_NAME };
}
