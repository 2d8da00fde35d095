import { expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { makeSnapshotId, names, toNodeName } from "../../vault/names/index.ts";
import type { Reader, Store } from "../../vault/store/facets.ts";
import { httpReader } from "../../vault/store/http/reader.ts";
import { httpClient } from "../../vault/store/http/request.ts";
import { openStore, readonly, retrying } from "../../vault/store/index.ts";
import { emulator } from "../e2e/emulator/index.ts";
import { endpointOf, freshVault } from "../e2e/s3.ts";
import { faultyStore, seededFaults } from "../support/faulty-store.ts";
import { memoryStore } from "../support/memory-store.ts";
import { serveObjects } from "../support/served-objects.ts";
import { tempDir } from "../support/tmp.ts";
import { describeStore, type StoreImplementation, storesThatRan } from "./store.ts";

const aws = await emulator();
const missing = "missing" in aws ? { missing: aws.missing } : {};

const implementations: readonly StoreImplementation[] = [
  {
    name: "directory",
    open: async () => {
      const store = await openStore(tempDir("vault"));
      return { store, url: store.url };
    },
  },
  ...[true, false].map((versions) => ({
    name: `s3 (LocalStack, ${versions ? "with" : "without"} versions)`,
    ...missing,
    etagsOfBytes: true as const,
    timesNear: true as const,
    ...(versions ? { locks: true as const } : {}),
    open: async () => {
      // A bucket that can lock objects, and by itself locks none.
      const place = await freshVault(endpointOf(aws), versions, versions);
      return { store: await openStore(place.url, { ...place, now: systemClock.now }), ...place };
    },
  })),
  { name: "memory", locks: true, open: async () => ({ store: memoryStore() }) },
  {
    name: "retrying(directory)",
    open: async () => {
      const store = await openStore(tempDir("vault"));
      return { store: retrying(store, { clock: systemClock }), url: store.url };
    },
  },
  {
    name: "retrying(faulty(memory))",
    open: async () => {
      // Every third call fails before or after it took effect: the wrapper must hide it all, but for a replace that
      // took effect, which retrying.test.ts looks at.
      const fault = seededFaults(7, 0.33, ["fails-before", "fails-after"]);
      const faulty = faultyStore(memoryStore(), (call) => {
        const chosen = fault(call);
        return chosen !== null && call.call === "replace" ? "fails-before" : chosen;
      });
      return { store: retrying(faulty, { clock: systemClock, wait: async () => {} }) };
    },
  },
  {
    name: "readonly(directory)",
    readonly: true,
    open: async () => {
      const filler = await openStore(tempDir("vault"));
      return { store: await openStore(filler.url, { readonly: true }), filler };
    },
  },
  {
    name: "readonly(memory)",
    readonly: true,
    open: async () => {
      const filler = memoryStore();
      return { store: readonly(filler), filler };
    },
  },
  {
    name: "through a presenter (memory)",
    readonly: true,
    open: async () => {
      const filler = memoryStore(() => Date.UTC(2026, 0, 1));
      return { store: await presented(filler), filler };
    },
  },
];

/** Reads as a restore through a presenter does; each call anew, since a plan of what lies there stays as it was. */
async function presented(filler: Store): Promise<Store> {
  const { api } = await serveObjects(filler);
  const node = toNodeName("n");
  const id = makeSnapshotId(0, new Uint8Array(8));
  const reader = async (): Promise<Reader> => {
    const made = httpReader(api, http, node, { monotonic: () => 0 });
    await made.head(names.card(node, id));
    return made;
  };
  return {
    ...readonly(filler),
    head: async (name) => (await reader()).head(name),
    get: async (name, options) => (await reader()).get(name, options),
    getRange: async (name, offset, length, memory) => (await reader()).getRange(name, offset, length, memory),
  };
}

const http = httpClient({});

for (const implementation of implementations) describeStore(implementation);

it("ran on every store", () => {
  const able = implementations.filter(({ missing }) => missing === undefined);
  const idle = able.map(({ name }) => name).filter((name) => (storesThatRan().get(name) ?? 0) === 0);
  expect(idle).toEqual([]);
  expect(storesThatRan().size).toBeGreaterThan(0);
});
