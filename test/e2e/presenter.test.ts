import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CopyObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { FunctionUrlAnswer, FunctionUrlEvent } from "../../lambdas/presenter/events.ts";
import { systemClock } from "../../posix/clock.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { openStore } from "../../vault/store/index.ts";
import { openS3Signer } from "../../vault/store/s3/presign.ts";
import { runHere } from "../cli/run.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf, freshVault, makeBucket, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

type Handler = (event: FunctionUrlEvent) => Promise<FunctionUrlAnswer>;

describe.skipIf(missing !== "")(`the presenter's function on a vault in S3${missing}`, { timeout: 240_000 }, () => {
  const folder = sharedTempDir("coldkeep-presenter");
  const data = join(folder, "data");
  const config = ["--config", join(folder, "config.yaml")];
  let server: Server;
  let from = "";
  let key = "";
  let bucket = "";
  /** What the function behind the URL is told of its caller; undefined: its URL has no authentication. */
  let caller: string | undefined;
  let seen: FunctionUrlEvent[] = [];
  let handler: Handler;

  beforeAll(async () => {
    const endpoint = endpointOf(aws);
    bucket = await makeBucket(endpoint);
    const kms = new KMSClient({ endpoint, region: "us-east-1" });
    key =
      (await kms.send(new CreateKeyCommand({ KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" }))).KeyMetadata
        ?.Arn ?? "";
    vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("COLDKEEP_VAULT", `s3://${bucket}/nodes`);
    vi.stubEnv("COLDKEEP_TICKET_KEY", key);
    vi.stubEnv("COLDKEEP_S3_PATH_STYLE", "true");
    vi.stubEnv("COLDKEEP_BRING_BACK", "bulk");
    ({ handler } = await import("../../lambdas/presenter/handler.ts"));
    mkdirSync(data);
    writeFileSync(join(data, "large"), randomBytes(3_000_000));
    const up = join(folder, "up");
    writeFileSync(up, "");
    await run(
      ...["init", "--vault", `s3://${bucket}/nodes`, "--endpoint", endpoint, "--region", "us-east-1"],
      ...["--state-dir", join(folder, "state"), "--key-file", join(folder, "key"), "--node", "demo"],
      ...["--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    );
    await run("backup");
    // A Function URL: HTTP on one side, events on the other.
    server = createServer((request, answer) => {
      const [rawPath = "", rawQueryString = ""] = (request.url ?? "").split("?", 2);
      const authorizer = caller === undefined ? {} : { authorizer: { iam: { userArn: caller } } };
      const event: FunctionUrlEvent = {
        rawPath,
        rawQueryString,
        headers: request.headers as Record<string, string>,
        requestContext: { http: { method: request.method ?? "" }, ...authorizer },
      };
      seen.push(event);
      void handler(event).then(({ statusCode, headers, body, isBase64Encoded }) => {
        answer.writeHead(statusCode, headers).end(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  });

  async function run<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await runHere([...words, "--json", ...config], { clock: systemClock });
    if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  const ticket = async (...words: string[]) => {
    const file = join(tempDir("coldkeep-ticket"), "demo.ticket");
    const made = ["ticket", "create", "--ticket-key", `kms:${key}`, "--expires", "1h", "--to", file, ...words];
    return { file, ...(await run<{ ticket: { tid: string } }>(...made)) };
  };

  async function restore(...words: string[]) {
    const to = join(tempDir("coldkeep-elsewhere"), "restored");
    const ran = await runHere(["restore", "--from", from, "--to", to, ...words, ...config], { clock: systemClock });
    return { ...ran, same: () => readFileSync(join(to, "data", "large")).equals(readFileSync(join(data, "large"))) };
  }

  it("restores by a ticket that KMS signed and checks", async () => {
    const { file } = await ticket();
    const { code, stderr, same } = await restore("--ticket-file", file);
    expect(code, stderr).toBe(0);
    expect(same()).toBe(true);
  });

  it("refuses a ticket that was changed, or revoked, within a minute", async () => {
    const { file, ticket: made } = await ticket();
    const text = readFileSync(file, "utf8").trim();
    writeFileSync(file, `${text.slice(0, -2)}${text.at(-2) === "A" ? "B" : "A"}${text.at(-1)}`);
    expect((await restore("--ticket-file", file)).code).toBe(14);
    await run("ticket", "revoke", made.tid);
    writeFileSync(file, text);
    const clock = vi.spyOn(systemClock, "now");
    const later = Date.now() + 61_000;
    clock.mockImplementation(() => later);
    const refused = await restore("--ticket-file", file);
    clock.mockRestore();
    expect([refused.code, refused.stderr]).toEqual([14, expect.stringContaining("revoked")]);
  });

  it("restores with this host's AWS credentials where there is no ticket: requests are signed for Lambda", async () => {
    caller = "arn:aws:iam::000000000000:user/operator";
    seen = [];
    const { code, stderr, same } = await restore();
    caller = undefined;
    expect(code, stderr).toBe(0);
    expect(same()).toBe(true);
    for (const { headers } of seen) {
      expect(headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=test\/\d{8}\/us-east-1\/lambda\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
      );
    }
  });

  it("answers nothing without either", async () => {
    const { code, stderr } = await restore();
    expect([code, stderr]).toEqual([14, expect.stringContaining("the presenter refused")]);
  });

  it("has packs brought back from an archive for who asks for it", async () => {
    const { file } = await ticket();
    const client = plainClient(endpointOf(aws));
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: "nodes/demo/data/" }),
    );
    for (const { Key = "" } of Contents.filter(({ Key: name }) => name?.endsWith(".pack"))) {
      const CopySource = `${bucket}/${Key}`;
      await client.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource, StorageClass: "DEEP_ARCHIVE" }));
    }
    const refused = await restore("--ticket-file", file);
    expect(refused.code).toBe(12);
    expect(refused.stderr).toMatch(/in DEEP_ARCHIVE: up to 2d 0h \(bulk\), and some 0\.\d\d USD/);
    const { code, stderr, same } = await restore("--ticket-file", file, "--from-archive", "standard");
    expect(code, stderr).toBe(0);
    expect(same()).toBe(true);
  });

  it("makes a ticket only with a key in KMS", async () => {
    const { code, stderr } = await runHere(["ticket", "create", "--expires", "1h", ...config], { clock: systemClock });
    expect([code, stderr]).toEqual([2, expect.stringContaining("kms:KEY")]);
  });
});

describe.skipIf(missing !== "")(`signed URLs${missing}`, () => {
  it("read one object, ranges of it too, to their end; changed they read nothing", async () => {
    const place = await freshVault(endpointOf(aws));
    const store = await openStore(place.url, place);
    await store.create("n/data/x/00000.pack", hashed(Buffer.from("0123456789")));
    const sign = openS3Signer(place.url, { ...place, now: systemClock.now });
    const before = Date.now();
    const { url, expires } = await sign("n/data/x/00000.pack", 60_000);
    expect(expires - before).toBeGreaterThan(58_000);
    expect(await (await fetch(url)).text()).toBe("0123456789");
    const part = await fetch(url, { headers: { range: "bytes=2-4" } });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    expect((await fetch(url.replace("00000.pack", "00001.pack"))).status).toBe(403);
    const old = openS3Signer(place.url, { ...place, now: () => Date.now() - 120_000 });
    expect((await fetch((await old("n/data/x/00000.pack", 60_000)).url)).status).toBe(403);
    await expect(sign("../x", 60_000)).rejects.toThrow(/illegal object name/);
  });

  it("end with the credentials they are signed with, and are not made of ended ones", async () => {
    const place = await freshVault(endpointOf(aws));
    const until = new Date(Date.now() + 100_000);
    vi.stubEnv("AWS_CREDENTIAL_EXPIRATION", until.toISOString());
    try {
      const signed = await openS3Signer(place.url, { ...place, now: systemClock.now })("n/x", 900_000);
      expect(signed.expires).toBeLessThanOrEqual(until.getTime());
      const late = openS3Signer(place.url, { ...place, now: () => until.getTime() })("n/x", 900_000);
      await expect(late).rejects.toThrow(/credentials/);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
