import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ColdkeepError } from "../../../vault/names/index.ts";
import { hashed } from "../../../vault/store/hashed.ts";
import { retrying } from "../../../vault/store/retrying.ts";
import { openS3Store } from "../../../vault/store/s3/index.ts";
import { tempDir } from "../../support/tmp.ts";
import { toolOrSkip } from "../../support/tools.ts";

const openssl = toolOrSkip("openssl", "openssl");
// The SDK's default chain looks in this process's environment, and nowhere else where these are set.
process.env.AWS_ACCESS_KEY_ID = "test";
process.env.AWS_SECRET_ACCESS_KEY = "test";
const LIMITS = { connectMs: 2_000, idleMs: 2_000, callMs: 10_000 };

/** An HTTP proxy that notes where it is asked to connect to; it leads there where `to` says a port, else refuses. */
async function startConnectProxy(to: (host: string) => number | null) {
  const asked: string[] = [];
  const server = createServer();
  server.on("connect", ({ url = "" }, client) => {
    asked.push(url);
    const port = to(url);
    if (port === null) return void client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const target = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(client).pipe(target);
    });
    client.on("error", () => target.destroy());
    target.on("error", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A server on loopback, gone with the test; its address. */
async function startHttp(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An S3 of no objects behind TLS, by a certificate for `localhost` that no system trusts. */
async function startTlsServer() {
  const folder = tempDir();
  const [key, ca] = [join(folder, "key.pem"), join(folder, "ca.pem")] as const;
  const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", [...words, ...name, "-keyout", key, "-out", ca], { stdio: "pipe" });
  const seen: string[] = [];
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(ca) }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const body = "<Error><Code>NoSuchKey</Code></Error>";
    response.writeHead(404, { "content-type": "application/xml", "content-length": body.length }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { ca, seen, port, endpoint: `https://localhost:${port}` };
}

function open(s3: NonNullable<Parameters<typeof openS3Store>[1]>["s3"], env: NodeJS.ProcessEnv = {}) {
  return openS3Store("s3://bucket/nodes", { s3: s3 ?? {}, env, limits: LIMITS, now: () => 0 });
}

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail("it did not fail"),
    (error: ColdkeepError) => error,
  );

describe(`a server of one's own behind TLS${openssl.title}`, () => {
  it.skipIf(openssl.skip)("is trusted by its own bundle of authorities, and by no other", async () => {
    const { ca, seen, endpoint } = await startTlsServer();
    expect(await open({ endpoint, caBundle: ca }).get("n/a")).toBeNull();
    expect(await open({ endpoint }, { AWS_CA_BUNDLE: ca }).get("n/a")).toBeNull();
    expect(seen).toHaveLength(2);
    const error = await refusal(open({ endpoint }).get("n/a"));
    expect(error.message).toMatch(/certificate/);
    expect(seen).toHaveLength(2);
  });

  it.skipIf(openssl.skip)("is reached through HTTPS_PROXY, but where NO_PROXY names it", async () => {
    const { ca, endpoint, port } = await startTlsServer();
    const proxy = await startConnectProxy(() => port);
    const s3 = { endpoint, caBundle: ca };
    expect(await open(s3, { HTTPS_PROXY: proxy.url }).get("n/a")).toBeNull();
    expect(proxy.asked).toEqual([`localhost:${port}`]);
    expect(await open(s3, { HTTPS_PROXY: proxy.url, NO_PROXY: "localhost" }).get("n/a")).toBeNull();
    expect(proxy.asked).toHaveLength(1);
  });
});

describe("credentials by the SDK's default chain", () => {
  /** Where no variable names any; the first letters of an Authorization header tell whose they are. */
  async function signedBy(more: Readonly<Record<string, string>>, s3: { readonly profile?: string } = {}) {
    const home = tempDir();
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
    vi.stubEnv("HOME", home);
    for (const [name, value] of Object.entries(more)) vi.stubEnv(name, value.replace("~", home));
    onTestFinished(() => void vi.unstubAllEnvs());
    writeFileSync(
      join(home, "credentials"),
      "[backup]\naws_access_key_id = OFPROFILE\naws_secret_access_key = secret\n",
    );
    let signature = "";
    const endpoint = await startHttp((request, response) => {
      signature = request.headers.authorization ?? "";
      response.writeHead(404).end();
    });
    await refusal(open({ endpoint, region: "us-east-1", ...s3 }).create("n/a", hashed(Buffer.from("x"))));
    return /Credential=([^/]+)/.exec(signature)?.[1];
  }

  it("come from a profile of AWS's files", async () => {
    const files = { AWS_SHARED_CREDENTIALS_FILE: "~/credentials", AWS_EC2_METADATA_DISABLED: "true" };
    expect(await signedBy(files, { profile: "backup" })).toBe("OFPROFILE");
  });

  it("come from the machine's role", async () => {
    const metadata = await startHttp((request, response) => {
      const role = { AccessKeyId: "OFROLE", SecretAccessKey: "secret", Token: "t", Expiration: "2099-01-01T00:00:00Z" };
      if (request.method === "PUT") response.end("token");
      else if (request.headers["x-aws-ec2-metadata-token"] !== "token") response.writeHead(401).end();
      else response.end(request.url?.endsWith("/a-role") ? JSON.stringify({ Code: "Success", ...role }) : "a-role");
    });
    expect(await signedBy({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata })).toBe("OFROLE");
  });
});

describe("credentials that expire while a backup goes on", () => {
  /** An S3 that takes one access key after the other; AWS's files on disk name the first. */
  async function host() {
    const home = tempDir();
    const file = join(home, "credentials");
    const give = (key: string) =>
      writeFileSync(file, `[default]\naws_access_key_id=${key}\naws_secret_access_key=s\naws_session_token=${key}\n`);
    give("FIRST");
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
    vi.stubEnv("HOME", home);
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", file);
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = { takes: "FIRST" };
    const endpoint = await startHttp((request, response) => {
      request.resume();
      if (request.headers.authorization?.includes(`Credential=${server.takes}/`)) {
        return void response.writeHead(200, { etag: '"1"', date: new Date(0).toUTCString() }).end();
      }
      response.writeHead(400, { "content-type": "application/xml" }).end("<Error><Code>ExpiredToken</Code></Error>");
    });
    const store = retrying(open({ endpoint, region: "us-east-1" }), {
      clock: { monotonic: () => 0 },
      wait: async () => {},
    });
    const put = (name: string) => store.create(name, hashed(Buffer.from("x")));
    expect(await put("n/a")).toMatchObject({ created: true });
    return { server, give, file, put };
  }

  it("are read anew from AWS's files, where somebody has written others", async () => {
    const { server, give, put } = await host();
    server.takes = "SECOND";
    give("SECOND");
    expect(await put("n/b")).toMatchObject({ created: true });
  });

  it("end it with what to do, where there are no others", async () => {
    const { server, put } = await host();
    server.takes = "SECOND";
    const error = await refusal(put("n/b"));
    expect(error).toMatchObject({ kind: "permission", retryable: false });
    expect(error.message).toMatch(/have expired.*aws sso login/);
  });
});

describe("AWS's own endpoints", () => {
  it.each([
    [{ region: "eu-central-1" }, "bucket.s3.eu-central-1.amazonaws.com"],
    [{ region: "eu-central-1", dualStack: true }, "bucket.s3.dualstack.eu-central-1.amazonaws.com"],
    [{ region: "us-east-2", fips: true }, "bucket.s3-fips.us-east-2.amazonaws.com"],
    [{ region: "us-east-2", fips: true, dualStack: true }, "bucket.s3-fips.dualstack.us-east-2.amazonaws.com"],
    [{ region: "cn-north-1" }, "bucket.s3.cn-north-1.amazonaws.com.cn"],
    [{ region: "eu-central-1", pathStyle: true }, "s3.eu-central-1.amazonaws.com"],
  ])("%j leads to %s", async (s3, host) => {
    const proxy = await startConnectProxy(() => null);
    const error = await refusal(open(s3, { HTTPS_PROXY: proxy.url }).get("n/a"));
    expect(proxy.asked).toEqual([`${host}:443`]);
    expect(error).toMatchObject({ kind: "vault" });
  });
});
