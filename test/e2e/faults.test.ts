import { randomBytes } from "node:crypto";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/hashed.ts";
import type { ApprovedPlan, Deleter, Store } from "../../vault/store/index.ts";
import { retrying } from "../../vault/store/index.ts";
import { openS3Store } from "../../vault/store/s3/index.ts";
import { emulator } from "./emulator/index.ts";
import { type Act, type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, makeBucket, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";
const text = (value: string) => hashed(Buffer.from(value));
const LIMITS = { connectMs: 2_000, idleMs: 300, callMs: 60_000 };

describe.skipIf(missing !== "")(
  `a vault in S3, met with what networks and servers do${missing}`,
  { timeout: 180_000 },
  () => {
    let proxy: S3Proxy;
    let bucket: string;
    let url: string;
    let count = 0;

    beforeAll(async () => {
      proxy = await startProxy(endpointOf(aws));
      bucket = await makeBucket(endpointOf(aws));
    });
    beforeEach(() => {
      proxy.behave(() => "pass");
      count += 1;
      url = `s3://${bucket}/f/${count}`;
    });
    afterAll(() => proxy.stop());

    const open = (more: Partial<Parameters<typeof openS3Store>[1]> = {}): Store & Deleter =>
      openS3Store(url, { s3: { endpoint: proxy.endpoint }, now: () => Date.now(), limits: LIMITS, ...more });
    const patient = (store: Store) => retrying(store, { clock: systemClock, wait: async () => {} });

    /** The first so many calls go wrong, then all is well. */
    const first = (times: number, act: Act) => {
      const from = proxy.calls.length;
      proxy.behave((_, number) => (number - from <= times ? act : "pass"));
    };

    async function refusal(call: Promise<unknown>): Promise<ColdkeepError> {
      try {
        await call;
      } catch (error) {
        if (error instanceof ColdkeepError) return error;
        throw error;
      }
      throw new Error("it did not fail");
    }

    const PASSING: readonly (readonly [what: string, act: Act, why: RegExp])[] = [
      ["503 Service Unavailable", { status: 503, code: "ServiceUnavailable" }, /S3 answered 503/],
      ["503 SlowDown", { status: 503, code: "SlowDown" }, /asks to slow down \(SlowDown\)/],
      ["500 InternalError", { status: 500, code: "InternalError" }, /S3 answered 500/],
      ["a reset before the call arrives", "reset-before", /cannot be reached \(ECONNRESET/],
      ["a reset after the call took effect", "reset-after", /cannot be reached \(ECONNRESET/],
      ["an answer that never comes", "stall", /cannot be reached \(TimeoutError/],
    ];

    it.each(PASSING)("%s is told as what passes, and hidden by repeating", async (_, act, why) => {
      proxy.behave(() => act);
      const error = await refusal(open().create("n/a", text("x")));
      expect(error).toMatchObject({ kind: "vault", retryable: true, on: `${url}/n/a` });
      expect(error.why).toMatch(why);
      first(3, act);
      const store = patient(open());
      expect(await store.create("n/b", text("mine"))).toMatchObject({ created: true });
      first(2, act);
      expect(Buffer.from((await store.get("n/b"))?.bytes ?? []).toString()).toBe("mine");
      expect(await store.create("n/b", text("other"))).toMatchObject({ created: false, same: false });
    });

    it.each([
      ["is reset", "reset-within"],
      ["stops", "stall-within"],
      ["has a byte changed", "corrupt"],
    ] as const)("a body that %s on its way is no answer, and is read again", async (_, act) => {
      const bytes = randomBytes(300_000);
      await open().create("n/a", hashed(bytes));
      proxy.behave(({ kind }) => (kind === "GET" ? act : "pass"));
      expect(await refusal(open().get("n/a"))).toMatchObject({ retryable: true });
      first(2, act);
      expect(bytes.equals((await patient(open()).get("n/a"))?.bytes ?? Buffer.of())).toBe(true);
    });

    it("a slow answer is waited for while it moves", async () => {
      const bytes = randomBytes(100_000);
      await open().create("n/a", hashed(bytes));
      proxy.behave(() => "trickle");
      expect(bytes.equals((await open().get("n/a"))?.bytes ?? Buffer.of())).toBe(true);
      const store = open({ limits: { ...LIMITS, callMs: 50, slowest: 1 << 30 } });
      const error = await refusal(store.get("n/a", { maxBytes: 200_000 }));
      expect(error).toMatchObject({ kind: "vault", retryable: true });
      expect(error.why).toMatch(/not answered in full within 1 s/);
    });

    const REFUSALS: readonly (readonly [what: string, act: Act, kind: string, words: RegExp])[] = [
      [
        "another region, by redirect",
        { status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": "eu-west-1" } },
        "config",
        /in region eu-west-1.*write region: eu-west-1/,
      ],
      [
        "another region, by signature",
        { status: 400, code: "AuthorizationHeaderMalformed", more: "<Region>ap-south-1</Region>" },
        "config",
        /in region ap-south-1.*write region: ap-south-1/,
      ],
      [
        "no such bucket",
        { status: 404, code: "NoSuchBucket" },
        "vault",
        /there is no bucket vault-.*coldkeep makes none/,
      ],
      ["expired credentials", { status: 400, code: "ExpiredToken" }, "permission", /have expired.*get new ones/],
      [
        "unknown credentials",
        { status: 403, code: "InvalidAccessKeyId" },
        "permission",
        /does not know these credentials/,
      ],
      ["a wrong secret", { status: 403, code: "SignatureDoesNotMatch" }, "permission", /the secret key is wrong/],
      [
        "a wrong clock",
        { status: 403, code: "RequestTimeTooSkewed", headers: { date: "Thu, 01 Jan 2026 00:00:00 GMT" } },
        "vault",
        /clock is \d+ minutes ahead of S3's.*chrony/,
      ],
      ["an archive class", { status: 403, code: "InvalidObjectState" }, "vault", /archive class.*restore-object/],
      ["a server that cannot do it", { status: 501, code: "NotImplemented" }, "vault", /cannot do what coldkeep needs/],
      ["a proxy that wants a password", { status: 407 }, "vault", /the proxy does not let it through.*HTTPS_PROXY/],
    ];

    it.each(REFUSALS)("%s is told at once, with what to do", async (_, act, kind, words) => {
      proxy.behave(() => act);
      const from = proxy.calls.length;
      const error = await refusal(patient(open()).get("n/a"));
      expect(error).toMatchObject({ kind, retryable: false });
      expect(error.message).toMatch(words);
      expect(proxy.calls.length - from).toBe(1);
    });

    it("a HEAD, whose refusals have no words, tells a wrong clock by S3's own", async () => {
      proxy.behave(() => ({ status: 403, headers: { date: "Thu, 01 Jan 2026 00:00:00 GMT" } }));
      expect((await refusal(open().head("n/a"))).message).toMatch(/clock is \d+ minutes ahead of S3's/);
    });

    it("a HEAD that finds nothing in a bucket that is not there is no absence", async () => {
      const elsewhere = openS3Store("s3://no-such-bucket-at-all/x", { s3: { endpoint: proxy.endpoint } });
      expect((await refusal(elsewhere.head("n/a"))).message).toMatch(/there is no bucket no-such-bucket-at-all/);
      expect((await refusal(elsewhere.get("n/a"))).message).toMatch(/there is no bucket/);
      expect((await refusal(elsewhere.create("n/a", text("x")))).message).toMatch(/there is no bucket/);
      expect(await open().head("n/a")).toBeNull();
    });

    const older = async (store: Store) => await store.history?.get("n/a", "v", { maxBytes: 1 });
    const removed = (store: Store & Deleter) => store.delete(plan)[Symbol.asyncIterator]().next();
    const plan = { objects: [{ name: "n/a", etag: '"0"', version: "v" }] } as unknown as ApprovedPlan;
    it.each([
      ["head", "s3:GetObject", (store: Store) => store.head("n/a")],
      ["get", "s3:GetObject", (store: Store) => store.get("n/a")],
      ["getRange", "s3:GetObject", (store: Store) => store.getRange("n/a", 0, 1)],
      ["create", "s3:PutObject", (store: Store) => store.create("n/a", text("x"))],
      ["replace", "s3:PutObject", (store: Store) => store.replace("n/a", Buffer.of(1), null)],
      ["list", "s3:ListBucket", (store: Store) => store.list("")[Symbol.asyncIterator]().next()],
      ["history", "s3:ListBucketVersions", (store: Store) => store.history?.versions("n/a", 1) ?? Promise.reject()],
      ["older get", "s3:GetObjectVersion", (store: Store) => older(store)],
      ["delete", "s3:ListBucketVersions", (store: Store & Deleter) => removed(store)],
    ] as const)("a denied %s names the right that is missing: %s", async (_, action, call) => {
      proxy.behave(() => ({ status: 403, code: "AccessDenied" }));
      const error = await refusal(call(open()));
      expect(error).toMatchObject({ kind: "permission", retryable: false });
      expect(error.todo).toContain(`allow ${action} on arn:aws:s3:::${bucket}`);
    });

    it.each([
      ["cn-north-1", "aws-cn"],
      ["us-gov-west-1", "aws-us-gov"],
    ])("in %s rights are on resources of %s", async (region, partition) => {
      proxy.behave(() => ({ status: 403, code: "AccessDenied" }));
      const error = await refusal(open({ s3: { endpoint: proxy.endpoint, region } }).get("n/a"));
      expect(error.todo).toContain(`on arn:${partition}:s3:::${bucket}/…`);
    });

    it("a delete that may list and not look names the right that is missing", async () => {
      proxy.behave(({ method }) => (method === "HEAD" ? { status: 403, code: "AccessDenied" } : "pass"));
      const error = await refusal(removed(open()));
      expect(error).toMatchObject({ kind: "permission", retryable: false });
      expect(error.todo).toContain(`allow s3:GetObjectVersion on arn:aws:s3:::${bucket}`);
    });

    it("missing credentials are told with the ways to give some", async () => {
      const kept = { ...process.env };
      delete process.env.AWS_ACCESS_KEY_ID;
      delete process.env.AWS_SECRET_ACCESS_KEY;
      Object.assign(process.env, {
        AWS_EC2_METADATA_DISABLED: "true",
        HOME: "/nowhere",
        AWS_CONFIG_FILE: "/nowhere/a",
      });
      process.env.AWS_SHARED_CREDENTIALS_FILE = "/nowhere/b";
      try {
        const error = await refusal(open().get("n/a"));
        expect(error.kind).toBe("permission");
        expect(error.message).toMatch(/there are no AWS credentials.*AWS_ACCESS_KEY_ID.*`profile`/);
      } finally {
        for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
        Object.assign(process.env, kept);
      }
    });

    it("a server that is not there, or that speaks no S3, is told as such", async () => {
      const nobody = openS3Store(url, { s3: { endpoint: "http://127.0.0.1:1" }, limits: LIMITS });
      expect((await refusal(nobody.get("n/a"))).message).toMatch(/cannot be reached \(ECONNREFUSED/);
      proxy.behave(() => ({ status: 200 }));
      expect((await refusal(open().get("n/a"))).message).toMatch(/none of S3's/);
    });

    it("a bucket without versions deletes by etag, and says that it keeps none", async () => {
      const plain = await makeBucket(endpointOf(aws), false);
      const store = openS3Store(`s3://${plain}`, { s3: { endpoint: proxy.endpoint } });
      expect(await store.inspect?.()).toMatchObject({ versions: false });
      expect(await open({ limits: {} }).inspect?.()).toMatchObject({ versions: true, locks: false });
    });

    it("foreign objects in the bucket are passed over by lists", async () => {
      const store = open({ limits: {} });
      await store.create("n/a", text("x"));
      for (const name of ["n/", "n/ä ö.txt", "n//x", "n/.hidden", "n/b"]) {
        const Key = `f/${count}/${name}`;
        await plainClient(endpointOf(aws)).send(new PutObjectCommand({ Bucket: bucket, Key, Body: "foreign" }));
      }
      const found: string[] = [];
      for await (const { name } of store.list("")) found.push(name);
      expect(found).toEqual(["n/a", "n/b"]);
    });

    it("an object above the bound goes up in parts, create-only, and leaves none behind when it fails", async () => {
      const limits = { ...LIMITS, idleMs: 20_000, single: 6 << 20, part: 5 << 20 };
      const body = hashed(randomBytes(11 << 20));
      const store = open({ limits });
      expect(await store.create("n/big", body)).toMatchObject({ created: true, receipt: { size: body.bytes.length } });
      expect(await store.create("n/big", body)).toMatchObject({ created: false, same: true });
      expect(await store.create("n/big", hashed(randomBytes(11 << 20)))).toMatchObject({ created: false, same: false });
      expect(Buffer.compare((await store.get("n/big"))?.bytes ?? Buffer.of(), body.bytes)).toBe(0);
      proxy.behave(({ kind, headers }) =>
        kind === "PUT" && Number(headers["content-length"]) < 5 << 20 ? { status: 500, code: "InternalError" } : "pass",
      );
      const from = proxy.calls.length;
      await refusal(store.create("n/broken", body));
      expect(proxy.calls.slice(from).at(-1)).toMatchObject({ method: "DELETE" });
      expect(await store.head("n/broken")).toBeNull();
    });
  },
);
