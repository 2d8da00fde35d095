/**
 * How long it takes to rotate the recipient of many snapshots: `node bench/rotation.ts [directory|localstack|versitygw …]`,
 * with BENCH_SNAPSHOTS of them (default 1000), in BENCH_DIR. Both keys are software keys, the costliest kind. The S3 servers
 * are those of the tests, on this machine. It fails where anything but key files was touched, by the etag and, on LocalStack, every
 * version of every object before and after.
 */
import { strictEqual } from "node:assert";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { rekeyNode } from "../agent/rekey/index.ts";
import { systemClock } from "../posix/clock.ts";
import { startLocalStack } from "../test/e2e/emulator/localstack.ts";
import { startVersityGw } from "../test/e2e/emulator/versitygw.ts";
import { freshVault, plainClient } from "../test/e2e/s3.ts";
import { buildSnapshot, makeNode } from "../test/support/build-snapshot.ts";
import { encodeIndex, type IndexEntry, publicKeyOf, writerOf } from "../vault/card/index.ts";
import type { Card } from "../vault/card/types.ts";
import { makeSnapshotId, names, parseS3Url, silent } from "../vault/names/index.ts";
import { keyIdentity, keyRecipient, newStretch } from "../vault/sealed/index.ts";
import { openStore, retrying, type Store } from "../vault/store/index.ts";

const count = Number(process.env.BENCH_SNAPSHOTS ?? 1000);
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "coldkeep-rotation-"));
const places = process.argv.length > 2 ? process.argv.slice(2) : ["directory", "localstack", "versitygw"];
const calls = new Map<string, number>();

try {
  for (const place of places) await measure(place);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(place: string): Promise<void> {
  const opened = await open(place);
  if ("missing" in opened) return console.log(`${place}: skipped, ${opened.missing}`);
  const { store, objects, stop } = opened;
  const old = Buffer.from("0123456789abcdef");
  const young = Buffer.from("fedcba9876543210");
  const recipients = [keyRecipient({ source: old, stretch: newStretch("aes-256-gcm") })];
  const node = makeNode();
  const entries: IndexEntry[] = [];
  for (let i = 0; i < count; i += 1) {
    const snapshot = makeSnapshotId(Date.now() - i * 60_000, randomBytes(8));
    const items = [{ path: "data/file", content: [`content ${i}`] }];
    const { card } = await buildSnapshot({ store, node, items, recipients, snapshot, bare: i > 0 });
    entries.push(entryOf(card));
  }
  const ofNode = { format: 1, vault: node.vault, node: node.name } as const;
  await store.replace(
    names.indexJson(node.name),
    encodeIndex({ ...ofNode, generation: 1, snapshots: entries, months: [] }),
    null,
  );
  const before = await objects();
  calls.clear();
  const began = systemClock.monotonic();
  const processor = process.cpuUsage();
  const leaving = keyIdentity(old);
  const outcomes = await rekeyNode({
    store,
    node: node.name,
    change: {
      add: [keyRecipient({ source: young, stretch: newStretch("aes-256-gcm") })],
      removes: async (slot, scope) => (await leaving.unwrap(slot, scope)) !== null,
    },
    identities: [leaving],
    proof: [keyIdentity(young)],
    pinnedKey: publicKeyOf(node.signingKey),
    keepFolder: join(folder, `${place}-kept`),
    now: Date.now(),
    progress: silent,
    signal: new AbortController().signal,
  });
  const seconds = (systemClock.monotonic() - began) / 1000;
  const { user, system } = process.cpuUsage(processor);
  const done = outcomes.filter(({ outcome }) => outcome === "rewritten").length;
  const told = [...calls].map(([call, times]) => `${times} ${call}`).join(", ");
  const untouched = assertUntouched(before, await objects());
  strictEqual(done, count, `${place}: key files rewritten`);
  console.log(
    `${place}: ${done} of ${count} rewritten in ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of the processor's; ${told}; ${untouched} other objects untouched`,
  );
  await stop();
}

/** Every object by name, with what names its bytes and each of its versions. */
type Objects = ReadonlyMap<string, readonly string[]>;

/** @returns how many objects there are beside key files. @throws AssertionError where one of them is not as it was. */
function assertUntouched(before: Objects, after: Objects): number {
  const isKeyFile = (name: string) => name.endsWith("/key.json");
  const rest = (objects: Objects) =>
    [...objects].flatMap(([name, told]) => (isKeyFile(name) ? [] : [`${name} ${told.join(" ")}`])).toSorted();
  const kept = rest(before);
  const now = new Set(rest(after));
  const touched = kept.filter((line) => !now.delete(line)).concat([...now].map((line) => `new: ${line}`));
  strictEqual(touched.slice(0, 3).join("\n"), "", "objects that are no key files were touched");
  for (const [name, told] of before) {
    if (isKeyFile(name) && after.get(name)?.join() === told.join()) throw new Error(`${name} is as it was`);
  }
  for (const kind of [".pack", "/manifest", ".card.json"]) {
    if (!kept.some((line) => line.split(" ")[0]?.endsWith(kind)))
      throw new Error(`there is no ${kind} to be untouched`);
  }
  return kept.length;
}

async function listed(store: Store): Promise<Objects> {
  const found = new Map<string, readonly string[]>();
  for await (const { name, info } of store.list("")) found.set(name, [info.etag, String(info.receivedAt)]);
  return found;
}

/** As S3 itself tells it: all versions, and delete markers, too. */
async function versions(endpoint: string, place: string): Promise<Objects> {
  const url = parseS3Url(place);
  if (typeof url === "string") throw new Error(url);
  const client = plainClient(endpoint);
  const found = new Map<string, string[]>();
  let from = {};
  for (;;) {
    const page = await client.send(
      new ListObjectVersionsCommand({ Bucket: url.bucket, Prefix: `${url.prefix}/`, ...from }),
    );
    for (const { Key = "", VersionId } of page.DeleteMarkers ?? []) {
      found.set(Key, [...(found.get(Key) ?? []), `${VersionId} deleted`]);
    }
    for (const { Key = "", VersionId, ETag } of page.Versions ?? []) {
      found.set(Key, [...(found.get(Key) ?? []), `${VersionId} ${ETag}`]);
    }
    if (page.IsTruncated !== true) return found;
    from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

/** What an index says of a good snapshot. */
function entryOf({ core, sig }: Card): IndexEntry {
  const { snapshot, seq, profile, tags, bytes, started } = core;
  return {
    ...{ snapshot, seq, profile, tags, bytes },
    state: "good",
    remarks: [],
    writer: writerOf(sig.key),
    received: started,
    committed: started,
    card: { size: 1, sha256: "0".repeat(64) },
    origins: [snapshot],
  };
}

interface Place {
  readonly store: Store;
  readonly objects: () => Promise<Objects>;
  readonly stop: () => Promise<void>;
}

async function open(place: string): Promise<Place | { missing: string }> {
  if (place === "directory") {
    const store = await openStore(join(folder, "vault"), { create: true });
    const patient = counted(retrying(store, { clock: systemClock }));
    return { store: patient, objects: () => listed(store), stop: async () => {} };
  }
  const server = await (place === "versitygw" ? startVersityGw() : startLocalStack());
  if ("missing" in server) return server;
  const at = await freshVault(server.endpoint);
  const store = counted(retrying(await openStore(at.url, at), { clock: systemClock }));
  // VersityGW's list of versions loses some at the edges of its pages; its plain list does not.
  const objects = () => (place === "versitygw" ? listed(store) : versions(server.endpoint, at.url));
  return { store, objects, stop: () => server.stop() };
}

/** Counts what is asked of a store. */
function counted(store: Store): Store {
  const told = <T>(call: string, answer: T): T => {
    calls.set(call, (calls.get(call) ?? 0) + 1);
    return answer;
  };
  return {
    ...store,
    head: (name) => told("head", store.head(name)),
    get: (name, options) => told("get", store.get(name, options)),
    replace: (name, bytes, expected) => told("replace", store.replace(name, bytes, expected)),
  };
}
