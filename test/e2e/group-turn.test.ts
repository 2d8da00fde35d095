import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { takeTurn } from "../../agent/backup/index.ts";
import { keptProgress } from "../../agent/report/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { VERSION } from "../../vault/names/index.ts";
import { hashed, hostStatements, openStore } from "../../vault/store/index.ts";
import { keepSecret } from "../support/secrets.ts";
import { ROOT, startMiniStack } from "./ministack/index.ts";
import { createUser, type UserEnv } from "./ministack/users.ts";
import { endpointOf, makeBucket } from "./s3.ts";

const server = await startMiniStack();
afterAll(async () => {
  if ("stop" in server) await server.stop();
});
const why = "missing" in server ? ` (skipped: ${server.missing})` : "";

/** Two hosts, each with the rights that `coldkeep cloud agent-policy` gives it and no others. */
describe.skipIf(why !== "")(`the turn to be down, by a host's own rights${why}`, { timeout: 120_000 }, () => {
  let bucket = "";
  const users: Record<string, UserEnv> = {};
  const wait = { most: 1, needMs: 1000, monotonic: systemClock.monotonic, now: systemClock.now, pauseMs: 100 };
  const common = { ...wait, progress: keptProgress(), signal: new AbortController().signal };

  beforeAll(async () => {
    const endpoint = endpointOf(server);
    for (const [name, value] of Object.entries({
      AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
    })) {
      vi.stubEnv(name, value);
    }
    bucket = await makeBucket(endpoint);
    for (const [node, group] of [
      ["one", "validators"],
      ["two", "validators"],
      ["alone", null],
    ] as const) {
      users[node] = await createUser(endpoint, hostStatements(`arn:aws:s3:::${bucket}`, "nodes", node, group));
      keepSecret(users[node].AWS_SECRET_ACCESS_KEY);
    }
  });
  afterEach(() => vi.unstubAllEnvs());

  /** The vault as that node's host may use it. */
  async function storeOf(node: string) {
    for (const [name, value] of Object.entries(users[node] ?? {})) vi.stubEnv(name, value);
    const s3 = { endpoint: endpointOf(server), region: "us-east-1" };
    const store = await openStore(`s3://${bucket}/nodes`, { s3, version: VERSION, now: systemClock.now });
    // Credentials are read at the first call.
    await store.get("vault.json").catch(() => {});
    return store;
  }

  it("is taken, waited for, and handed on", async () => {
    const take = async (node: string, waitMs: number) =>
      takeTurn({ ...common, store: await storeOf(node), group: "validators", node, waitMs });
    const first = await take("one", 0);
    await expect(take("two", 0)).rejects.toMatchObject({ kind: "skipped", why: expect.stringContaining("one held") });
    await first.release();
    await (await take("two", 0)).release();
  });

  it("nothing in a group can be replaced, nor another group's turns touched", async () => {
    const one = await storeOf("one");
    const put = (name: string) => one.create(name, hashed(Buffer.from(name)));
    expect((await put("groups/validators/down/x.json")).created).toBe(true);
    const etag = (await one.head("groups/validators/down/x.json"))?.etag ?? "";
    const replaced = one.replace("groups/validators/down/x.json", Buffer.from("y"), etag);
    await expect(replaced).rejects.toMatchObject({ kind: "permission" });
    await expect(put("groups/others/down/x.json")).rejects.toMatchObject({ kind: "permission" });
    await expect(put("groups/validators/x.group.json")).rejects.toMatchObject({ kind: "permission" });
    const alone = await storeOf("alone");
    await expect(alone.create("groups/validators/down/y.json", hashed(Buffer.from("y")))).rejects.toMatchObject({
      kind: "permission",
    });
  });
});
