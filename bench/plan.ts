/**
 * What a presenter takes for the pages of a large restore: `node bench/plan.ts [packs]`. The vault holds one snapshot that
 * uses that many packs (320,000 is 10 TB) of 200 runs, each in many pieces, as after years. The first page, one in the
 * middle and the last are asked for, each of a presenter that has just started, with URLs signed for S3.
 */
import { createPrivateKey } from "node:crypto";
import { makePresenter } from "../keeper/index.ts";
import { systemClock } from "../posix/clock.ts";
import {
  type CardCore,
  type CardOrigin,
  encodeBegin,
  encodeCard,
  encodeNodeJson,
  publicKeyOf,
  signCard,
  sumOf,
  writerOf,
} from "../vault/card/index.ts";
import { makeSnapshotId, makeVaultId, names, type SnapshotId, toBase64url, toNodeName } from "../vault/names/index.ts";
import type { CreateOutcome, Creator, Reader } from "../vault/store/facets.ts";
import { openS3Signer } from "../vault/store/s3/presign.ts";

const PACKS = Number(process.argv[2]) || 320_000;
const ORIGINS = 200;
/** One pack in so many of a run is used no more, so that its ranges end there. */
const HOLE = 20;
const PAGE = 500;
const NOW = Date.UTC(2026, 0, 1);

process.env.AWS_ACCESS_KEY_ID ??= "AKIAIOSFODNN7EXAMPLE";
process.env.AWS_SECRET_ACCESS_KEY ??= "bench";
// A role's URLs carry its session along, which is most of a page.
process.env.AWS_SESSION_TOKEN ??= "x".repeat(1000);

const vault = makeVaultId(Buffer.alloc(16, 1));
const node = toNodeName("bench");
const key = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 1)]),
  format: "der",
  type: "pkcs8",
});
const objects = new Map<string, Uint8Array>();
const infoOf = (bytes: Uint8Array) => ({ size: bytes.length, etag: "e", receivedAt: NOW });
const store: Reader & Creator = {
  head: async (name) => {
    const bytes = objects.get(name);
    return bytes === undefined ? null : infoOf(bytes);
  },
  get: async (name) => {
    const bytes = objects.get(name);
    return bytes === undefined ? null : { bytes, info: infoOf(bytes) };
  },
  getRange: async () => null,
  create: async (_, { bytes }) => ({ created: true, receipt: { info: infoOf(bytes) } }) as CreateOutcome,
};

const id = putSnapshot();
const last = (await page(undefined)).page.split(".")[0];
const total = PACKS + ORIGINS + 4;
const rows = [];
for (const [name, start] of [
  ["first", 0],
  ["middle", Math.floor(total / 2)],
  ["last", total - PAGE],
] as const) {
  rows.push({ page: name, ...(await measured(`${last}.${start}`)) });
}
process.stdout.write(`${PACKS} packs of ${ORIGINS} runs; card ${objects.get(names.card(node, id))?.length} bytes\n`);
console.table(rows);

async function measured(cursor: string) {
  const [cpu, at] = [process.cpuUsage(), performance.now()];
  const { bytes, objects: count } = await page(cursor);
  const { user, system } = process.cpuUsage(cpu);
  return {
    objects: count,
    "s of processor": Number(((user + system) / 1e6).toFixed(2)),
    s: Number(((performance.now() - at) / 1000).toFixed(2)),
    kB: Math.round(bytes / 1000),
    "peak RSS, MB": Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

async function page(cursor: string | undefined) {
  const present = makePresenter({
    store,
    sign: openS3Signer("s3://vault-with-a-name-of-some-length/nodes", {
      s3: { region: "ap-northeast-2" },
      now: systemClock.now,
    }),
    nodes: async () => [node],
    tickets: null,
    clock: systemClock,
    audit: () => {},
  });
  const query = cursor === undefined ? "" : `page=${cursor}`;
  const path = `/nodes/${node}/snapshots/${id}/plan`;
  const { status, body } = await present({ method: "GET", path, query, caller: "arn:aws:iam::1:user/bench" });
  const text = Buffer.from(body).toString();
  if (status !== 200) throw new Error(`${status}: ${text}`);
  const answer = JSON.parse(text) as { page: string; objects: unknown[] };
  return { page: answer.page, objects: answer.objects.length, bytes: Buffer.byteLength(text) };
}

function putSnapshot(): SnapshotId {
  const origins: CardOrigin[] = [];
  const each = PACKS / ORIGINS;
  for (let n = 0; n < ORIGINS; n += 1) {
    const ranges: [number, number][] = [];
    for (let at = 0, used = 0; used < each; at += HOLE) {
      const count = Math.min(HOLE - 1, each - used);
      ranges.push([at, at + count - 1]);
      used += count;
    }
    origins.push({ snapshot: makeSnapshotId(NOW - (ORIGINS - n) * 3_600_000, Buffer.alloc(8, n)), ranges });
  }
  const snapshot = origins.at(-1)?.snapshot as SnapshotId;
  const publicKey = publicKeyOf(key);
  const core: CardCore = {
    ...{ format: 1, state: "committed", vault, node, snapshot, suite: "aes-256-gcm", seq: 1 },
    commit: toBase64url(Buffer.alloc(32, 1)),
    ...{ started: NOW, captured: NOW, profile: "leveldb", tags: [] },
    bytes: { total: 1e13, added: 1e9, stored: 1e9, files: 1e6 },
    manifest: sumOf(Buffer.from("manifest")),
    pack_lists: [],
    origins: origins.sort((a, b) => (a.snapshot < b.snapshot ? -1 : 1)),
  };
  const record = { format: 1, vault, node } as const;
  objects.set(names.nodeJson(node), encodeNodeJson({ ...record, profile: "leveldb", key: publicKey, created: NOW }));
  objects.set(
    names.begin(node, snapshot),
    encodeBegin({ ...record, snapshot, writer: writerOf(publicKey), adopts: [] }),
  );
  objects.set(names.card(node, snapshot), encodeCard(signCard(core, Buffer.alloc(32, 1), key)));
  return snapshot;
}
