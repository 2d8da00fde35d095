import { afterAll, expect, it } from "vitest";
import { openStore } from "../../vault/store/index.ts";
import { describeStore, storesThatRan } from "../conformance/store.ts";
import { startVersityGw } from "../e2e/emulator/versitygw.ts";
import { endpointOf, freshVault } from "../e2e/s3.ts";
import { onCi } from "../support/ci.ts";

/** The contract of a store on a second S3 server, which shares no code with the first, as far as that server keeps it. */
const server = await startVersityGw();
if ("missing" in server && onCi()) throw new Error(`CI has no VersityGW: ${server.missing}`);
afterAll(async () => {
  if ("stop" in server) await server.stop();
});

const NAMES = [true, false].map((versions) => `s3 (VersityGW, ${versions ? "with" : "without"} versions)`);

for (const [index, name] of NAMES.entries()) {
  describeStore({
    name,
    ...("missing" in server ? { missing: server.missing } : {}),
    etagsOfBytes: true,
    timesNear: true,
    // Seen: of two creates at once both were told that they had won; bytes of one lay there with the checksum of another.
    oneWriter: "it looks at the condition first and writes then, so two calls at once may both succeed",
    ...(index === 0 ? { deletedStayTaken: true } : {}),
    open: async () => {
      const place = await freshVault(endpointOf(server), index === 0);
      return { store: await openStore(place.url, place), ...place };
    },
  });
}

it.skipIf("missing" in server)("ran on both kinds of bucket", () => {
  expect([...storesThatRan().keys()]).toEqual(NAMES);
});
